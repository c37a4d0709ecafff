"""Dictionaries of Python to plain values, as a file would hold them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from lightning_modules.errors import Problem
from studies.study_file.reading.limits import Allowance, integer_problem, text_problem

Keys = tuple[str | int, ...]


def plain_values(tree: Mapping[Any, Any], name: str) -> tuple[Any, list[Problem]]:
    """The tree in plain values, and what a study called `name` cannot hold.

    Numbers of numpy, tuples, paths and classes become what a file would hold. Raises UserError
    where the tree is larger than a study may be, or holds itself.
    """
    reader = _Reader(name)
    return reader.value(tree, ()), reader.problems


class _Reader:
    def __init__(self, name: str) -> None:
        self.allowance = Allowance(name)
        self.problems: list[Problem] = []

    def value(self, value: Any, path: Keys) -> Any:
        self.allowance.take(len(path), len(value) if isinstance(value, str) else 0)
        if isinstance(value, Mapping):
            return self.mapping(value, path)
        if isinstance(value, list | tuple):
            return [self.value(item, (*path, index)) for index, item in enumerate(value)]
        if isinstance(value, bool | None):
            return value
        if isinstance(value, int):
            return self.checked(int(value), integer_problem(value), path)
        if isinstance(value, float):
            return float(value)
        if isinstance(value, str | PurePath):
            return self.checked(str(value), text_problem(str(value)), path)
        if isinstance(value, type):
            return self.class_name(value, path)
        if hasattr(value, "item") and getattr(value, "ndim", None) == 0:  # a number of numpy
            return self.value(value.item(), (*path, "item"))
        text = f"is a {type(value).__name__}, which a study cannot hold; write numbers, texts and "
        return self.checked(None, text + "lists", path)

    def mapping(self, value: Mapping[Any, Any], path: Keys) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, item in value.items():
            if not isinstance(key, str | int | float | None):
                kind = type(key).__name__
                self.checked(None, f"has a key that is a {kind}; keys are words", path)
                continue
            word = str(key)
            self.allowance.take(len(path), len(word))
            wrong = f"stands twice, once as {key!r}" if word in found else text_problem(word)
            self.checked(None, wrong, (*path, word))
            found[word] = self.value(item, (*path, word))
        return found

    def class_name(self, value: type, path: Keys) -> str:
        wrong = (
            f"the class {value.__name__} is defined in this script or notebook, where workers do "
            "not find it; write it to a module (a file such as networks.py) and import it from "
            "there, or train with a function: fairtune.run(..., trial=...)"
        )
        self.checked(None, wrong if value.__module__ == "__main__" else None, path)
        return f"{value.__module__}:{value.__qualname__}"

    def checked(self, value: Any, wrong: str | None, path: Keys) -> Any:
        """The value, or None and a problem where something is wrong with it."""
        if wrong is None:
            return value
        self.problems.append(Problem(path, wrong))
        return None
