"""Lists in a study file of which items, or the length, are searched."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from lightning_modules.components import Items, Number, Parameter, suggestion
from lightning_modules.errors import Problem, shown
from studies.study_file.space.open_values import Choice, Fixed, Node, Range
from studies.study_file.space.search_space import LAYERS, GrowingList, ItemList
from studies.study_file.space.variants import Keys

MAX_LAYERS = 100
"""Items of a list whose length is searched; each has a parameter of its own."""
EACH, ALL = "each", "all"
"""What stands for the items of a list whose length is searched: values of their own, or one."""
GROWING = (LAYERS, EACH, ALL)

RANGE_FOR_LIST = (
    "is a list: write a range for an item, [{min: ..., max: ...}], or search their number too, "
    "{layers: {min: ..., max: ...}, each: {min: ..., max: ...}}"
)
ReadValue = Callable[[Any, Keys, Parameter | None, list[Problem]], Node]
"""Reads a value of a parameter, which may be open, at a place in the file."""


def is_growing(value: Mapping[str, Any], parameter: Parameter | None) -> bool:
    """Whether a mapping that is no range and no choice is meant as a list of which the length is
    searched."""
    return isinstance(parameter, Items) or (LAYERS in value and (EACH in value or ALL in value))


def item_list(
    values: list[Any],
    path: Keys,
    parameter: Parameter | None,
    problems: list[Problem],
    read: ReadValue,
) -> Node:
    """A list that holds ranges or choices among its items."""
    items = [
        read(item, (*path, place), _item(parameter, place), problems)
        for place, item in enumerate(values)
    ]
    if isinstance(parameter, Items) and parameter.increasing:
        for place, (one, other) in enumerate(itertools.pairwise(items)):
            if _bounds(one)[1] >= _bounds(other)[0]:
                text = "must be larger than the item before it, whatever is drawn for both"
                problems.append(Problem((*path, place + 1), text))
    return ItemList(tuple(items))


def growing_list(
    value: Mapping[str, Any],
    path: Keys,
    parameter: Parameter | None,
    problems: list[Problem],
    read: ReadValue,
) -> Node:
    """`{layers: {min: 1, max: 4}, each: {min: 8, max: 128}}`: a list of searched length, whose
    items each have a parameter of their own, or with `all` one together."""
    found = len(problems)
    for key in value:
        if key not in GROWING:
            hint = suggestion(key, GROWING) or "; it takes layers, and each or all"
            problems.append(Problem((*path, key), f"is no key of a list{hint}"))
    if LAYERS not in value:
        problems.append(Problem(path, "a list of searched length needs `layers`"))
    if (EACH in value) == (ALL in value):
        text = "a list of searched length needs one of `each`, where every item has a value of its "
        problems.append(Problem(path, text + "own, and `all`, where they have the same"))
    if isinstance(parameter, Items) and (parameter.increasing or parameter.length is not None):
        text = "is a list whose items differ in kind; write them one by one: [{min: ...}, ...]"
        problems.append(Problem(path, text))
    if len(problems) > found:
        return Fixed([])
    length = _length(value[LAYERS], (*path, LAYERS), parameter, problems, read)
    if length is None:
        return Fixed([])
    is_shared = ALL in value
    longest = max(GrowingList(length, ()).lengths())
    key = ALL if is_shared else EACH
    items: list[Node] = []
    for place in range(longest):
        told = problems if place == 0 else []  # what is wrong is wrong with every item
        items.append(read(value[key], (*path, key), _item(parameter, place), told))
    return GrowingList(length, tuple(items), is_shared)


def _length(
    value: Any, path: Keys, parameter: Parameter | None, problems: list[Problem], read: ReadValue
) -> Range | Choice | Fixed | None:
    """The node of a length; None where it is none, which is told."""
    default = parameter.default if isinstance(parameter, Items) else None
    start = len(default) if isinstance(default, list) else None
    found = len(problems)
    node = read(value, path, Number(start, "how many", integer=True), problems)
    if len(problems) > found:
        return None
    ends: list[Any] = []
    if isinstance(node, Range):
        ends = [node.low, node.high]
    elif isinstance(node, Choice):
        ends = list(node.values)
    elif isinstance(node, Fixed):
        ends = [node.value]
    for each in ends or [value]:
        whole = isinstance(each, int) and not isinstance(each, bool)
        if not whole or not 0 <= each <= MAX_LAYERS:
            text = f"must be integers from 0 to {MAX_LAYERS}, got {shown(each)}"
            problems.append(Problem(path, text))
            return None
    assert isinstance(node, Range | Choice | Fixed)
    return node


def _item(parameter: Parameter | None, place: int) -> Parameter | None:
    """The parameter of an item, whose default is that of its place in the list's own one."""
    if not isinstance(parameter, Items):
        return None
    known = parameter.default
    default = known[min(place, len(known) - 1)] if isinstance(known, list) and known else None
    return replace(parameter.item, default=default)


def _bounds(node: Node) -> tuple[float, float]:
    """The smallest and the largest number of an item."""
    if isinstance(node, Range):
        return node.low, node.high
    values = node.values if isinstance(node, Choice) else [getattr(node, "value", None)]
    numbers = [each for each in values if isinstance(each, int | float)]
    return min(numbers, default=0), max(numbers, default=0)
