"""Targets from files: the numbers that networks learn, and what labels and values must not be.

Targets that were read are, for every row, a label (`classification`), k values (`regression`), or
the names of its labels (`multilabel`).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lightning_modules.data.preparation.target_rules import (
    PlaceName,
    TargetRules,
    rare_classes,
)
from lightning_modules.errors import DataError


@dataclass(frozen=True)
class Outputs:
    """What a network answers."""

    count: int
    """Classes, labels, or values to predict."""
    classes: tuple[str, ...] = ()
    """The names of classes or labels."""
    values: tuple[str, ...] = ()
    """The names of values, where there are several."""


def left_out(
    targets: Sequence[Any],
    rules: TargetRules,
    parts: int,
    what: str,
    place: PlaceName,
    notes: list[str],
) -> frozenset[str]:
    """The classes or labels of the main file that are left out, since they have too few rows.

    `parts` is how many parts need a row of each class. Raises DataError where labels cannot be
    learned.
    """
    if rules.task == "regression":
        return frozenset()
    if rules.task == "classification":
        refuse_labels(targets, what)
        return rare_classes(targets, rules, max(2, parts), what, place, notes)
    labels = [label for row in targets for label in row]
    rows = [number for number, row in enumerate(targets) for _ in row]
    for name, count in Counter(labels).items():
        if count == len(targets) and rules.separator is None:
            raise DataError(
                f"{what}: label {name!r} is in every row; there is nothing to learn; leave it out"
            )
    for name in rules.columns if rules.separator is None else ():
        if name not in labels:
            raise DataError(
                f"{what}: label {name!r} is in no row; there is nothing to learn; leave it out"
            )
    return rare_classes(labels, rules, max(2, parts), what, lambda at: place(rows[at]), notes)


def without(targets: Sequence[Any], out: Collection[str], task: str) -> tuple[Any, list[Any]]:
    """Which rows are kept, (n,) of bool, and their targets, where classes or labels are left out:
    rows of such classes go, rows with such labels stay."""
    if task == "multilabel":
        kept = [tuple(label for label in row if label not in out) for row in targets]
        return np.ones(len(kept), dtype=bool), kept
    stays = np.array([not out or label not in out for label in targets], dtype=bool)
    return stays, [target for target, stay in zip(targets, stays, strict=True) if stay]


def encoded(
    targets: Mapping[str, Sequence[Any]],
    where: Mapping[str, str],
    rules: TargetRules,
    names: Sequence[str],
    out: Collection[str],
) -> tuple[dict[str, Any], Outputs]:
    """Targets of every part as classes (n,), int64, or as values or labels (n, k), float32.

    `where` is the file of a part, `names` what errors call each target in it, `out` are labels that
    are left out. Raises DataError where the training part does not teach them.
    """
    for part, found in targets.items():
        if not len(found):
            raise DataError(
                f"{where[part]}: no row is left for the {part} part; add rows whose classes the "
                "training part has"
            )
    if rules.task == "regression":
        values = {part: np.array(found, np.float32) for part, found in targets.items()}
        refuse_constant(values["train"], [f"{where['train']}: {name}" for name in names])
        several = rules.columns if len(rules.columns) > 1 else ()
        return values, Outputs(values["train"].shape[1], values=several)
    if rules.task == "classification":
        classes = classes_of(targets, where)
        numbers = {part: numbered(labels, classes) for part, labels in targets.items()}
        return numbers, Outputs(len(classes), classes)
    known = tuple(name for name in rules.columns if name not in out)
    if rules.separator is not None:
        main = [part for part in targets if where[part] == where["train"]]
        known = in_order({label for part in main for row in targets[part] for label in row})
    labels = {part: _shares(targets[part], known, f"{where[part]}: {names[0]}") for part in targets}
    return labels, Outputs(len(known), known)


def _shares(rows: Sequence[Sequence[str]], known: Sequence[str], what: str) -> Any:
    """Labels (n, k), float32: 1 where a row has one of those that are known, in their order."""
    places = {label: place for place, label in enumerate(known)}
    found = np.zeros((len(rows), len(known)), np.float32)
    for number, row in enumerate(rows):
        for label in row:
            if label not in places:
                raise DataError(
                    f"{what}: label {label!r} is in no row of the main file; add rows there, or "
                    "leave the label out here"
                )
            found[number, places[label]] = 1
    return found


def refuse_labels(labels: Sequence[str], what: str) -> None:
    """Raise DataError where labels cannot be classes; `what` names the file and its column."""
    counts = Counter(labels)
    if len(counts) == 1:
        raise DataError(
            f"{what} says {labels[0]!r} in every row; there is nothing to learn; name another "
            "target"
        )


def refuse_constant(values: Any, what: Sequence[str]) -> None:
    """Raise DataError where a column of values (n, k) is the same in every row; `what` are the
    names of the columns, or a single one for all."""
    for place, column in enumerate(np.asarray(values).T):
        if (column == column[0]).all():
            raise DataError(
                f"{what[place % len(what)]} is {column[0]:g} in every row; there is nothing to "
                "learn; name another target"
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
    return in_order(known)


def in_order(labels: Collection[str]) -> tuple[str, ...]:
    """Labels by number where all are numbers, else by letter."""
    if are_numbers(labels):
        return tuple(sorted(labels, key=lambda label: (float(label), label)))
    return tuple(sorted(labels))


def numbered(labels: Sequence[str], classes: Sequence[str]) -> Any:
    """Class numbers (n,), int64."""
    places = {label: place for place, label in enumerate(classes)}
    return np.array([places[label] for label in labels], dtype=np.int64)


def are_numbers(labels: Iterable[str]) -> bool:
    """Whether all are finite numbers."""
    try:
        return all(math.isfinite(float(label)) for label in labels)
    except ValueError:
        return False
