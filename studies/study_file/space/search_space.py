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
from studies.study_file.space.open_values import Choice, Node, Point, Range, Suggester


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
        return math.prod(child.size() for child in self.children.values())

    def grid_size(self) -> int:
        return math.prod(child.grid_size() for child in self.children.values())


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
        return list(_open("", self.root))

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
