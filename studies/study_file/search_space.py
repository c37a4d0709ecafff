"""Ranges, choices and alternatives of a study file: the search space and its points.

A space is a tree of nodes. `Space.suggest(trial)` walks it and asks an Optuna trial for every open
value; `Space.grid()` enumerates it; `Space.default()` is its point of defaults. A point is a
mapping of Optuna parameter names to values; a plain tree is a configuration without ranges.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from lightning_modules.components import Value
from lightning_modules.errors import UserError

Point = dict[str, Any]


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


@dataclass(frozen=True)
class Fixed:
    """A plain value."""

    value: Value

    def suggest(self, trial: Suggester, name: str) -> Value:
        return self.value

    def points(self, name: str) -> Iterator[Point]:
        yield {}

    def default(self, name: str) -> Point:
        return {}

    def size(self) -> float:
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
        return trial.suggest_float(name, self.low, self.high, step=self.step, log=self.log)

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
        step = self.step or 1
        count = math.floor((self.high - self.low) / step + 1e-9) + 1
        values = [self.low + index * step for index in range(count)]
        return [int(value) for value in values] if self.integer else values

    def default(self, name: str) -> Point:
        middle = math.sqrt(self.low * self.high) if self.log else (self.low + self.high) / 2
        value = min(max(middle if self.start is None else self.start, self.low), self.high)
        if self.step is not None:
            value = self.low + round((value - self.low) / self.step) * self.step
            value = min(value, self.high)
        return {name: round(value) if self.integer else value}

    def size(self) -> float:
        if self.integer or self.step is not None:
            return math.floor((self.high - self.low) / (self.step or 1) + 1e-9) + 1
        return 1 if self.low == self.high else math.inf

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
        return values


@dataclass(frozen=True)
class Choice:
    """One of several plain values; lists and mappings travel to Optuna as JSON."""

    values: tuple[Value, ...]
    start: Value = None

    def labels(self) -> list[Any]:
        return [_label(value) for value in self.values]

    def suggest(self, trial: Suggester, name: str) -> Value:
        labels = self.labels()
        return self.values[_position(labels, trial.suggest_categorical(name, labels))]

    def points(self, name: str) -> Iterator[Point]:
        for label in self.labels():
            yield {name: label}

    def default(self, name: str) -> Point:
        labels, start = self.labels(), _label(self.start)
        return {name: start if start in labels else labels[0]}

    def size(self) -> float:
        return len(self.values)


@dataclass(frozen=True)
class Alternatives:
    """One of several components, each with its own open values, told apart by label."""

    options: Mapping[str, Node]

    def suggest(self, trial: Suggester, name: str) -> Any:
        label = trial.suggest_categorical(name, list(self.options))
        return self.options[label].suggest(trial, f"{name}.{label}")

    def points(self, name: str) -> Iterator[Point]:
        for label, option in self.options.items():
            for point in option.points(f"{name}.{label}"):
                yield {name: label, **point}

    def default(self, name: str) -> Point:
        label, option = next(iter(self.options.items()))
        return {name: label, **option.default(f"{name}.{label}")}

    def size(self) -> float:
        return sum(option.size() for option in self.options.values())


@dataclass(frozen=True)
class Group:
    """A mapping of names to nodes."""

    children: Mapping[str, Node]

    def suggest(self, trial: Suggester, name: str) -> dict[str, Any]:
        return {
            key: child.suggest(trial, f"{name}.{key}" if name else key)
            for key, child in self.children.items()
        }

    def points(self, name: str) -> Iterator[Point]:
        axes = [
            list(child.points(f"{name}.{key}" if name else key))
            for key, child in self.children.items()
        ]
        for parts in itertools.product(*axes):
            yield {key: value for part in parts for key, value in part.items()}

    def default(self, name: str) -> Point:
        point: Point = {}
        for key, child in self.children.items():
            point |= child.default(f"{name}.{key}" if name else key)
        return point

    def size(self) -> float:
        return math.prod(child.size() for child in self.children.values())


@dataclass(frozen=True)
class Space:
    """The whole search space of one arm."""

    root: Group

    def suggest(self, trial: Suggester) -> dict[str, Any]:
        """A plain configuration tree, every open value asked of `trial`."""
        return self.root.suggest(trial, "")

    def grid(self) -> Iterator[Point]:
        """Every grid point, the last axis fastest; UserError names a continuous axis."""
        return self.root.points("")

    def grid_size(self) -> int:
        """The number of grid points."""
        return sum(1 for _ in self.grid())

    def default(self) -> Point:
        """The point of defaults: the components' own defaults, moved into the ranges."""
        return self.root.default("")

    def size(self) -> float:
        """The number of distinct configurations, `math.inf` with a continuous axis."""
        return self.root.size()

    def parameters(self) -> list[tuple[str, Range | Choice | Alternatives]]:
        """Every open value by its Optuna name."""
        return list(_open("", self.root))

    def chosen(self, configuration: Mapping[str, Value]) -> dict[str, Value]:
        """The open values of a flat configuration (`Configuration.flat`), by their places in it."""
        found: dict[str, Value] = {}
        for place in dict.fromkeys(_places("", self.root)):
            inside = [path for path in configuration if path.startswith(f"{place}.")]
            for path in (place, place.removesuffix(".name"), *inside):
                if path in configuration:
                    found[path] = configuration[path]
                    break
        return found


def find(root: Group, path: str) -> Node | None:
    """The node at a dotted path, or None."""
    node: Node = root
    for key in path.split("."):
        if not isinstance(node, Group) or key not in node.children:
            return None
        node = node.children[key]
    return node


def _places(path: str, node: Node) -> Iterator[str]:
    """Where open values are in a configuration; alternatives share their places."""
    if isinstance(node, Range | Choice):
        yield path
    elif isinstance(node, Alternatives):
        yield f"{path}.name"
        for option in node.options.values():
            yield from _places(path, option)
    elif isinstance(node, Group):
        for key, child in node.children.items():
            yield from _places(f"{path}.{key}" if path else key, child)


def _open(name: str, node: Node) -> Iterator[tuple[str, Range | Choice | Alternatives]]:
    if isinstance(node, Range | Choice):
        yield name, node
    elif isinstance(node, Alternatives):
        yield name, node
        for label, option in node.options.items():
            yield from _open(f"{name}.{label}", option)
    elif isinstance(node, Group):
        for key, child in node.children.items():
            yield from _open(f"{name}.{key}" if name else key, child)


def _label(value: Value) -> Any:
    return json.dumps(value) if isinstance(value, list | dict) else value


def _position(labels: list[Any], label: Any) -> int:
    """Where `label` stands; True is not 1 and 1 is not 1.0 here."""
    return next(
        i for i, known in enumerate(labels) if known == label and type(known) is type(label)
    )
