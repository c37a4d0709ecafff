"""The axes of all figures: a metric's values, the searched parameters, and what is counted."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from studies.records import Trial
from studies.reporting.figures.common import number_format
from studies.results import StudyResults, level, value_text
from studies.results.wording import within
from studies.statistics import Goal
from studies.study_file import Alternatives, Choice, Range

BINS = 8
"""Bins of a range, of equal width on its axis."""
TICKS = 10
"""Whole numbers that an axis names at most."""
REACH, FEW = 4.0, 0.1
"""How far a metric's axis reaches to the bad side of an arm's median, in distances from its best
to it, if no more than this share of the arm's values lie beyond..."""
FEWEST, TOO_FAR = 4, 40.0
"""... twice as far for an arm with no more values than this, and this far at most, however many
lie beyond."""
FAR = 100.0
"""How far it reaches for the worst arm, in distances from an arm's best to its upper quarter or in
best values."""
PAD = 0.05
"""What an axis has beyond its values, as a share of its length."""


@dataclass(frozen=True)
class MetricAxis:
    """The values of a metric, on an axis on which the good ones can be told apart."""

    metric: str
    goal: Goal
    low: float = 0.0
    high: float = 1.0
    log: bool = False
    title: str = ""
    """What is written beside it, unless that is the metric."""

    @property
    def edge(self) -> float:
        """The bad end: what lies beyond and what has no value is drawn there."""
        return self.low if self.goal == "maximize" else self.high

    def beyond(self, values: pd.Series[float]) -> pd.Series[bool]:
        """Which values lie beyond the axis."""
        return values.notna() & ~values.between(self.low, self.high)

    def placed(self, values: pd.Series[float]) -> pd.DataFrame:
        """`shown` is where each value is drawn, `beyond` whether that is only the end of the axis,
        and `number` the value in words where it is."""
        beyond = self.beyond(values)
        number = [
            level(self.metric, value) if there else ""
            for value, there in zip(values, beyond, strict=True)
        ]
        shown = values.clip(self.low, self.high).fillna(self.edge)
        return pd.DataFrame({"shown": shown, "beyond": beyond, "number": number})

    def encoding(self, channel: type[alt.X] | type[alt.Y], field: str) -> Any:
        """The encoding of a field by this axis, for `alt.X` or `alt.Y`."""
        scale = alt.Scale(
            domain=[self.low, self.high], type="log" if self.log else "linear", nice=False
        )
        shown = alt.Axis(
            title=self.title or self.metric,
            format=number_format(self.metric),
            grid=True,
            tickCount=6,
        )
        return channel(f"{field}:Q", scale=scale, axis=shown)


def metric_axis(
    by_arm: Sequence[Sequence[float]],
    metric: str,
    goal: Goal,
    *,
    log: bool = False,
    outliers: bool = False,
) -> MetricAxis:
    """The axis of a metric for the values of some arms.

    One trial that explodes and yet has a number does not flatten it: the bad end is the worst value
    of any arm, unless few of that arm lie far beyond its others. With `outliers` the axis has those
    too. With `log` it is logarithmic and has all values, if they are positive.
    """
    arms = [found for values in by_arm if len(found := _finite(values))]
    if not arms:
        return MetricAxis(metric, goal)
    every = np.concatenate(arms)
    if log and every.min() > 0:
        low, high = np.log10(every.min()), np.log10(every.max())
        pad = PAD * (high - low) or PAD
        return MetricAxis(metric, goal, float(10 ** (low - pad)), float(10 ** (high + pad)), True)
    sign = 1.0 if goal == "maximize" else -1.0
    signed = [sign * values for values in arms]
    if outliers:
        low, high = sorted((sign * float(every.min()), sign * float(every.max())))
    else:
        low, high = _focus(signed)
    pad = PAD * (high - low) or PAD * abs(high) or 1.0
    ends = sorted((sign * (low - pad), sign * (high + pad)))
    return MetricAxis(metric, goal, *within(metric, *ends))


