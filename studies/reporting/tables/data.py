"""What the data of a study became, in tables."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from lightning_modules.data.preparation.summary import DataSummary
from studies.results import StudyResults


def parts_table(rows: Mapping[str, int]) -> pd.DataFrame:
    """The rows of every part, and their share of all."""
    every = sum(rows.values()) or 1
    return pd.DataFrame(
        [{"part": part, "rows": count, "share": count / every} for part, count in rows.items()]
    )


def classes_table(summary: DataSummary) -> pd.DataFrame:
    """The rows of every class or label in every part, and its share of all rows."""
    every, parts = sum(summary.rows.values()) or 1, list(summary.rows)
    name = "label" if summary.several else "class"
    return pd.DataFrame(
        [
            {name: label, **dict(zip(parts, counts, strict=True)), "share": sum(counts) / every}
            for label, counts in summary.classes.items()
        ]
    )


def columns_table(summary: DataSummary) -> pd.DataFrame:
    """What every column of the file is, over all of its rows."""
    return pd.DataFrame(
        [
            {
                "column": column.name,
                "kind": column.kind,
                "different values": column.levels,
                "missing": column.missing,
                "remark": "the same in every row" if column.constant else "",
            }
            for column in summary.columns
        ]
    )


def seen_rows(results: StudyResults) -> Mapping[str, int]:
    """The rows of every part as the first trial saw them that knows them."""
    return next((trial.rows for trial in results.trials if trial.rows), {})
