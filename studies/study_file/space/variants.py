"""Plain configurations of a search space, enough of them to meet every mistake of a study file."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from studies.study_file.space.open_values import Choice, Fixed, Node, Range
from studies.study_file.space.search_space import (
    Alternatives,
    Group,
    GrowingList,
    ItemList,
)
from studies.study_file.space.tree import changed_group

Keys = tuple[str | int, ...]
"""The way to a value in a study file: names of keys and numbers in lists."""
CROSS_CHECKED = (("data", "model"), ("data", "loss"), ("model", "regularization"))
"""Sections that may not fit each other."""


@dataclass(frozen=True)
class Variant:
    """A plain value that a node can take, and where in the file each part of it comes from."""

    value: Any
    origins: Mapping[Keys, Keys] = field(default_factory=dict)

    def origin(self, path: Keys) -> Keys:
        """The place in the study file of `path` in the plain value."""
        for cut in range(len(path), -1, -1):
            if path[:cut] in self.origins:
                return self.origins[path[:cut]] + path[cut:]
        return path


def variants(root: Group) -> Iterator[Variant]:
    """Configurations in which every alternative, choice and range end occurs at least once, and
    every pair of parts that must fit each other."""
    parts = {key: _variants(node, (key,), (key,)) for key, node in root.children.items()}
    for index in range(max((len(options) for options in parts.values()), default=0)):
        yield _joined({key: options[index % len(options)] for key, options in parts.items()})
    first = {key: options[0] for key, options in parts.items()}
    for a, b in CROSS_CHECKED:
        for one, other in itertools.product(parts.get(a, []), parts.get(b, [])):
            yield _joined({**first, a: one, b: other})


def largest(root: Group) -> Group:
    """The same space with every range, and every choice of numbers, at its largest value."""
    return changed_group(root, _largest)


def _largest(node: Node) -> Node:
    if isinstance(node, Range):
        return Fixed(node.high)
    return node.largest() if isinstance(node, Choice) else node


def variant_count(root: Group) -> int:
    """How many configurations `variants` gives; none of them is made."""
    counts = {key: _count(node) for key, node in root.children.items()}
    pairs = sum(counts[a] * counts[b] for a, b in CROSS_CHECKED if a in counts and b in counts)
    return max(counts.values(), default=0) + pairs


def _count(node: Node) -> int:
    if isinstance(node, Alternatives):
        return sum(map(_count, node.options.values()))
    if isinstance(node, Group):
        return max(map(_count, node.children.values()), default=1)
    if isinstance(node, Choice):
        return len(node.values)
    if isinstance(node, ItemList):
        return max(map(_count, node.items), default=1)
    if isinstance(node, GrowingList):
        return sum(_count(each) for each in _shortest_and_longest(node))
    return 2 if isinstance(node, Range) else 1


def _variants(node: Node, path: Keys, source: Keys) -> list[Variant]:
    """Variants of the node at `path` in the plain value and at `source` in the file."""
    if isinstance(node, Range):
        ends = ((node.low, "min"), (node.high, "max"))
        return [Variant(value, {path: (*source, end)}) for value, end in ends]
    if isinstance(node, Choice):
        return [
            Variant(value, {path: (*source, "values", index)})
            for index, value in enumerate(node.values)
        ]
    if isinstance(node, Alternatives):
        found = []
        for index, option in enumerate(node.options.values()):
            for variant in _variants(option, path, (*source, index)):
                found.append(Variant(variant.value, {path: (*source, index), **variant.origins}))
        return found
    if isinstance(node, Group):
        parts = {
            key: _variants(child, (*path, key), (*source, key))
            for key, child in node.children.items()
        }
        count = max((len(options) for options in parts.values()), default=1)
        return [
            _joined({key: options[index % len(options)] for key, options in parts.items()})
            for index in range(count)
        ]
    if isinstance(node, ItemList):
        sources = [(*source, place) for place in range(len(node.items))]
        return _item_variants(node, path, sources)
    if isinstance(node, GrowingList):
        found = []
        for each in _shortest_and_longest(node):
            each_source = (*source, "all" if node.is_shared else "each")
            for variant in _item_variants(each, path, [each_source] * len(each.items)):
                found.append(Variant(variant.value, {path: source, **variant.origins}))
        return found
    assert isinstance(node, Fixed)
    return [Variant(node.value)]


def _shortest_and_longest(node: GrowingList) -> list[ItemList]:
    lengths = dict.fromkeys((min(node.lengths()), max(node.lengths())))
    return [ItemList(node.items[:length]) for length in lengths]


def _item_variants(node: ItemList, path: Keys, sources: Sequence[Keys]) -> list[Variant]:
    """Lists in which the values of every item occur; an item comes from its place in `sources`."""
    parts = [
        _variants(item, (*path, place), source)
        for place, (item, source) in enumerate(zip(node.items, sources, strict=True))
    ]
    found = []
    for index in range(max(map(len, parts), default=1)):
        chosen = [options[index % len(options)] for options in parts]
        origins = {key: value for part in chosen for key, value in part.origins.items()}
        found.append(Variant([part.value for part in chosen], origins))
    return found


def _joined(parts: Mapping[str, Variant]) -> Variant:
    origins: dict[Keys, Keys] = {}
    for part in parts.values():
        origins |= part.origins
    return Variant({key: part.value for key, part in parts.items()}, origins)
