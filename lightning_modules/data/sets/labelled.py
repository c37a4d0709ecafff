"""Texts and sequences with their targets: divided into parts, their targets made numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from lightning_modules.data.columns.cells import LARGEST, also, row_of, texts_of
from lightning_modules.data.preparation.prepared import PARTS
from lightning_modules.data.preparation.splitting import divide_rows, refuse_unused
from lightning_modules.data.preparation.targets import (
    classes_of,
    numbered,
    refuse_constant,
    refuse_labels,
)
from lightning_modules.errors import DataError


@dataclass(frozen=True)
class Labelled:
    """What a file holds: rows, a target for each, and what may divide them."""

    rows: Sequence[Any]
    targets: Sequence[Any]
    """Labels as texts, or values."""
    where: str
    """The file."""
    what: str
    """The file and where its targets stand."""
    said: Sequence[str] | None = None
    """The part of every row, where a column says it."""
    groups: Sequence[str] | None = None
    times: Any = None
    """What orders the rows, (n,)."""
    chosen: Sequence[int] | None = None
    """The places of the rows in the file; None where they are all of it."""

    notices: Sequence[str] = ()
    """What is to be said of the file."""

    @property
    def numbers(self) -> Sequence[int]:
        """The places of the rows in the file, from 0."""
        return range(len(self.rows)) if self.chosen is None else self.chosen


@dataclass(frozen=True)
class Shares:
    """How the rows of the main file are divided."""

    validation: float
    test: float
    split_seed: int
    stratify: bool


def divided(
    main: Labelled, apart: Mapping[str, Labelled], shares: Shares, task: str
) -> dict[str, Labelled]:
    """The parts; those in `apart` have files of their own."""
    column = "split_column" if main.said is not None else None
    if column is None and main.times is not None:
        column = "time"
    refuse_unused(vars(shares), {part: f"data.{part}_path" for part in apart}, column)
    if task == "classification":
        refuse_labels(main.targets, main.what)
    rows = divide_rows(
        len(main.rows),
        validation=0.0 if "validation" in apart else shares.validation,
        test=0.0 if "test" in apart else shares.test,
        split_seed=shares.split_seed,
        where=main.where,
        classes=main.targets if shares.stratify and task == "classification" else None,
        said=main.said,
        groups=main.groups,
        times=main.times,
    )._asdict()
    parts = {
        part: Labelled(
            [main.rows[row] for row in rows[part]],
            [main.targets[row] for row in rows[part]],
            main.where,
            main.what,
            chosen=rows[part].tolist(),
        )
        for part in PARTS
    }
    return {**parts, **apart}


def targets_of(
    parts: Mapping[str, Labelled], task: str
) -> tuple[dict[str, Any], int, tuple[str, ...]]:
    """Class numbers (n,) or values (n, 1) of every part, the outputs, and the classes by name."""
    if task == "regression":
        values = {part: np.array(parts[part].targets, np.float32)[:, None] for part in PARTS}
        refuse_constant(values["train"], parts["train"].what)
        return values, 1, ()
    labels = {part: parts[part].targets for part in PARTS}
    classes = classes_of(labels, {part: parts[part].where for part in PARTS})
    return {part: numbered(labels[part], classes) for part in PARTS}, len(classes), classes


def labels_or_values(column: pd.Series[Any], task: str, where: str) -> list[Any]:
    """The targets in a column; raises DataError where one is missing or no number."""
    what = f"{where}: column {column.name}"
    missing = np.flatnonzero(column.isna())
    if len(missing):
        raise DataError(
            f"{what}, {row_of(column, missing[0])}: is missing{also(column, missing)}; fill it in "
            "or remove the row"
        )
    if task == "classification":
        return texts_of(column, where)
    return values_of(list(column), what, partial(row_of, column))


def values_of(given: Sequence[Any], what: str, place_of: Callable[[int], str]) -> list[float]:
    """Numbers from what a file says; raises DataError that names the place of one that is none."""
    column = pd.to_numeric(pd.Series(given), errors="coerce")
    values = column.to_numpy(np.float64, na_value=np.nan)
    wrong = np.flatnonzero(~(np.abs(values) <= LARGEST))
    if len(wrong):
        raise DataError(
            f"{what}, {place_of(int(wrong[0]))}: {str(given[wrong[0]])!r} is no finite number, "
            "and a regression predicts those; correct it, or write task: classification"
        )
    return values.tolist()
