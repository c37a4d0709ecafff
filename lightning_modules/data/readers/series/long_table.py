"""Sequences as a long table: a row per step, with the series that it belongs to and its time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from lightning_modules.data.columns.cells import LARGEST, also, refuse_unknown, row_of, texts_of
from lightning_modules.data.columns.dates import times_of
from lightning_modules.data.columns.mistakes import Mistakes
from lightning_modules.errors import DataError


class LongTable:
    """The series of a table in the order of their first rows, each sorted by its time."""

    def __init__(
        self, frame: pd.DataFrame, series: str, time: str, path: str, dates: str | None = None
    ) -> None:
        """`dates` is the form of the dates in the column `time`, where it is said.

        Raises DataError where a row has no series or no time, or a series a time twice."""
        refuse_unknown([("data.series", series), ("data.time", time)], frame, path)
        self.frame, self.path = frame, path
        self._refuse_missing(series)
        self.names = texts_of(frame[series], path)
        self.codes, _ = pd.factorize(np.array(self.names, dtype=object))
        times = times_of(frame[time], path, dates)
        self.order = np.lexsort((times, self.codes))
        codes, times = self.codes[self.order], times[self.order]
        twice = np.flatnonzero((codes[1:] == codes[:-1]) & (times[1:] == times[:-1]))
        if len(twice):
            first, second = sorted(self.order[twice[0] : twice[0] + 2])
            raise DataError(
                f"{path}: column {time}, {row_of(frame[time], second)}: series "
                f"{self.names[second]!r} has this time in {row_of(frame[time], first)} already; "
                "give every step a time of its own"
            )
        self.ends = np.flatnonzero(np.diff(codes)) + 1
        _, self.first = np.unique(self.codes, return_index=True)

    def values(self, channels: Sequence[str], gaps: bool = False) -> list[Any]:
        """The series, each (t, channels), NaN where a value is missing and `gaps` are allowed.

        Raises DataError for every value that is none."""
        refuse_unknown([("data.channels", name) for name in channels], self.frame, self.path)
        columns, mistakes = [], Mistakes()
        for name in channels:
            with mistakes.gathered():
                if not gaps:
                    self._refuse_missing(name)
                columns.append(self._numbers(name))
        mistakes.refuse()
        return np.split(np.column_stack(columns)[self.order], self.ends)

    def of_series(self, parameter: str, name: str, may_miss: bool = False) -> pd.Series[Any]:
        """What a column says of every series, where it `may_miss` perhaps nothing; raises DataError
        where it changes within one."""
        refuse_unknown([(parameter, name)], self.frame, self.path)
        if not may_miss:
            self._refuse_missing(name)
        said = np.array(texts_of(self.frame[name], self.path), dtype=object)
        changed = np.flatnonzero(said != said[self.first[self.codes]])
        if len(changed):
            row, column = changed[0], self.frame[name]
            first = self.first[self.codes[row]]
            raise DataError(
                f"{self.path}: column {name}, {row_of(column, row)}: series {self.names[row]!r} "
                f"says {_quoted(said[row])} here and {_quoted(said[first])} in "
                f"{row_of(column, first)}"
                f"{also(column, changed)}; write the same in all of its rows"
            )
        return self.frame[name].iloc[self.first]

    def _numbers(self, name: str) -> Any:
        column = self.frame[name]
        values = pd.to_numeric(column, errors="coerce").to_numpy(np.float64, na_value=np.nan)
        wrong = np.flatnonzero(~(np.abs(values) <= LARGEST) & column.notna().to_numpy())
        if len(wrong):
            raise DataError(
                f"{self.path}: column {name}, {row_of(column, wrong[0])}: "
                f"{str(column.iloc[wrong[0]])!r} is no finite number{also(column, wrong)}; correct "
                "it, or list the columns of values in channels"
            )
        return values

    def _refuse_missing(self, name: str) -> None:
        missing = np.flatnonzero(self.frame[name].isna())
        if len(missing):
            raise DataError(
                f"{self.path}: column {name}, {row_of(self.frame[name], missing[0])}: is missing"
                f"{also(self.frame[name], missing)}; fill it in or remove the row"
            )


def _quoted(text: str) -> str:
    return repr(text) if text else "nothing"