def _finite(values: Sequence[float]) -> np.ndarray:
    found = np.array(values, dtype=float)
    known: np.ndarray = found[np.isfinite(found)]
    return known


def _focus(arms: Sequence[np.ndarray]) -> tuple[float, float]:
    """From the worst value that is not far beyond the others to the best; more is better."""
    best = max(float(values.max()) for values in arms)
    spreads = [float(values.max() - np.quantile(values, 0.75)) for values in arms]
    scale = max(abs(best), min((each for each in spreads if each > 0), default=0.0))
    limit = best - FAR * (scale or math.inf)
    kept = [values[values >= max(limit, _limit(np.sort(values)))] for values in arms]
    return min(float(values.min()) for values in kept if len(values)), best


def _limit(values: np.ndarray) -> float:
    """Where an arm's sorted values begin to be far beyond the others."""
    best, median, count = values[-1], float(np.median(values)), len(values)
    spread = best - median or min((best - value for value in values if value < best), default=0.0)
    if count <= 2:
        return -math.inf
    reach = REACH if count > FEWEST else 2 * REACH
    few = values[max(1, int(FEW * count))]
    return float(max(min(median - reach * spread, few), median - TOO_FAR * spread))


def whole_ticks(low: float, high: float, ticks: int = TICKS) -> list[int]:
    """The whole numbers that an axis names: all of them, or those in steps of 2, 5, 10..."""
    first, last = math.ceil(low), math.floor(high)
    steps = (digit * 10**power for power in itertools.count() for digit in (1, 2, 5))
    step = next(step for step in steps if (last - first) // step < ticks)
    return list(range(-(-first // step) * step, last + 1, step))


def whole_axis(field: str, title: str, values: pd.Series[Any], ticks: int = TICKS) -> alt.X:
    """What is counted, such as epochs or trials, from its first number to its last."""
    low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
    low, high = (low, high) if low < high else (low - 0.5, high + 0.5)
    axis = alt.Axis(title=title, values=whole_ticks(low, high, ticks), format=",d", grid=False)
    return alt.X(f"{field}:Q", axis=axis, scale=alt.Scale(domain=[low, high], nice=False))


@dataclass(frozen=True)
class Axis:
    """One parameter; a choice has labels, a range has ends."""

    name: str
    low: float = 0.0
    high: float = 1.0
    log: bool = False
    integer: bool = False
    labels: tuple[str, ...] = ()

    def value(self, trial: Trial) -> float | str | None:
        """A trial's place on the axis; None where the trial has none on it."""
        if self.name not in trial.params:
            return None
        value = trial.params[self.name]
        if self.labels:
            return choice_text(value)
        return float(value) if _fits(value, self.log) else None

    def position(self, value: float | str) -> float:
        """From 0 at the lower end to 1 at the upper one; choices in equal steps."""
        if isinstance(value, str):
            return (self.labels.index(value) + 0.5) / len(self.labels)
        low, high = self._scaled(self.low), self._scaled(self.high)
        return (self._scaled(value) - low) / (high - low)

    @property
    def bins(self) -> int:
        """How many bins there are: a choice each, or a whole number each where they are few."""
        if self.labels:
            return len(self.labels)
        whole = int(self.high - self.low) + 1
        return whole if self.integer and whole <= BINS else BINS

    def bin(self, value: float | str) -> int:
        """The bin of a value."""
        if isinstance(value, str):
            return self.labels.index(value)
        if self._single:
            return min(int(value - self.low), self.bins - 1)
        return min(int(self.position(value) * self.bins), self.bins - 1)

    def edges(self, index: int) -> tuple[float, float]:
        """The ends of a bin of a range."""
        if self._single:
            return self.low + index - 0.5, self.low + index + 0.5
        low, high = self._scaled(self.low), self._scaled(self.high)
        ends = [low + (high - low) * (index + side) / self.bins for side in (0, 1)]
        start, stop = (10**end if self.log else end for end in ends)
        return start, stop

    def middle(self, index: int) -> float:
        """The middle of a bin of a range, on its axis."""
        low, high = (self._scaled(end) for end in self.edges(index))
        return 10 ** ((low + high) / 2) if self.log else (low + high) / 2

    def bin_text(self, index: int) -> str:
        """A bin in words."""
        if self.labels:
            return self.labels[index]
        if self._single:
            return f"{self.low + index:g}"
        return " to ".join(f"{end:.3g}" for end in self.edges(index))

    @property
    def _single(self) -> bool:
        return self.integer and self.bins == int(self.high - self.low) + 1

    def _scaled(self, value: float) -> float:
        return math.log10(value) if self.log else value


def axes(results: StudyResults, arm: str) -> list[Axis]:
    """Every searched parameter of an arm that can differ between trials."""
    space = next(each.space for each in results.spec.arms if each.name == arm)
    trials = [trial for trial in results.search if trial.arm == arm]
    return [
        _axis(name, node, [t.params[name] for t in trials if name in t.params])
        for name, node in space.parameters()
        if node.size() > 1
    ]


def number_axis(results: StudyResults, name: str, values: Sequence[float], *, log: bool) -> Axis:
    """A parameter that any arm searches as a number: all that is searched, and `values`."""
    nodes = [node for arm in results.spec.arms for n, node in arm.space.parameters() if n == name]
    ranges = [node for node in nodes if isinstance(node, Range)]
    ends = [end for node in ranges for end in (node.low, node.high)]
    ends += [v for node in nodes if isinstance(node, Choice) for v in node.values if _fits(v, log)]
    ends += values
    integer = all(float(end).is_integer() for end in ends) and all(r.integer for r in ranges)
    low, high = (float(min(ends)), float(max(ends))) if ends else (0.0, 1.0)
    pad = 0.0 if low < high else (0.5 * low if log else 0.5)
    return Axis(name, low - pad, high + pad, log, integer)


def _axis(name: str, node: Range | Choice | Alternatives, values: Sequence[Any]) -> Axis:
    """Reaches to values that an earlier version of the file allowed."""
    if isinstance(node, Range):
        found = [float(value) for value in values if _fits(value, node.log)]
        low, high = min([node.low, *found]), max([node.high, *found])
        return Axis(name, float(low), float(high), node.log, node.integer)
    known = list(node.options) if isinstance(node, Alternatives) else node.labels()
    return Axis(name, labels=tuple(dict.fromkeys(choice_text(v) for v in [*known, *values])))


def _fits(value: Any, log: bool) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and math.isfinite(value) and (value > 0 or not log)


def choice_text(value: Any) -> str:
    """A choice as a label; the text "true" is not the value true."""
    text = value_text(value)
    alike = isinstance(value, str) and text in ("true", "false", "null")
    return f"“{text}”" if alike else text


def parameter_encoding(axis: Axis, channel: type[alt.X] | type[alt.Y], field: str) -> Any:
    """The encoding of a field by a parameter's axis, for `alt.X` or `alt.Y`."""
    if axis.labels:
        shown = alt.Axis(title=axis.name, labelLimit=140, labelAngle=0, ticks=False)
        return channel(f"{field}:N", sort=list(axis.labels), axis=shown, scale=alt.Scale())
    low, high = axis.edges(0)[0], axis.edges(axis.bins - 1)[1]
    if axis.integer and not axis.log:
        ticks = whole_ticks(axis.low, axis.high)
        shown = alt.Axis(title=axis.name, format="d", values=ticks, grid=False)
    else:
        written = ".0~e" if axis.log else ".3~g"
        shown = alt.Axis(title=axis.name, format=written, tickCount=5, grid=False)
    scale = alt.Scale(domain=[low, high], type="log" if axis.log else "linear", nice=False)
    return channel(f"{field}:Q", axis=shown, scale=scale)
