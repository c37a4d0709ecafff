"""Finding and changing parts of a search space."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from studies.study_file.space.open_values import Choice, Fixed, Node, Range
from studies.study_file.space.search_space import (
    LAYERS,
    Alternatives,
    Group,
    GrowingList,
    ItemList,
)


def find(root: Node, path: str) -> Node | None:
    """The node at a dotted path, or None."""
    node: Node | None = root
    for key in path.split("."):
        node = None if node is None else children(node).get(key)
    return node


def children(node: Node) -> Mapping[str, Node]:
    """The parts of a node by name, of which each is there in every trial."""
    if isinstance(node, Group):
        return node.children
    if isinstance(node, ItemList):
        return node.by_place.children
    if isinstance(node, GrowingList):
        return {LAYERS: node.length, **({"all": node.items[0]} if node.is_shared else {})}
    return {}


def placed(node: Node, path: list[str], part: Node) -> Node:
    """The same with `part` at a path, where a part has been found."""
    key, *rest = path
    if rest:
        part = placed(children(node)[key], rest, part)
    if isinstance(node, Group):
        return replace(node, children={**node.children, key: part})
    if isinstance(node, ItemList):
        return ItemList(tuple({**children(node), key: part}.values()))
    assert isinstance(node, GrowingList)
    if key == LAYERS:
        assert isinstance(part, Range | Choice | Fixed)
        return replace(node, length=part)
    return replace(node, items=(part,) * len(node.items))


def changed(node: Node, leaf: Callable[[Node], Node]) -> Node:
    """The same part of a space with every open or fixed value as `leaf` gives it."""
    if isinstance(node, Alternatives):
        options = node.options.items()
        return Alternatives({name: changed(each, leaf) for name, each in options})
    if isinstance(node, Group):
        return changed_group(node, leaf)
    if isinstance(node, ItemList):
        return ItemList(tuple(changed(item, leaf) for item in node.items))
    if isinstance(node, GrowingList):
        length = leaf(node.length)
        assert isinstance(length, Range | Choice | Fixed)
        items = tuple(changed(item, leaf) for item in node.items)
        return GrowingList(length, items, node.is_shared)
    return leaf(node)


def changed_group(group: Group, leaf: Callable[[Node], Node]) -> Group:
    """The same for a group, which stays one."""
    return Group({key: changed(child, leaf) for key, child in group.children.items()})
