"""How rows are divided into the parts that train, validate and test, before anything is fitted.

By shares at random (stratified by class), by whole groups, by time, or as a column says.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from lightning_modules.components import Flag, Number, Parameter, Text
from lightning_modules.errors import DataError

Rows = np.ndarray[Any, np.dtype[np.int64]]

PART_NAMES = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "test": "test",
}
"""What a split column may say, and the part that it means."""

SHARES: dict[str, Parameter] = {
    "validation": Number(0.2, "share of the rows", low=0, high=1, open="both"),
    "test": Number(0.2, "share of the rows", low=0, high=1, open="both"),
    "split_seed": Number(0, "seed of the split", low=0, high=10**9, integer=True),
    "stratify": Flag(True, "classes have the same shares in every part"),
}
"""Parameters of a data set that is divided by shares."""
SPLIT: dict[str, Parameter] = {
    **SHARES,
    "split_column": Text(None, "the column that says train, validation or test of every row"),
    "group": Text(None, "the column whose equal values stay together in one part"),
    "time": Text(None, "the column by which the first rows train and the last ones test"),
}
"""Parameters of a data set that is divided by shares, groups, time, or a column."""


class Division(NamedTuple):
    """The rows of every part, in the order of the file."""

    train: Rows
    validation: Rows
    test: Rows


def divide_rows(
    count: int,
    *,
    validation: float,
    test: float,
    split_seed: int,
    where: str,
    classes: Sequence[Any] | None = None,
    said: Sequence[Any] | None = None,
    groups: Sequence[Any] | None = None,
    times: Sequence[Any] | None = None,
) -> Division:
    """Divide `count` rows: as `said` names their parts, else by `groups`, by `times` or at random.

    `classes` stratify a division at random or by groups. `where` names the file in errors. Raises
    DataError where a part would be empty or a class too small.
    """
    given = [name for name, one in (("split_column", said), ("group", groups), ("time", times))
             if one is not None]  # fmt: skip
    if len(given) > 1:
        raise DataError(
            f"{where}: data.{given[0]} and data.{given[1]} do not go together; keep one"
        )
    if said is not None:
        parts = _as_said(said, where)
    elif times is not None:
        parts = _by_time(np.asarray(times), validation, test)
    elif groups is not None:
        parts = _by_group(np.asarray(groups), classes, validation, test, split_seed, where)
    else:
        parts = _at_random(count, classes, validation, test, split_seed, where)
    for name, rows in parts._asdict().items():
        if len(rows) == 0:
            raise DataError(
                f"{where}: the {name} part would be empty ({count} rows in all); change the shares "
                "or name a part for more rows"
            )
    return Division(*(np.sort(rows) for rows in parts))


def held_out(rows: Rows, share: float, seed: int, classes: Any, where: str) -> Rows:
    """A share of `rows` at random, stratified by their `classes` where given.

    Raises DataError where a part would be too small to hold every class.
    """
    from sklearn.model_selection import train_test_split

    try:
        _, chosen = train_test_split(rows, test_size=share, random_state=seed, stratify=classes)
    except ValueError as error:
        raise DataError(
            f"{where}: {len(rows)} rows cannot be divided so: {error}; choose another share"
        ) from None
    return np.sort(chosen)


def _as_said(said: Sequence[Any], where: str) -> Division:
    parts = np.array([PART_NAMES.get(str(word).strip().lower(), "") for word in said])
    if "" in parts:
        row = int(np.flatnonzero(parts == "")[0])
        raise DataError(
            f"{where}: row {row + 1}: {said[row]!r} is no part; the split column says train, "
            "validation or test"
        )
    return Division(*(np.flatnonzero(parts == name) for name in Division._fields))


def _by_time(times: Any, validation: float, test: float) -> Division:
    """Rows of the same moment stay together: the future never trains."""
    order = np.argsort(times, kind="stable")
    sorted_times = times[order]
    ends = [0]
    for share in (1 - validation - test, 1 - test):
        cut = sorted_times[min(round(share * len(order)), len(order) - 1)]
        before = int(np.searchsorted(sorted_times, cut, side="left"))
        after = int(np.searchsorted(sorted_times, cut, side="right"))
        ends.append(before if before > ends[-1] else after)
    return Division(order[: ends[1]], order[ends[1] : ends[2]], order[ends[2] :])


def _by_group(
    groups: Any,
    classes: Sequence[Any] | None,
    validation: float,
    test: float,
    seed: int,
    where: str,
) -> Division:
    names, members = np.unique(groups, return_inverse=True)
    if len(names) < 3:
        raise DataError(
            f"{where}: {len(names)} groups cannot fill three parts; at least 3 are needed"
        )
    strata = None
    if classes is not None:  # where every group is of one class
        kinds = [{*np.asarray(classes)[members == index]} for index in range(len(names))]
        if all(len(kind) == 1 for kind in kinds):
            strata = [next(iter(kind)) for kind in kinds]
    whole = _at_random(len(names), strata, validation, test, seed, f"{where}: groups")
    return Division(*(np.flatnonzero(np.isin(members, part)) for part in whole))


def _at_random(
    count: int,
    classes: Sequence[Any] | None,
    validation: float,
    test: float,
    seed: int,
    where: str,
) -> Division:
    from sklearn.model_selection import train_test_split

    if classes is not None:
        values, counts = np.unique(np.asarray(classes), return_counts=True)
        if counts.min() < 3:
            rare = values[counts.argmin()]
            raise DataError(
                f"{where}: class {str(rare)!r} has {counts.min()} rows, and three parts need one "
                "each; add rows, leave the class out, or write stratify: false"
            )
    rows = np.arange(count)
    try:
        rest, tested = train_test_split(rows, test_size=test, random_state=seed, stratify=classes)
        strata = None if classes is None else np.asarray(classes)[rest]
        trained, validated = train_test_split(
            rest, test_size=validation / (1 - test), random_state=seed, stratify=strata
        )
    except ValueError as error:
        raise DataError(
            f"{where}: {count} rows cannot be divided so: {error}; change data.validation and "
            "data.test"
        ) from None
    return Division(trained, validated, tested)
