"""The leaves of a search space: fixed values, ranges and choices of plain values."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol

from lightning_modules.components import Value
from lightning_modules.errors import UserError

MANY = 1_000_000
"""Grid points, or trainings, from which a study is refused."""
COUNTED = 1e15
"""Steps beyond which they are no longer told apart."""
Point = dict[str, Any]
"""Values by their Optuna names: where in a search space a trial is."""


class Suggester(Protocol):
    """What a space needs of an Optuna trial."""

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = ..., log: bool = ...
    ) -> float: ...

    def suggest_int(
        self, name: str, low: int, high: int, *, step: int = ..., log: bool = ...
    ) -> int: ...

    def suggest_categorical(self, name: str, choices: Any) -> Any: ...


class Node(Protocol):
    """A part of the space; `name` is its dotted Optuna name."""

    def suggest(self, trial: Suggester, name: str) -> Any:
        """A plain value, open parts asked of `trial`."""
        ...

    def points(self, name: str) -> Iterator[Point]:
        """Every grid point below, as Optuna parameters."""
        ...

    def default(self, name: str) -> Point:
        """The default: the value of which nothing was tuned."""
        ...

    def size(self) -> float:
        """The number of distinct points, infinite where an axis is continuous."""
        ...

    def grid_size(self) -> int:
        """The number of grid points, none of which is made; a continuous axis counts once."""
        ...


def steps_between(low: float, high: float, step: float) -> int:
    """How many whole steps lie between two numbers as they are written: 3 of 0.1 in 0 to 0.3."""
    return int((Fraction(str(high)) - Fraction(str(low))) // Fraction(str(step)))


def value_after(low: float, step: float, index: int) -> float:
    """The number `index` steps above `low`, as one would write it: 0.3 and not 0.30000000000000004;
    an integer where both are."""
    if isinstance(low, int) and isinstance(step, int):
        return low + index * step
    return float(Fraction(str(low)) + index * Fraction(str(step)))


@dataclass(frozen=True)
class Fixed:
    """A value that is not searched."""

    value: Value

    def suggest(self, trial: Suggester, name: str) -> Value:
        return self.value

    def points(self, name: str) -> Iterator[Point]:
        yield {}

    def default(self, name: str) -> Point:
        return {}

    def size(self) -> float:
        return 1

    def grid_size(self) -> int:
        return 1


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`, both included; `start` is the default."""

    low: float
    high: float
    log: bool = False
    step: float | None = None
    num: int | None = None
    integer: bool = False
    start: float | None = None

    def suggest(self, trial: Suggester, name: str) -> float:
        if self.integer:
            step = int(self.step or 1)
            return trial.suggest_int(name, int(self.low), int(self.high), step=step, log=self.log)
        value = trial.suggest_float(name, self.low, self.high, step=self.step, log=self.log)
        return value if self.step is None else self._at(self._index(value))

    def points(self, name: str) -> Iterator[Point]:
        for value in self.grid_values(name):
            yield {name: value}

    def grid_values(self, name: str) -> list[float]:
        """The values of a grid along this range; UserError where it is continuous."""
        if self.num is not None:
            return self._spread(self.num)
        if self.step is None and not self.integer:
            raise UserError(
                f"{name}: a grid needs finite axes; add `num: 5` (or `step:`), "
                "or write {values: [...]}"
            )
        return [self._at(index) for index in range(self._steps())]

    def default(self, name: str) -> Point:
        middle = math.sqrt(self.low * self.high) if self.log else (self.low + self.high) / 2
        value = min(max(middle if self.start is None else self.start, self.low), self.high)
        if self.step is not None:
            return {name: self._at(self._index(value))}
        return {name: round(value) if self.integer else value}

    def listed(self) -> Range | Choice:
        """The choice of its `num` values, of which the one that is nearest to the default is the
        first; the range itself where it has no `num`."""
        if self.num is None:
            return self
        values = self._spread(self.num)
        (start,) = self.default("").values()
        scale = math.log if self.log else float
        return Choice(tuple(values), min(values, key=lambda each: abs(scale(each) - scale(start))))

    def size(self) -> float:
        if self.integer or self.step is not None:
            return self._steps()
        return 1 if self.low == self.high else math.inf

    def grid_size(self) -> int:
        if self.num is None:
            return self._steps() if self.integer or self.step is not None else 1
        if self.integer and self.num <= MANY:  # some of them may be equal once they are rounded
            return len(self._spread(self.num))
        return self.num

    def _steps(self) -> int:
        return steps_between(self.low, self.high, self.step or 1) + 1

    def _index(self, value: float) -> int:
        """The step that is nearest to a value."""
        return min(round((value - self.low) / (self.step or 1)), self._steps() - 1)

    def _at(self, index: int) -> float:
        return value_after(self.low, self.step or 1, index)

    def _spread(self, num: int) -> list[float]:
        if num == 1:
            return [self.low]
        fractions = [index / (num - 1) for index in range(num)]
        if self.log:
            ratio = self.high / self.low
            values = [self.low * ratio**fraction for fraction in fractions]
        else:
            values = [self.low + (self.high - self.low) * fraction for fraction in fractions]
        values[-1] = self.high
        if self.integer:
            return list(dict.fromkeys(round(value) for value in values))
        return [float(f"{value:.12g}") for value in values]  # 0.001, not 0.0009999999999999998


@dataclass(frozen=True)
class Choice:
    """One of several plain values; lists and mappings travel to Optuna as JSON."""

    values: tuple[Value, ...]
    start: Value = None

    def labels(self) -> list[Any]:
        """What stands for the values in Optuna, to which true, 1 and 1.0 would be one."""
        labels = [_label(value) for value in self.values]
        distinct = all(label not in labels[:index] for index, label in enumerate(labels))
        return labels if distinct else [json.dumps(value) for value in self.values]

    def suggest(self, trial: Suggester, name: str) -> Value:
        labels = self.labels()
        return self.values[_position(labels, trial.suggest_categorical(name, labels))]

    def points(self, name: str) -> Iterator[Point]:
        for label in self.labels():
            yield {name: label}

    def default(self, name: str) -> Point:
        labels = self.labels()
        same = (i for i, value in enumerate(self.values) if _is_same(value, self.start))
        return {name: labels[next(same, 0)]}

    def largest(self) -> Fixed | Choice:
        """The largest of several sizes; the choice as it is where its values are none."""
        if all(_is_size(value) for value in self.values):
            return Fixed(max(self.values, key=_size))
        return self

    def size(self) -> float:
        return len(self.values)

    def grid_size(self) -> int:
        return len(self.values)


def _is_size(value: Value) -> bool:
    return all(isinstance(each, int) for each in (value if isinstance(value, list) else [value]))


def _size(value: Any) -> int:
    """How large a number is, or a network whose layers have such widths."""
    return sum(each**2 for each in (value if isinstance(value, list) else [value]))


def _label(value: Value) -> Any:
    return json.dumps(value) if isinstance(value, list | dict) else value


def _position(labels: list[Any], label: Any) -> int:
    """Where `label` stands; True is not 1 and 1 is not 1.0 here."""
    return next(i for i, known in enumerate(labels) if _is_same(known, label))


def _is_same(value: Any, other: Any) -> bool:
    return bool(value == other) and type(value) is type(other)
