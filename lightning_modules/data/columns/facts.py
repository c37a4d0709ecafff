"""What is told of the columns of a table: their kinds, and which should not be learned from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

from lightning_modules.data.columns.cells import says_missing
from lightning_modules.data.columns.kinds import Kinds
from lightning_modules.data.preparation.summary import ColumnSummary

FEW_ROWS = 20
"""In so few rows numbers may be all different, or go with the target, by chance."""


def summarize_columns(rows: pd.DataFrame, kinds: Kinds) -> list[ColumnSummary]:
    """Every column of the inputs, in the order of the file."""
    found = []
    for name in map(str, rows.columns):
        kind = "numbers" if name in kinds.numbers else "category"
        kind = "dates" if name in kinds.dates else kind
        known = rows[name].dropna()
        if kind != "category" and not types.is_numeric_dtype(known):
            known = known[~known.map(lambda value: says_missing(str(value)))]
        if is_identifier(known, kind, len(rows)):
            kind = "id"
        levels = int(known.nunique())
        found.append(ColumnSummary(name, kind, levels, len(rows) - len(known)))
    return found


def summarize_ids(rows: pd.DataFrame, names: Sequence[str]) -> list[ColumnSummary]:
    """Columns that name the rows."""
    known = {name: rows[name].dropna() for name in names}
    return [
        ColumnSummary(name, "id", int(values.nunique()), len(rows) - len(values))
        for name, values in known.items()
    ]


def is_identifier(known: pd.Series[Any], kind: str, rows: int) -> bool:
    """Whether every row has a value of its own: a text, or a number that a counter gives."""
    if rows < FEW_ROWS or len(known) < rows or kind == "dates" or not known.is_unique:
        return False
    if kind == "category":
        return True
    if not types.is_numeric_dtype(known):
        return False
    values = known.to_numpy(np.float64)
    dense = float(values.max() - values.min()) < 3 * len(values)
    return dense and bool((values == np.round(values)).all())


def counts_rows(column: pd.Series[Any]) -> bool:
    """Whether the column has no name in the file and counts the rows, from 0 or from 1, as some
    programs write."""
    if not str(column.name).startswith("Unnamed: ") or not types.is_integer_dtype(column):
        return False
    values = column.to_numpy()
    return bool(values[0] in (0, 1) and (np.diff(values) == 1).all())


def column_warnings(
    rows: pd.DataFrame, columns: Sequence[ColumnSummary], targets: Sequence[Any], target: str
) -> Iterator[str]:
    """A sentence for every column that should not be learned from as it is."""
    for column in columns:
        if column.kind == "id":
            yield (
                f"column {column.name} has another value in every row, as an identifier has, and "
                f"teaches nothing; leave it out with id: [{column.name}]"
            )
        elif column.kind != "dates" and determines(rows[column.name], targets):
            yield (
                f"column {column.name} determines {target} in every row, as what is known only "
                "afterwards does; where that is so, leave it out with drop: "
                f"[{column.name}]"
            )


def determines(column: pd.Series[Any], targets: Sequence[Any]) -> bool:
    """Whether the target follows from the column alone: from each of its values, or from where it
    stands among them."""
    known = column.notna().to_numpy()
    codes, values = pd.factorize(column[known])
    classes, _ = pd.factorize(np.asarray(targets, dtype=object)[known])
    different = len(np.unique(classes))
    if len(codes) < max(FEW_ROWS, len(column) / 2) or different < 2:
        return False
    pairs = len(np.unique(codes.astype(np.int64) * (len(classes) + 1) + classes))
    if pairs > len(values):
        return False
    if len(values) <= len(codes) / 5:
        return True
    if not types.is_numeric_dtype(column):
        return False
    if different > len(codes) / 5:
        return _is_line(column[known], np.asarray(targets, dtype=object)[known])
    order = np.argsort(column[known].to_numpy(np.float64), kind="stable")
    return int((np.diff(classes[order]) != 0).sum()) == different - 1


def _is_line(column: pd.Series[Any], targets: Any) -> bool:
    """Whether numbers are a multiple of the target and a constant, but for rounding."""
    try:
        values = targets.astype(np.float64)
    except ValueError:
        return False
    return bool(abs(np.corrcoef(column.to_numpy(np.float64), values)[0, 1]) > 1 - 1e-6)


def class_notices(labels: Sequence[str], target: str) -> Iterator[str]:
    """A sentence for classes that are words for missing."""
    for label, count in Counter(labels).items():
        if says_missing(label):
            yield (
                f"column {target}: {label!r} ({count:,} rows) is a class like others; where it "
                f"means missing, write missing: ['{label}']"
            )


def rare_notices(preparation: Mapping[str, Any]) -> Iterator[str]:
    """A sentence for every category of which rare levels share one."""
    for column in preparation["categories"]:
        if shared := column.get("others"):
            levels = len(column["values"]) + shared["levels"]
            yield (
                f"column {column['name']}: {levels:,} levels, of which {shared['levels']:,} rare "
                f"ones ({shared['rows']:,} rows of the training part) share one; categories: "
                "embedding keeps all"
            )
