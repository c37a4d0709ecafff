"""The searched parameters of an arm as axes: numbers, logarithmic where searched so, or choices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

from studies.records import Trial
from studies.results import StudyResults, value_text
from studies.study_file import Alternatives, Choice, Range

BINS = 8
"""Bins of a range, of equal width on its axis."""


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
    written = ".0~e" if axis.log else ".3~g"
    shown = alt.Axis(title=axis.name, format=written, tickCount=5, grid=False)
    scale = alt.Scale(domain=[low, high], type="log" if axis.log else "linear", nice=False)
    return channel(f"{field}:Q", axis=shown, scale=scale)
