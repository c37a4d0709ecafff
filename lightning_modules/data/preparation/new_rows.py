"""New rows for a network that learned from a set of numbers: read from a file, prepared as then."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lightning_modules.data.preparation.doubts import Doubts, doubts_of_array
from lightning_modules.errors import DataError

Array = np.ndarray[Any, np.dtype[np.float64]]


def preparation(fitted_on: Array, axes: tuple[int, ...], standardized: bool) -> dict[str, Any]:
    """What `read_new` needs, in plain values: the shape of one row, the range of `fitted_on` over
    `axes`, and its moments where inputs are standardized."""
    found: dict[str, Any] = {
        "shape": [int(size) for size in fitted_on.shape[1:]],
        "low": fitted_on.min(axes).tolist(),
        "high": fitted_on.max(axes).tolist(),
    }
    if standardized:
        found["mean"] = fitted_on.mean(axes).tolist()
        found["deviation"] = fitted_on.std(axes).tolist()
    return found


def read_new(path: Path, preparation: Mapping[str, Any], /, **_: Any) -> tuple[torch.Tensor]:
    """The inputs (n, *shape) of the rows of a `.csv`, `.npy` or `.npz` file (array `x`).

    A CSV file has one column per number, in the order of the data set; a first line that is no row
    of numbers is its header. Raises DataError naming the file and the row.
    """
    shape = tuple(preparation["shape"])
    rows = _shaped(path, _read(path), shape)
    if "mean" in preparation:
        wide = (1, -1, *(1 for _ in shape[1:]))
        mean, deviation = (
            np.array(preparation[name]).reshape(wide) for name in ("mean", "deviation")
        )
        rows = (rows - mean) / np.where(deviation > 0, deviation, 1.0)
    return (torch.tensor(rows, dtype=torch.float32),)


def doubts(
    path: Path | None, preparation: Mapping[str, Any], _: Sequence[int] | None = None, /, **__: Any
) -> Doubts:
    """What is doubtful in the rows of a file; nothing in the test part of a known set."""
    if path is None:
        return Doubts(0)
    return doubts_of_array(_shaped(path, _read(path), tuple(preparation["shape"])), preparation)


def _read(path: Path) -> Array:
    suffix = path.suffix.lower()
    if suffix == ".csv":
        return _from_csv(path)
    if suffix not in (".npy", ".npz"):
        raise DataError(f"{path}: new rows of this data set are read from .csv, .npy or .npz")
    try:
        loaded = np.load(path, allow_pickle=False)
        if suffix == ".npz":
            with loaded:
                if "x" not in loaded:
                    held = ", ".join(loaded) or "nothing"
                    raise DataError(f"{path}: must hold an array called x; it holds {held}")
                loaded = loaded["x"]
        return np.asarray(loaded, dtype=np.float64)
    except (OSError, ValueError, TypeError) as error:
        raise DataError(f"{path}: is no array of numbers: {error}") from None


def _from_csv(path: Path) -> Array:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = [line for line in csv.reader(file) if line]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: is no CSV file: {error}") from None
    header = bool(lines) and all(_number(cell) is None for cell in lines[0])
    names, lines = (lines[0], lines[1:]) if header else ([], lines)
    width = len(names or (lines[0] if lines else ()))
    rows = np.empty((len(lines), width))
    for number, line in enumerate(lines, start=1):
        if len(line) != width:
            raise DataError(
                f"{path}: row {number} has {len(line)} columns, the others have {width}"
            )
        for index, cell in enumerate(line):
            value = _number(cell)
            if value is None:
                column = names[index] if names else str(index + 1)
                raise DataError(
                    f"{path}: row {number}, column {column}: {cell!r} is no number; every column "
                    "must be one of the data set, without the target"
                )
            rows[number - 1, index] = value
    return rows


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None


def _shaped(path: Path, rows: Array, shape: tuple[int, ...]) -> Array:
    """Rows (n, *shape); rows that are flat, or images without their channel, are reshaped."""
    if rows.ndim < 2 or len(rows) == 0:
        raise DataError(f"{path}: has no rows")
    fits = (shape, (math.prod(shape),), tuple(size for size in shape if size > 1))
    if rows.shape[1:] not in fits:
        has = " × ".join(str(size) for size in rows.shape[1:])
        expected = f"{math.prod(shape)} are expected"
        if len(shape) > 1:
            expected += f" ({' × '.join(str(size) for size in shape)})"
        raise DataError(f"{path}: has {has} columns in a row, {expected}")
    bad = np.flatnonzero(~np.isfinite(rows.reshape(len(rows), -1)).all(axis=1))
    if len(bad):
        raise DataError(f"{path}: row {bad[0] + 1} holds a value that is missing or infinite")
    return rows.reshape(-1, *shape)
