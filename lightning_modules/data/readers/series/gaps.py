"""Series with missing values: what stands behind their end is no gap, others are filled in or
refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lightning_modules.data.columns.mistakes import Mistakes

Floats = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class SeriesFile:
    """What a file of series holds."""

    rows: list[Floats]
    """The series, each (t, channels)."""
    targets: list[Any]
    """Every target, a text or of an array; none where there are none."""
    notices: tuple[str, ...] = ()
    """What is to be said of the file."""


def without_padding(row: Floats) -> Floats:
    """A series without the steps at its end that have no value in any channel."""
    known = np.flatnonzero(~np.isnan(row).all(axis=1))
    return row[: known[-1] + 1] if len(known) else row[:0]


def filled(
    rows: Sequence[Floats], allowed: bool, path: str, place_of: Callable[[int], str]
) -> tuple[list[Floats], tuple[str, ...]]:
    """Series whose missing values lie on the line between their neighbours in time, and what is to
    be said of that.

    `place_of` says where a series, counted from 0, stands. Raises DataError for every series with
    a missing value where that is not `allowed`, and with a channel that has none.
    """
    mistakes, found, count, gaps = Mistakes(), [], 0, 0
    for at, row in enumerate(rows):
        missing = np.isnan(row)
        if not missing.any():
            found.append(row)
            continue
        where = f"{path}: {place_of(at)}"
        step, channel = (int(place) for place in np.argwhere(missing)[0])
        empty = np.flatnonzero(missing.all(axis=0))
        if len(empty):
            mistakes.sentences.append(
                f"{where}: channel {empty[0] + 1} has no value; remove the series or the channel"
            )
        elif not allowed:
            more = int(missing.sum()) - 1
            others = f" ({more} more in this series)" if more else ""
            mistakes.sentences.append(
                f"{where}: channel {channel + 1}, value {step + 1}: is missing{others}; fill it "
                "in, or write interpolate: true"
            )
        else:
            found.append(_interpolated(row, missing))
            count, gaps = count + int(missing.sum()), gaps + 1
    mistakes.refuse()
    said = f"{count:,} missing values in {gaps:,} series are filled in between their neighbours"
    return found, (said,) if gaps else ()


def _interpolated(row: Floats, missing: Any) -> Floats:
    result, steps = row.copy(), np.arange(len(row))
    for channel in np.flatnonzero(missing.any(axis=0)):
        known = ~missing[:, channel]
        result[:, channel] = np.interp(steps, steps[known], row[known, channel])
    return result
