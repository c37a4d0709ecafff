"""How rows are divided into the parts that train, validate and test, before anything is fitted.

By shares at random (stratified by class), by whole groups, by time, or as a column says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
WORDS = {1: "one", 2: "two", 3: "three"}

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


def refuse_unused(
    given: Mapping[str, Any], own: Mapping[str, str], column: str | None = None
) -> None:
    """Raise DataError for a parameter of `SHARES` that was given and would change nothing.

    `own` says of every part with data of its own where they are; `column` is the parameter whose
    column divides the rows, if one does.
    """
    unused = dict(own)
    if len(own) == 2:
        unused |= {"split_seed": own["test"], "stratify": own["test"]}
    if column == "split_column":
        unused |= dict.fromkeys(SHARES, "data.split_column")
    if column == "time":
        unused |= {"split_seed": "data.time", "stratify": "data.time"}
    for name, other in unused.items():
        if given[name] != SHARES[name].default:
            raise DataError(f"data.{name} and {other} do not go together; keep one")


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
    place: Callable[[int], str] = lambda row: f"row {row + 1}",
) -> Division:
    """Divide `count` rows: as `said` names their parts, else by `groups`, by `times` or at random.

    `classes` stratify a division at random or by groups. A share of 0 is of a part that has a file
    of its own: no row goes there. `where` names the file in errors, and `place` a row in it.
    Raises DataError where a part would be empty or a class too small.
    """
    given = [name for name, one in (("split_column", said), ("group", groups), ("time", times))
             if one is not None]  # fmt: skip
    if len(given) > 1:
        raise DataError(
            f"{where}: data.{given[0]} and data.{given[1]} do not go together; keep one"
        )
    if said is not None:
        parts = _as_said(said, where, place)
    elif times is not None:
        parts = _by_time(np.asarray(times), validation, test)
    elif groups is not None:
        parts = _by_group(np.asarray(groups), classes, validation, test, split_seed, where)
    else:
        parts = _at_random(count, classes, validation, test, split_seed, where)
    apart = {"validation": validation == 0, "test": test == 0}
    for name, rows in parts._asdict().items():
        if apart.get(name):
            if len(rows):
                raise DataError(
                    f"{where}: {place(int(rows[0]))}: the split column says {name}, but "
                    f"data.{name}_path names a file for that part; keep one"
                )
        elif len(rows) == 0:
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


def _as_said(said: Sequence[Any], where: str, place: Callable[[int], str]) -> Division:
    parts = np.array([PART_NAMES.get(str(word).strip().lower(), "") for word in said])
    if "" in parts:
        row = int(np.flatnonzero(parts == "")[0])
        raise DataError(
            f"{where}: {place(row)}: {said[row]!r} is no part; the split column "
            "says train, validation or test"
        )
    return Division(*(np.flatnonzero(parts == name) for name in Division._fields))


def _by_time(times: Any, validation: float, test: float) -> Division:
    """Rows of the same moment stay together: the future never trains."""
    order = np.argsort(times, kind="stable")
    sorted_times = times[order]

    def end(share: float, begin: int) -> int:
        if share == 1:
            return len(order)
        cut = sorted_times[min(round(share * len(order)), len(order) - 1)]
        before = int(np.searchsorted(sorted_times, cut, side="left"))
        after = int(np.searchsorted(sorted_times, cut, side="right"))
        return before if before > begin else after

    trained = end(1 - validation - test, 0)
    validated = end(1 - test, trained) if validation else trained
    return Division(order[:trained], order[trained:validated], order[validated:])


def _by_group(
    groups: Any,
    classes: Sequence[Any] | None,
    validation: float,
    test: float,
    seed: int,
    where: str,
) -> Division:
    names, members = np.unique(groups, return_inverse=True)
    count = 1 + (validation > 0) + (test > 0)
    if len(names) < count:
        raise DataError(
            f"{where}: {len(names)} groups cannot fill {WORDS[count]} parts; at least {count} are "
            "needed"
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

    strata = None if classes is None else np.asarray(classes)
    if strata is not None:
        values, counts = np.unique(strata, return_counts=True)
        parts = 1 + (validation > 0) + (test > 0)
        if counts.min() < parts:
            rare = values[counts.argmin()]
            raise DataError(
                f"{where}: class {str(rare)!r} has {counts.min()} rows, and {WORDS[parts]} parts "
                "need one each; add rows, leave the class out with rare_classes: drop, or write "
                "stratify: false"
            )

    def halves(rows: Rows, share: float) -> tuple[Rows, Rows]:
        if share == 0:
            return rows, rows[:0]
        kept = None if strata is None else strata[rows]
        rest, taken = train_test_split(rows, test_size=share, random_state=seed, stratify=kept)
        return rest, taken

    try:
        rest, tested = halves(np.arange(count), test)
        trained, validated = halves(rest, validation / (1 - test))
    except ValueError as error:
        raise DataError(
            f"{where}: {count} rows cannot be divided so: {error}; change data.validation and "
            "data.test"
        ) from None
    return Division(trained, validated, tested)
