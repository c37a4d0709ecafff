"""The search space of an arm: components and their open values in a tree, and the points in it.

A space is a tree of nodes. `Space.suggest(trial)` walks it and asks an Optuna trial for every open
value; `Space.grid()` enumerates it; `Space.default()` is its point of defaults. A point is a
mapping of Optuna parameter names to values; a plain tree is a configuration without ranges.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lightning_modules.components import Value
from studies.study_file.space.open_values import Choice, Fixed, Node, Point, Range, Suggester

LAYERS = "layers"
"""What the length of a list is called where it is searched."""


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

    def grid_size(self) -> int:
        return sum(option.grid_size() for option in self.options.values())


@dataclass(frozen=True)
class Group:
    """Several nodes by name, such as the parameters of a component."""

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
        sizes = (child.size() for child in self.children.values())
        return math.prod(sizes, start=1.0)  # a product of integers may be too large for a float

    def grid_size(self) -> int:
        return math.prod(child.grid_size() for child in self.children.values())


@dataclass(frozen=True)
class ItemList:
    """A list of which any item may be open, called by their places from 0 on."""

    items: tuple[Node, ...]

    @property
    def by_place(self) -> Group:
        """The items by the names of their places."""
        return Group({str(place): item for place, item in enumerate(self.items)})

    def suggest(self, trial: Suggester, name: str) -> list[Any]:
        return list(self.by_place.suggest(trial, name).values())

    def points(self, name: str) -> Iterator[Point]:
        return self.by_place.points(name)

    def default(self, name: str) -> Point:
        return self.by_place.default(name)

    def size(self) -> float:
        return self.by_place.size()

    def grid_size(self) -> int:
        return self.by_place.grid_size()


@dataclass(frozen=True)
class GrowingList:
    """A list whose length is searched: every item has values of its own, called by its place, or
    all of them have the one that is called `all`."""

    length: Range | Choice | Fixed
    items: tuple[Node, ...]
    """As many as the longest list has."""
    is_shared: bool = False

    def lengths(self) -> list[int]:
        """Every length that it can have."""
        if isinstance(self.length, Range):
            return [int(each) for each in self.length.grid_values("")]
        return list(self.length.values) if isinstance(self.length, Choice) else [self.length.value]

    def inside(self, length: int) -> Group:
        """What is open in a list of that length."""
        if self.is_shared:
            return Group({"all": self.items[0]} if length else {})
        return ItemList(self.items[:length]).by_place

    def suggest(self, trial: Suggester, name: str) -> list[Any]:
        length = int(self.length.suggest(trial, f"{name}.{LAYERS}"))
        values = list(self.inside(length).suggest(trial, name).values())
        return values * length if self.is_shared else values

    def points(self, name: str) -> Iterator[Point]:
        for point in self.length.points(f"{name}.{LAYERS}"):
            for inside in self.inside(self._length(point, name)).points(name):
                yield {**point, **inside}

    def default(self, name: str) -> Point:
        point = self.length.default(f"{name}.{LAYERS}")
        return {**point, **self.inside(self._length(point, name)).default(name)}

    def size(self) -> float:
        return sum(self.inside(length).size() for length in self.lengths())

    def grid_size(self) -> int:
        return sum(self.inside(length).grid_size() for length in self.lengths())

    def _length(self, point: Point, name: str) -> int:
        return int(point.get(f"{name}.{LAYERS}", self.lengths()[0]))


@dataclass(frozen=True)
class Space:
    """The whole search space of one arm."""

    root: Group

    def suggest(self, trial: Suggester) -> dict[str, Any]:
        """A plain configuration tree, every open value asked of `trial`."""
        return self.root.suggest(trial, "")

    def grid(self, taken: Iterable[Mapping[str, Any]] = ()) -> Iterator[Point]:
        """Every grid point that is not `taken`, the last axis fastest; UserError names a continuous
        axis."""
        known = {_identity(point) for point in taken}
        return (point for point in self.root.points("") if _identity(point) not in known)

    def grid_size(self) -> int:
        """The number of grid points."""
        return self.root.grid_size()

    def default(self) -> Point:
        """The point of defaults: the components' own defaults, moved into the ranges."""
        return self.root.default("")

    def size(self) -> float:
        """The number of distinct configurations, `math.inf` with a continuous axis."""
        return self.root.size()

    def parameters(self) -> list[tuple[str, Range | Choice | Alternatives]]:
        """Every open value by its Optuna name."""
        return [(name, node) for name, node, _ in _open("", self.root)]

    def always(self) -> set[str]:
        """The names of those open values that every trial has; others depend on a choice."""
        return {name for name, _, is_always in _open("", self.root) if is_always}

    def open_values_of(self, configuration: Mapping[str, Value]) -> dict[str, Value]:
        """The open values of a flat configuration (`Configuration.flat`), by their places in it."""
        found: dict[str, Value] = {}
        for place in dict.fromkeys(_places("", self.root)):
            inside = (path for path in configuration if path.startswith(f"{place}."))
            for path in itertools.chain((place, place.removesuffix(".name")), inside):
                if path in configuration:
                    found[path] = configuration[path]
                    break
        return found


def _identity(point: Mapping[str, Any]) -> str:
    """A text that is equal for equal points; it tells 1 from 1.0 and from True."""
    return repr(sorted(point.items()))


def _places(path: str, node: Node) -> Iterator[str]:
    """Where open values are in a configuration; alternatives share their places."""
    if isinstance(node, Range | Choice):
        yield path
    elif isinstance(node, ItemList | GrowingList):
        if Space(Group({path: node})).parameters():  # a list is one value of a configuration
            yield path
    elif isinstance(node, Alternatives):
        yield f"{path}.name"
        for option in node.options.values():
            yield from _places(path, option)
    elif isinstance(node, Group):
        for key, child in node.children.items():
            yield from _places(f"{path}.{key}" if path else key, child)


def _open(
    name: str, node: Node, is_always: bool = True
) -> Iterator[tuple[str, Range | Choice | Alternatives, bool]]:
    """Every open value with its name, and whether every trial has it."""
    if isinstance(node, Range | Choice):
        yield name, node, is_always
    elif isinstance(node, Alternatives):
        yield name, node, is_always
        for label, option in node.options.items():
            yield from _open(f"{name}.{label}", option, is_always and len(node.options) == 1)
    elif isinstance(node, Group):
        for key, child in node.children.items():
            yield from _open(f"{name}.{key}" if name else key, child, is_always)
    elif isinstance(node, ItemList):
        yield from _open(name, node.by_place, is_always)
    elif isinstance(node, GrowingList):
        yield from _open(f"{name}.{LAYERS}", node.length, is_always)
        shortest = node.inside(min(node.lengths())).children
        for key, child in node.inside(max(node.lengths())).children.items():
            yield from _open(f"{name}.{key}", child, is_always and key in shortest)
