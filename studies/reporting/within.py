"""Some of a study's trials: those whose parameters, or whose metric, lie within ranges.

A range is written as `optimizer.lr:0.001:0.1` or, of choices, as `model:cnn,mlp`. Verdicts know
nothing of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote, unquote

from studies.records import Trial
from studies.reporting.figures.axes import choice_text
from studies.results import StudyResults, level, value_of
from studies.study_file import Alternatives, Range

PRINTED = " /._-()[]{}+=|“”"
"""What is written as it is in a name, beside letters and digits."""
DIGITS = 4
"""Digits of an end; it is rounded outward."""


@dataclass(frozen=True)
class NumberRange:
    """Values of a parameter, or of a metric, from one end to the other."""

    name: str
    low: float
    high: float
    metric: bool = False

    def __contains__(self, trial: Trial) -> bool:
        value = value_of(trial, self.name) if self.metric else trial.params.get(self.name)
        known = isinstance(value, int | float) and not isinstance(value, bool)
        return known and self.low <= value <= self.high  # type: ignore[operator]

    @property
    def text(self) -> str:
        """As it is written."""
        return f"{_quoted(self.name)}:{self.low:.{DIGITS}g}:{self.high:.{DIGITS}g}"

    @property
    def words(self) -> str:
        """As a person reads it."""
        if self.metric:
            return f"{self.name} {level(self.name, self.low)} to {level(self.name, self.high)}"
        return f"{self.name} {self.low:.{DIGITS}g} to {self.high:.{DIGITS}g}"


@dataclass(frozen=True)
class ChoiceRange:
    """Some of the choices of a parameter, by their labels."""

    name: str
    labels: tuple[str, ...]

    def __contains__(self, trial: Trial) -> bool:
        return self.name in trial.params and choice_text(trial.params[self.name]) in self.labels

    @property
    def text(self) -> str:
        """As it is written."""
        return f"{_quoted(self.name)}:{','.join(_quoted(label) for label in self.labels)}"

    @property
    def words(self) -> str:
        """As a person reads it."""
        return f"{self.name} {', '.join(self.labels)}"


ValueRange = NumberRange | ChoiceRange


def outward(low: float, high: float) -> tuple[float, float]:
    """The ends of a range, rounded to what is written, so that nothing is lost."""
    return _rounded(low, math.floor), _rounded(high, math.ceil)


def _rounded(value: float, whole: Callable[[float], int]) -> float:
    if value == 0:
        return 0.0
    power = math.floor(math.log10(abs(value))) - DIGITS + 1
    scaled = value / 10.0**power
    near = round(scaled)
    return float(f"{near if math.isclose(near, scaled, rel_tol=1e-12) else whole(scaled)}e{power}")


def _quoted(text: str) -> str:
    return quote(text, safe=PRINTED)


def read_ranges(
    texts: Iterable[str], results: StudyResults, metrics: Sequence[str]
) -> tuple[tuple[ValueRange, ...], int]:
    """The ranges of a study that texts tell, one for each name, and how many texts tell none."""
    labels = _labels(results)
    found: dict[str, ValueRange] = {}
    wrong = 0
    for text in texts:
        name, _, rest = text.partition(":")
        name = unquote(name)
        value = _range(name, rest, labels, metrics)
        if value is None:
            wrong += 1
        else:
            found[name] = value
    return tuple(found.values()), wrong


def _labels(results: StudyResults) -> Mapping[str, Sequence[str]]:
    """What every searched parameter can be: labels of choices; none of a range of numbers."""
    found: dict[str, list[str]] = {}
    for arm in results.spec.arms:
        for name, node in arm.space.parameters():
            known = found.setdefault(name, [])
            if isinstance(node, Alternatives):
                known += map(choice_text, node.options)
            elif not isinstance(node, Range):
                known += map(choice_text, node.labels())
    return found


def _range(
    name: str, rest: str, labels: Mapping[str, Sequence[str]], metrics: Sequence[str]
) -> ValueRange | None:
    metric = name in metrics and name not in labels
    if not metric and name not in labels:
        return None
    if not labels.get(name):
        low, _, high = rest.partition(":")
        start, end = _number(low), _number(high)
        if start is None or end is None or start > end:
            return None
        return NumberRange(name, start, end, metric)
    asked = [unquote(part) for part in rest.split(",")]
    known = tuple(label for label in dict.fromkeys(labels[name]) if label in asked)
    return ChoiceRange(name, known) if known else None


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def trials_within(trials: Iterable[Trial], ranges: Sequence[ValueRange]) -> list[Trial]:
    """The trials that lie within all ranges; one that does not have a parameter lies outside."""
    return [trial for trial in trials if all(trial in each for each in ranges)]


def results_within(results: StudyResults, ranges: Sequence[ValueRange]) -> StudyResults:
    """A study with the trials within ranges only, for figures of single trials."""
    return replace(results, trials=trials_within(results.trials, ranges)) if ranges else results
