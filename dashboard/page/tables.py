"""The table of trials as a person wants it: some rows, some columns, as a file."""

from __future__ import annotations

from collections.abc import Collection
from io import BytesIO
from itertools import islice

import pandas as pd

from lightning_modules.configuration import flatten
from studies.results import StudyResults

ALWAYS = (
    "trial",
    "arm",
    "phase",
    "repeat",
    "split",
    "outcome",
    "value",
    "seed",
    "epochs",
    "seconds",
)
RUNNING = "running"
LOOKED_AT = 50
"""Trials of each arm whose configuration says where its searched values are."""


def outcomes(table: pd.DataFrame) -> pd.Series:
    """How every trial ended, in words; `running` for those that have not."""
    return table["outcome"].astype(object).where(table["outcome"].notna(), RUNNING)


def filtered(
    table: pd.DataFrame,
    *,
    arm: Collection[str] = (),
    phase: Collection[str] = (),
    outcome: Collection[str] = (),
    text: str = "",
) -> pd.DataFrame:
    """The rows that fit every filter; an empty one lets all pass. `text` may stand anywhere in
    any column, in capitals or not."""
    fits = pd.Series(True, index=table.index)
    for values, wanted in (
        (table["arm"], arm),
        (table["phase"], phase),
        (outcomes(table), outcome),
    ):
        if wanted:
            fits &= values.isin(list(wanted))
    if text.strip():
        fits &= _mentions(table[fits], text.strip().lower())
    return table[fits]


def _mentions(table: pd.DataFrame, text: str) -> pd.Series:
    found = pd.Series(False, index=table.index)
    for name in table.columns:
        found |= table[name].astype(str).str.lower().str.contains(text, regex=False, na=False)
    return found


def usual_columns(results: StudyResults, table: pd.DataFrame) -> list[str]:
    """What is shown unless other columns are picked: how each trial went, and what was searched."""
    searched: set[str] = set()
    for arm in results.spec.arms:
        of_arm = (trial for trial in results.trials if trial.arm == arm.name)
        for trial in islice(of_arm, LOOKED_AT):
            searched |= set(arm.space.open_values_of(dict(flatten(trial.configuration))))
    names = [*ALWAYS, *(name for name in table.columns if name in searched), "reason"]
    names += [name for name in table.columns if name == "note" or name.startswith("tag/")]
    empty = {name for name in ("arm", "reason") if not table[name].astype(bool).any()}
    if results.spec.repeats == 1:
        empty |= {"repeat", "split"}
    return [name for name in names if name not in empty]


def as_parquet(table: pd.DataFrame) -> bytes:
    """The table as a Parquet file."""
    file = BytesIO()
    table.to_parquet(file, index=False)
    return file.getvalue()
