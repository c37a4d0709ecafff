"""What all curves over epochs share: smoothing, and where a line leaves its axis."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import pandas as pd

from studies.reporting.figures.axes import MetricAxis
from studies.reporting.figures.points import along, arrows, beyond_note, with_room

MOST = 0.99
"""The largest weight of the past."""


@dataclass(frozen=True)
class CurveOptions:
    """How curves are shown.

    Raises ValueError for a smoothing outside [0, 0.99].
    """

    smoothing: float = 0.0
    """The weight of the past in an exponential moving average; 0 leaves the values as they are."""
    outliers: bool = False
    """Whether the axis has values that lie far beyond the others."""

    def __post_init__(self) -> None:
        if not 0 <= self.smoothing <= MOST:
            raise ValueError(f"smoothing must be in [0, {MOST}], got {self.smoothing}")

    @property
    def note(self) -> str:
        """What a caption says of the smoothing; empty without it."""
        if not self.smoothing:
            return ""
        return (
            f" Smoothed: lines are exponential moving averages (weight {self.smoothing:g}, without "
            "bias to zero); the values themselves are the points or fine lines behind them."
        )


PLAIN = CurveOptions()


def smoothed(values: Sequence[float], smoothing: float) -> list[float]:
    """An exponential moving average that is not drawn to zero at its beginning.

    The average after n values is divided by `1 - smoothing ** n`, as in Adam (Kingma and Ba 2015,
    section 3). What is not finite is left out of it and stays as it is.
    """
    average, weight, found = 0.0, 0.0, []
    for value in values:
        if math.isfinite(value):
            average = smoothing * average + (1 - smoothing) * value
            weight = smoothing * weight + (1 - smoothing)
            found.append(average / weight)
        else:
            found.append(value)
    return found


def with_smooth(
    data: pd.DataFrame, value: str, lines: Sequence[str], smoothing: float
) -> pd.DataFrame:
    """The rows with the smoothed values of every line as `smooth`; lines are in order of epochs."""
    if data.empty or not smoothing:
        return data.assign(smooth=data[value])
    groups = data.groupby(list(lines), sort=False)[value]
    return data.assign(smooth=groups.transform(lambda found: smoothed(found.tolist(), smoothing)))


def leaving(
    data: pd.DataFrame, axis: MetricAxis, value: str, lines: Sequence[str], at: str = "epoch"
) -> pd.DataFrame:
    """Where lines lie beyond the axis: the worst value of each run of such values, and the columns
    of `with_room`."""
    rows: list[dict[Any, Any]] = []
    for _, line in data.groupby(list(lines), sort=False):
        beyond = axis.beyond(line[value])
        runs = beyond.ne(beyond.shift()).cumsum()[beyond]
        for _, run in line[beyond].groupby(runs):
            worst = run.loc[run[value].abs().idxmax()]
            rows.append({**worst[[*lines, at]], "value": float(worst[value])})
    found = pd.DataFrame(rows, columns=[*lines, at, "value"]).astype({"value": float})
    found = found.join(axis.placed(found["value"]))
    low, high = data[at].min(), data[at].max()
    ends = pd.Series([low, *found[at], high], dtype=float)
    return with_room(found, along(ends)[1:-1])


def leaving_note(found: pd.DataFrame, metric: str) -> str:
    """What a caption says of such lines; empty where there are none."""
    said = beyond_note(found, metric)
    return f" {said} A line is cut off there." if said else ""


def leaving_marks(
    found: pd.DataFrame, axis: MetricAxis, x: alt.X, fill: alt.Fill
) -> Iterator[alt.Chart]:
    """The arrows of `leaving`."""
    if not found.empty:
        yield from arrows(alt.Chart(found).encode(x=x, fill=fill), axis)
