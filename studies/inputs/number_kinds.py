"""Ranges of the parameters of the user's own classes: numbers where the class says float."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lightning_modules.components import user_key
from lightning_modules.configuration.sections import USER_KEYS
from lightning_modules.configuration.user_classes import path_error
from lightning_modules.user_code import imports
from studies.study_file.space.lists import ALL, EACH
from studies.study_file.space.search_space import LAYERS

BOUNDS = ("min", "max", "step")


def mark_floats(tree: dict[str, Any]) -> None:
    """Make `{min: 0, max: 1}` a range of numbers, not of 0 and 1, where it is of a parameter that a
    class of the user's annotates as float or gives a float for a default.

    `tree` is a study file's and is changed. Classes are imported only where such a range is.

    Raises UserCodeError where a class is not allowed or cannot be imported.
    """
    for component in _user_components(tree):
        ranges = {name: value for name, value in component.items() if _has_integers(value)}
        if not ranges:
            continue
        target = imports.load(component["class"])
        for name, value in ranges.items():
            if imports.takes_float(target, name):
                component[name] = _of_floats(value)


def _user_components(tree: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for section in USER_KEYS:
        yield from _classes(tree.get(section))


def _classes(value: Any) -> Iterator[dict[str, Any]]:
    """Every class of the user's in a value of the file, the outer ones first."""
    if isinstance(value, dict):
        if user_key(value) == "class" and path_error(value["class"]) is None:
            yield value
        for each in value.values():
            yield from _classes(each)
    elif isinstance(value, list):
        for each in value:
            yield from _classes(each)


def _has_integers(value: Any) -> bool:
    """Whether it is a range of integers, or a list that holds one."""
    return _is_of_integers(value) or any(map(_has_integers, _items(value)))


def _items(value: Any) -> list[Any]:
    """The items of a list, also of one whose length is searched."""
    if isinstance(value, Mapping):
        return [value[key] for key in (EACH, ALL) if key in value and LAYERS in value]
    return value if isinstance(value, list) else []


def _of_floats(value: Any) -> Any:
    """The same with numbers in place of integers in every range."""
    if _is_of_integers(value):
        return {**value, **{key: float(value[key]) for key in BOUNDS if value.get(key) is not None}}
    if isinstance(value, list):
        return [_of_floats(each) for each in value]
    if isinstance(value, Mapping):
        return {**value, **{key: _of_floats(value[key]) for key in (EACH, ALL) if key in value}}
    return value


def _is_of_integers(value: Any) -> bool:
    if not isinstance(value, Mapping) or not {"min", "max"} <= set(value):
        return False
    given = [value[key] for key in BOUNDS if value.get(key) is not None]
    return all(isinstance(each, int) and not isinstance(each, bool) for each in given)
