"""What a study file says of what there is to predict, and which rows are left out for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lightning_modules.errors import DataError

SHOWN = 5
"""Rare classes, or rows of one, that a sentence names."""

PlaceName = Callable[[int], str]
"""What a place among the rows is called in their file, such as `row 7`."""


@dataclass(frozen=True)
class TargetRules:
    """What is to be predicted, and what becomes of rows that cannot teach it."""

    columns: tuple[str, ...]
    """The columns, or the array."""
    task: str
    missing: str = "error"
    """What rows without a target are: an `error`, or left out (`drop`)."""
    rare: str = "error"
    """The same of classes with too few rows for the parts."""
    separator: str | None = None
    """What stands between the labels of a row in a single column."""

    @property
    def has_texts(self) -> bool:
        """Whether a target is a text: one label, or several of them."""
        return self.task == "classification" or self.separator is not None

    @classmethod
    def of(cls, columns: Sequence[str], parameters: Mapping[str, Any]) -> TargetRules:
        """The rules in the parameters of a data set."""
        names = ("task", "missing_targets", "rare_classes", "label_separator")
        task, missing, rare, separator = (parameters[name] for name in names)
        return cls(tuple(columns), task, missing, rare, separator)


def count_missing(
    missing: Any, rules: TargetRules, what: str, place: PlaceName, notes: list[str]
) -> None:
    """Count the rows without a target, which are left out, in `notes`.

    `missing` (n,) says which have none. Raises DataError where such rows may not be left out.
    """
    places = np.flatnonzero(missing)
    if len(places) and rules.missing == "error":
        more = f" ({len(places)} rows in all)" if len(places) > 1 else ""
        raise DataError(
            f"{what}, {place(int(places[0]))}: is missing{more}; fill it in, or write "
            "missing_targets: drop, which leaves such rows out"
        )
    if len(places) == len(missing):
        raise DataError(f"{what}: is missing in every row; name another target")
    if len(places):
        notes.append(
            f"{what}: {len(places):,} of {len(missing):,} rows have no target and are left out "
            "(missing_targets: drop)"
        )


def rare_classes(
    labels: Sequence[str],
    rules: TargetRules,
    needed: int,
    what: str,
    place: PlaceName,
    notes: list[str],
) -> frozenset[str]:
    """The classes that are left out, having fewer than `needed` rows; counted in `notes`.

    Raises DataError that names the row of a class with one row, where classes may not be left out.
    """
    counts = Counter(labels)
    if rules.rare == "error":
        for label, count in counts.items():
            if count == 1:
                row = place(labels.index(label))
                raise DataError(
                    f"{what} has a class with one row, {label!r} in {row}; a class needs a row in "
                    "every part; add rows, or write rare_classes: drop, which leaves it out"
                )
        return frozenset()
    rare = {label: count for label, count in counts.items() if count < needed}
    if len(counts) - len(rare) < 2 and rare:
        raise DataError(
            f"{what}: without its rare classes ({_counted(rare)}) fewer than two are left; add "
            "rows of them"
        )
    if rare:
        notes.append(
            f"{what}: {sum(rare.values()):,} of {len(labels):,} rows are of {len(rare)} rare "
            f"{'class' if len(rare) == 1 else 'classes'} ({_counted(rare)}) and are left out "
            "(rare_classes: drop)"
        )
    return frozenset(rare)


def _counted(counts: Mapping[str, int]) -> str:
    named = [f"{label!r} {count}" for label, count in [*counts.items()][:SHOWN]]
    more = [f"{len(counts) - SHOWN} more"] if len(counts) > SHOWN else []
    return ", ".join(named + more)
