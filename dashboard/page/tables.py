"""The table of trials as a person wants it: some rows, some columns, as a file."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from io import BytesIO
from itertools import islice

import pandas as pd

from lightning_modules.configuration import flatten
from studies.results import StudyResults

CURVE = "curve"
"""The column of small curves, which is drawn of the listed rows only."""
FIRST = ("outcome", "trial", "arm", "value", CURVE)
LAST = ("phase", "repeat", "split", "epochs", "seconds", "seed", "reason")
"""What is shown before and after the searched parameters."""
RUNNING = "running"
LOOKED_AT = 50
"""Trials of each arm whose configuration says where its searched values are."""


@dataclass(frozen=True)
class Filters:
    """Which trials are listed; an empty filter lets all pass."""

    arm: tuple[str, ...] = ()
    phase: tuple[str, ...] = ()
    outcome: tuple[str, ...] = ()
    repeat: tuple[str, ...] = ()
    text: str = ""
    """May stand anywhere in any column, in capitals or not."""


def outcomes(table: pd.DataFrame) -> pd.Series:
    """How every trial ended, in words; `running` for those that have not."""
    return table["outcome"].astype(object).where(table["outcome"].notna(), RUNNING)


def filtered(table: pd.DataFrame, filters: Filters) -> pd.DataFrame:
    """The rows that fit every filter."""
    fits = pd.Series(True, index=table.index)
    for values, wanted in (
        (table["arm"], filters.arm),
        (table["phase"], filters.phase),
        (outcomes(table), filters.outcome),
        (table["repeat"].astype(str), filters.repeat),
    ):
        if wanted:
            fits &= values.isin(list(wanted))
    if filters.text.strip():
        fits &= _mentions(table[fits], filters.text.strip().lower())
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
    names = [*FIRST, *(name for name in table.columns if name in searched), *LAST]
    names += [name for name in table.columns if name == "note" or name.startswith("tag/")]
    empty = {name for name in ("arm", "reason") if not table[name].astype(bool).any()}
    if results.spec.repeats == 1:
        empty |= {"repeat", "split"}
    return [name for name in names if name not in empty]


def named_columns(table: pd.DataFrame) -> list[str]:
    """Every column that can be chosen."""
    names = list(table.columns)
    at = names.index("value") + 1
    return [*names[:at], CURVE, *names[at:]]


def for_file(table: pd.DataFrame, columns: Collection[str]) -> pd.DataFrame:
    """The chosen columns as they are written to a file: with plain numbers and without curves."""
    return table[[name for name in columns if name != CURVE]]


def as_parquet(table: pd.DataFrame) -> bytes:
    """The table as a Parquet file."""
    file = BytesIO()
    table.to_parquet(file, index=False)
    return file.getvalue()
