"""Sequences as an `.npz` archive: inputs x, targets y and, where they differ, lengths."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lightning_modules.data.columns.cells import LARGEST
from lightning_modules.data.readers.array_file import opened_arrays
from lightning_modules.errors import DataError

Array = np.ndarray[Any, np.dtype[Any]]


def read_archive(
    path: str, labelled: bool, gaps: bool = False, may_miss: bool = False
) -> tuple[list[Array], list[Any]]:
    """Every series (t, channels), and its target; none where they are not `labelled`. Targets are
    NaN or empty texts only where they `may_miss`.

    NaN is a missing value where `gaps` are allowed.

    x is (n, t, channels), or the steps of all series one after the other, (steps, channels); the
    latter needs `lengths` (n,), and of the former they say where a series ends. Raises DataError
    where an array is missing or does not fit the others.
    """
    arrays = _arrays(path)
    for name in ("x", "y") if labelled else ("x",):
        if name not in arrays:
            has = ", ".join(arrays) or "none"
            raise DataError(f"{path}: there is no array {name!r}; it has {has}")
    x = arrays["x"]
    if x.dtype.kind not in "biuf":
        raise DataError(f"{path}: array x does not hold numbers; save numbers")
    rows = _rows(path, x.astype(np.float64), arrays.get("lengths"))
    for at, row in enumerate(rows, start=1):
        finite = np.abs(row) <= LARGEST
        wrong = np.argwhere(~(finite | np.isnan(row) if gaps else finite))
        if len(wrong):
            step, channel = (int(place) for place in wrong[0])
            raise DataError(
                f"{path}: array x, series {at}, step {step + 1}, channel {channel + 1}: "
                f"{row[step, channel]:g} is no finite number; fill it in or remove the series"
            )
    if not labelled:
        return rows, []
    y = arrays["y"]
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim not in (1, 2) or len(y) != len(rows):
        raise DataError(
            f"{path}: array y has the shape {y.shape}, and there are {len(rows)} series; give each "
            "a target"
        )
    holes = (y != y) | (y == "" if y.dtype.kind == "U" else False)
    unknown = np.flatnonzero(holes.reshape(len(y), -1).any(axis=1))
    if len(unknown) and not may_miss:
        raise DataError(
            f"{path}: array y, series {unknown[0] + 1}: {y[unknown[0]]} is no target; fill it "
            "in, or write missing_targets: drop, which leaves such series out"
        )
    return rows, y.tolist()


def _rows(path: str, x: Array, lengths: Array | None) -> list[Array]:
    if lengths is None:
        if x.ndim != 3 or 0 in x.shape:
            raise DataError(
                f"{path}: array x has the shape {x.shape}, and series × steps × channels is "
                "needed; reshape it, or add an array lengths"
            )
        return list(x)
    if lengths.ndim != 1 or lengths.dtype.kind not in "iu" or x.ndim not in (2, 3):
        raise DataError(
            f"{path}: array lengths has the shape {lengths.shape} and x {x.shape}; give every "
            "series a whole number of steps, and x steps × channels or series × steps × channels"
        )
    if len(lengths) == 0 or lengths.min() < 1:
        at = int(lengths.argmin()) + 1 if len(lengths) else 1
        raise DataError(f"{path}: array lengths: series {at} is empty; remove it")
    if x.ndim == 2:
        if lengths.sum() != len(x):
            raise DataError(
                f"{path}: array lengths adds up to {lengths.sum()} steps, and x has {len(x)}; "
                "correct one of them"
            )
        return np.split(x, np.cumsum(lengths)[:-1])
    if len(lengths) != len(x) or lengths.max() > x.shape[1]:
        raise DataError(
            f"{path}: array lengths has {len(lengths)} series of up to {lengths.max()} steps, and "
            f"x {len(x)} of {x.shape[1]}; correct one of them"
        )
    return [row[:length] for row, length in zip(x, lengths, strict=True)]


def _arrays(path: str) -> Mapping[str, Array]:
    try:
        with opened_arrays(path) as held:
            if not isinstance(held, np.ndarray):
                return {name: held[name] for name in held.files}
    except DataError as error:
        if "is no whole" not in str(error):
            raise
    raise DataError(
        f"{path}: is no whole .npz archive of numbers; write it with numpy.savez(path, x=x, y=y)"
    )
