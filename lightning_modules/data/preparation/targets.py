"""Targets from files: the classes that labels name, and what labels and values must not be."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from lightning_modules.errors import DataError

FEW = 20
"""So many different numbers may always be classes; beyond, up to the root of the rows."""


def refuse_labels(labels: Sequence[str], what: str) -> None:
    """Raise DataError where labels cannot be classes; `what` names the file and its column."""
    counts = Counter(labels)
    if len(counts) == 1:
        raise DataError(
            f"{what} says {labels[0]!r} in every row; there is nothing to learn; name another "
            "target"
        )
    if len(counts) > max(FEW, math.sqrt(len(labels))) and _are_numbers(counts):
        raise DataError(f"{what} has {len(counts)} different values; write task: regression")
    for label, count in counts.items():
        if count == 1:
            row = labels.index(label) + 1
            raise DataError(
                f"{what} has a class with one row, {label!r} in row {row}; a class needs a row in "
                "every part; add rows or leave the class out"
            )


def refuse_constant(values: Any, what: str) -> None:
    """Raise DataError where a column of values (n, k) is the same in every row."""
    for column in np.asarray(values).T:
        if (column == column[0]).all():
            raise DataError(
                f"{what} is {column[0]:g} in every row; there is nothing to learn; name another "
                "target"
            )


def classes_of(labels: Mapping[str, Sequence[str]], what: Mapping[str, str]) -> tuple[str, ...]:
    """The classes of all parts in order: by number where all are numbers, else by letter.

    Raises DataError where the training part lacks one.
    """
    known = {*labels["train"]}
    for part, found in labels.items():
        for label in found:
            if label not in known:
                raise DataError(
                    f"{what[part]}: class {label!r} is in the {part} part, but has no row in the "
                    "training part; divide the rows otherwise or leave the class out"
                )
    if _are_numbers(known):
        return tuple(sorted(known, key=lambda label: (float(label), label)))
    return tuple(sorted(known))


def numbered(labels: Sequence[str], classes: Sequence[str]) -> Any:
    """Class numbers (n,), int64."""
    places = {label: place for place, label in enumerate(classes)}
    return np.array([places[label] for label in labels], dtype=np.int64)


def _are_numbers(labels: Iterable[str]) -> bool:
    try:
        return all(math.isfinite(float(label)) for label in labels)
    except ValueError:
        return False
