"""The targets in the columns of a file, read by the task that is to be learned."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

from lightning_modules.data.columns.cells import LARGEST, also, row_of, says_missing, texts_of
from lightning_modules.data.columns.mistakes import Mistakes
from lightning_modules.data.columns.number_texts import PLAIN, NumberForm
from lightning_modules.data.preparation.target_rules import TargetRules, count_missing
from lightning_modules.data.preparation.targets import are_numbers
from lightning_modules.errors import DataError

FEW = 20
"""So many different numbers may always be classes; beyond, up to the root of the rows."""
YES, NO = ("1", "True"), ("0", "False")
"""What a column of a label says."""


@dataclass(frozen=True)
class FoundTargets:
    """The targets of a file."""

    kept: Any
    """Which rows have one, (n,) of bool."""
    targets: list[Any]
    """Of those rows: labels, lists of values, or tuples of labels."""


@dataclass(frozen=True)
class TargetColumns:
    """The columns of a file to predict; the index says the row of the file, from 0."""

    columns: Sequence[pd.Series[Any]]
    where: str
    """The file."""
    forms: Mapping[str, NumberForm] = field(default_factory=dict)
    """How a column of values writes them, where not plainly."""
    call: str = "column {name}"
    """What errors call a column."""
    noun: str = "row"

    @property
    def names(self) -> list[str]:
        """What errors call the columns."""
        return [self.call.format(name=column.name) for column in self.columns]

    def read(self, rules: TargetRules, notes: list[str]) -> FoundTargets:
        """The targets; rows without one that are left out are counted in `notes`.

        Raises DataError that names the row of a target that the task does not have.
        """
        if rules.task == "classification" and len(self.columns) > 1:
            raise DataError(self._several())
        if len(self.columns) != len(rules.columns):
            raise DataError(
                f"{self.where}: has {len(self.columns)} targets, and the main file "
                f"{len(rules.columns)}; give it the same"
            )
        missing = [_is_missing(column, rules) for column in self.columns]
        kept = ~np.any(missing, axis=0)
        columns = [column[kept] for column in self.columns]
        found = TargetColumns(columns, self.where, self.forms, self.call, self.noun)
        targets = found._known(rules)  # what is no target at all is told before what is missing
        mistakes = Mistakes()
        for name, holes in zip(self.names, missing, strict=True):
            with mistakes.gathered():
                count_missing(holes, rules, f"{self.where}: {name}", self.place, notes)
        mistakes.refuse()
        if not targets:
            raise DataError(f"{self.where}: no row has all of its targets; name fewer")
        return FoundTargets(kept, targets)

    def place(self, at: int) -> str:
        """The row of a place, as errors call it."""
        return row_of(self.columns[0], at).replace("row", self.noun)

    def _known(self, rules: TargetRules) -> list[Any]:
        if rules.task == "classification":
            labels = texts_of(self.columns[0], self.where)
            _refuse_values(labels, f"{self.where}: {self.names[0]}")
            return labels
        if rules.task == "regression":
            values = self._stacked(self._values)
            return list(values.tolist())
        if rules.separator is not None:
            return [
                _labels(text, rules.separator) for text in texts_of(self.columns[0], self.where)
            ]
        answers = self._stacked(self._answers)
        names = [str(column.name) for column in self.columns]
        return [tuple(names[place] for place in np.flatnonzero(row)) for row in answers]

    def _stacked(self, read: Callable[[pd.Series[Any]], Any]) -> Any:
        """What is read of every column (n, k); DataError with the mistakes of all of them."""
        found, mistakes = [], Mistakes()
        for column in self.columns:
            with mistakes.gathered():
                found.append(read(column))
        mistakes.refuse()
        return np.column_stack(found)

    def _values(self, column: pd.Series[Any]) -> Any:
        form = self.forms.get(str(column.name), PLAIN)
        if form == PLAIN or types.is_numeric_dtype(column):
            values = pd.to_numeric(column, errors="coerce").to_numpy(np.float64, na_value=np.nan)
        else:
            values = np.array([form.value(str(text)) for text in column])
        wrong = np.flatnonzero(~(np.abs(values) <= LARGEST))
        if len(wrong):
            others = "correct it, or write task: classification"
            if len(self.columns) > 1:
                others = "correct it, or leave the column out of the targets"
            raise DataError(
                f"{self._at(column, wrong[0])}: {str(column.iloc[wrong[0]])!r} is no finite "
                f"number{self._also(column, wrong)}, and a regression predicts those; {others}"
            )
        return values

    def _answers(self, column: pd.Series[Any]) -> Any:
        """Whether a row has the label, (n,) of bool."""
        texts = np.array(texts_of(column, self.where), dtype=object)
        wrong = np.flatnonzero(~np.isin(texts, [*YES, *NO]))
        if len(wrong):
            raise DataError(
                f"{self._at(column, wrong[0])}: {texts[wrong[0]]!r} is neither 0 nor 1"
                f"{self._also(column, wrong)}, and the columns of task: multilabel say whether a "
                "row has a label; correct it, leave the column out of the targets, or write "
                "label_separator where a text names all labels of a row"
            )
        return np.isin(texts, YES)

    def _at(self, column: pd.Series[Any], place: int) -> str:
        return f"{self.where}: {self.call.format(name=column.name)}, {self.place(int(place))}"

    def _also(self, column: pd.Series[Any], places: Any) -> str:
        return also(column, places).replace("row", self.noun)

    def _several(self) -> str:
        """What several targets without a task of theirs may be."""
        kinds = {str(column.name): _kind(column, self.where) for column in self.columns}
        if set(kinds.values()) == {"0 and 1"}:
            way_out = "they hold 0 and 1, so write task: multilabel"
        elif "texts" not in kinds.values():
            way_out = "they hold numbers, so write task: regression"
        else:
            held = ", ".join(f"{name} {kind}" for name, kind in kinds.items())
            way_out = (
                f"they hold different things ({held}), and several targets are all numbers (task: "
                "regression) or all 0 and 1 (task: multilabel); name one column"
            )
            if set(kinds.values()) == {"texts"}:
                way_out = "they hold texts, which only a single target may; name one column"
        return f"{self.where}: {len(kinds)} targets cannot be a classification; {way_out}"


def columns_of_array(targets: Any, where: str, name: str, noun: str = "row") -> TargetColumns:
    """Targets (n,) or (n, k) as columns, which are counted where there are several; a text without
    letters is missing."""
    several = targets.ndim == 2 and targets.shape[1] > 1
    columns = [
        pd.Series(values, name=str(number), dtype="str" if values.dtype.kind in "SU" else None)
        for number, values in enumerate(_wide(targets).T, start=1)
    ]
    known = [column.mask(column == "") if column.dtype == "str" else column for column in columns]
    return TargetColumns(
        known, where, call=f"{name}, column {{name}}" if several else name, noun=noun
    )


def _refuse_values(labels: Sequence[str], what: str) -> None:
    """Raise DataError where labels are values: many numbers, among which words mean missing."""
    different = {*labels}
    values = {label for label in different if not says_missing(label)}
    if len(values) > max(FEW, math.sqrt(len(labels))) and are_numbers(values):
        said = f"{what} has {len(values)} different values; write task: regression"
        if words := sorted(different - values):
            said += f", and missing_targets: drop for the rows that say {words[0]!r}"
        raise DataError(said)


def _wide(targets: Any) -> Any:
    return targets if targets.ndim == 2 else targets[:, None]


def _labels(text: str, separator: str) -> tuple[str, ...]:
    found = (label.strip() for label in text.split(separator))
    return tuple(dict.fromkeys(label for label in found if label))


def _is_missing(column: pd.Series[Any], rules: TargetRules) -> Any:
    missing = column.isna().to_numpy()
    if rules.task == "classification" or rules.separator is not None:
        return missing
    if types.is_numeric_dtype(column) or types.is_bool_dtype(column):
        return missing
    return missing | column.map(lambda value: says_missing(str(value))).to_numpy(dtype=bool)


def _kind(column: pd.Series[Any], where: str) -> str:
    known = column.dropna()
    if {*texts_of(known, where)} <= {*YES, *NO}:
        return "0 and 1"
    return "numbers" if pd.to_numeric(known, errors="coerce").notna().all() else "texts"
