"""All searched parameters of one arm beside each other: a line is a trial."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from studies.reporting.figures.axes import Axis, whole_ticks
from studies.reporting.figures.common import Info, counted
from studies.reporting.figures.points import Points
from studies.results import is_share

GOOD = ("standing_0", "standing_1", "standing_2", "standing_3")
"""From the worst to the best value: from a greyish blue over yellow to red on light pages, to a
light orange on dark ones; the lightness goes one way."""
TICKS = 6
"""Ticks of an axis of numbers at most."""
APART = 0.06
"""How far apart two ticks are at least, as a share of the axis."""


@dataclass(frozen=True)
class ParallelAxis:
    """One parameter, or the metric, from 0 at its lower end to 1 at its upper one."""

    axis: Axis
    positions: Sequence[float]
    """Where every line meets it; NaN where a trial does not have the parameter."""
    ticks: Sequence[tuple[float, str]]
    """Positions and what is written there."""

    @property
    def name(self) -> str:
        """The parameter or the metric."""
        return self.axis.name

    def value(self, position: float) -> float:
        """The number at a position."""
        low, high = self.axis.low, self.axis.high
        if self.axis.log:
            return float(low * (high / low) ** position)
        return float(low + (high - low) * position)


@dataclass(frozen=True)
class ParallelInfo(Info):
    """Completed trials as lines over all parameters, the worst first."""

    metric: str
    axes: tuple[ParallelAxis, ...]
    """The metric is the last one."""


def parallel_info(points: Points, axes: Sequence[Axis]) -> ParallelInfo:
    """The completed trials of one arm; `data` has a row for each, with what they are on every
    axis."""
    done = points.completed
    standing = done["value"].rank(ascending=points.goal == "maximize", pct=True)
    ordered = done.assign(standing=standing).sort_values("standing", kind="stable")
    data = ordered[["trial", "value", "standing"]].reset_index(drop=True)
    found = []
    for axis in axes:
        values = [axis.value(points.trials[index]) for index in ordered.index]
        places = [math.nan if value is None else axis.position(value) for value in values]
        found.append(ParallelAxis(axis, places, _ticks(axis)))
        data[axis.name] = values
    low, high = _ends(ordered["shown"])
    metric = Axis(points.metric, low, high)
    at = [metric.position(value) for value in ordered["shown"].tolist()]
    ticks = [(place, _written(points.metric, value)) for place, value in _number_ticks(metric)]
    found.append(ParallelAxis(metric, at, ticks))
    return ParallelInfo(
        data=data,
        caption=(
            f"{counted(len(done), 'completed trial')}. A line is a trial, grey blue the worst, red "
            "or orange the best. Parameters searched in log have a logarithmic axis. A line has a "
            "gap where the trial does not have the parameter. Drag along an axis to keep some "
            "trials, drag its name to move it, click a line to pick its trial."
        ),
        alt=f"Parallel coordinates of {counted(len(axes), 'parameter')} and {points.metric} of "
        f"{counted(len(done), 'completed trial')}",
        metric=points.metric,
        axes=tuple(found),
    )


def _ends(values: pd.Series[float]) -> tuple[float, float]:
    low, high = (values.min(), values.max()) if len(values) else (0.0, 1.0)
    return (float(low), float(high)) if low < high else (float(low) - 0.5, float(low) + 0.5)


def _written(metric: str, value: float) -> str:
    return f"{100 * value:.3g} %" if is_share(metric) else f"{value:.3g}"


def _ticks(axis: Axis) -> list[tuple[float, str]]:
    if axis.labels:
        return [(axis.position(label), label) for label in axis.labels]
    ends = [(0.0, f"{axis.low:.3g}"), (1.0, f"{axis.high:.3g}")]
    between = [(place, f"{value:.3g}") for place, value in _number_ticks(axis)]
    return ends + [tick for tick in between if APART < tick[0] < 1 - APART]


def _number_ticks(axis: Axis) -> list[tuple[float, float]]:
    """Round numbers of an axis with their positions; powers of ten where it is logarithmic."""
    if axis.log:
        first, last = math.ceil(math.log10(axis.low)), math.floor(math.log10(axis.high))
        values = [10.0**power for power in whole_ticks(first, last, TICKS)] if first <= last else []
    elif axis.integer:
        values = [float(value) for value in whole_ticks(axis.low, axis.high, TICKS)]
    else:
        scale = 10.0 ** (math.floor(math.log10(axis.high - axis.low)) - 1)
        values = [n * scale for n in whole_ticks(axis.low / scale, axis.high / scale, TICKS)]
    return [(axis.position(value), value) for value in (float(f"{v:.6g}") for v in values)]
