"""Classes of the user's in a value: `{class: package.module:Name, parameters}`, however deep."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lightning_modules.errors import shown

Keys = tuple[str | int, ...]
"""The way to a value: names of keys and numbers in lists."""
CLASS = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")
DOTTED = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")


@dataclass(frozen=True)
class UserClass:
    """A class, or a function that makes an object, with the parameters that it is called with."""

    keys: Keys
    """Where it stands in the value that was looked through."""
    path: Any
    """`package.module:Name`, unless it is no such text."""
    parameters: Mapping[str, Any]


def user_class(value: Any, keys: Keys = ()) -> UserClass | None:
    """The class that a value names; None where it names none."""
    if not isinstance(value, Mapping) or "class" not in value:
        return None
    parameters = {name: each for name, each in value.items() if name != "class"}
    return UserClass(keys, value["class"], parameters)


def classes_in(value: Any, keys: Keys = ()) -> Iterator[UserClass]:
    """Every class that a value names, in mappings and lists of any depth; the outer ones first."""
    if (found := user_class(value, keys)) is not None:
        yield found
    if isinstance(value, Mapping):
        for name, each in value.items():
            yield from classes_in(each, (*keys, name))
    elif isinstance(value, list | tuple):
        for index, each in enumerate(value):
            yield from classes_in(each, (*keys, index))


def path_error(path: Any) -> str | None:
    """What is wrong with the path of a class; None where nothing is."""
    if isinstance(path, str) and CLASS.fullmatch(path):
        return None
    hint = ""
    if isinstance(path, str) and DOTTED.fullmatch(path):
        hint = f"; did you mean {':'.join(path.rsplit('.', 1))}?"
    return f"must be package.module:Class, got {shown(path)}{hint}"
