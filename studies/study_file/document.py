"""A YAML 1.2 text as plain values, with the line of every key kept for messages."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lightning_modules.errors import ConfigurationError, Problem, UserError, cut, visible
from studies.study_file.reading.limits import Allowance, text_problem
from studies.study_file.reading.python_values import plain_values
from studies.study_file.reading.yaml_text import Parsed, mapping_of, parse_yaml, parse_yaml_file

MAX_PROBLEMS = 50
"""Problems of a file that are listed; the others are counted."""
FROM_COMMAND_LINE = -1

Keys = tuple[str | int, ...]


@dataclass
class Document:
    """A parsed file: its values, the line of every key, and what was wrong with its keys."""

    name: str
    tree: dict[str, Any]
    lines: dict[Keys, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def line(self, path: Keys) -> int | None:
        """The line of `path`, or of the nearest key above it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path)

    def describe(self, problem: Problem) -> str:
        """`file:line: path: what is wrong`; a value given by --set says so in the file's place."""
        line = self.line(problem.path)
        if line == FROM_COMMAND_LINE:
            return visible(f"--set: {problem}")
        return visible(f"{self.name}:{line}: {problem}" if line else f"{self.name}: {problem}")

    def refuse(self, problems: Sequence[Problem]) -> None:
        """Raise every problem at once, in the order of the file."""
        if problems:
            unique = dict.fromkeys(problems)
            ordered = sorted(unique, key=lambda problem: self.line(problem.path) or 0)
            lines = [self.describe(problem) for problem in ordered[:MAX_PROBLEMS]]
            if more := len(ordered) - len(lines):
                lines.append(f"{self.name}: and {more} more problems")
            raise StudyFileError(ordered, lines)

    def override(self, assignment: str) -> None:
        """Apply `path=value`, the value read as YAML."""
        dotted, equals, text = assignment.partition("=")
        said = visible(cut(assignment))
        words = dotted.strip().split(".")
        if not equals or "" in words or any(map(text_problem, words)):
            raise UserError(f"--set {said}: must be path=value, such as search.trials=50")
        Allowance(f"--set {said}").take(len(words))
        node: Any = self.tree
        path: Keys = ()
        for word in words[:-1]:
            path = (*path, _key(node, word))
            node = _descend(node, path, said)
        key = _key(node, words[-1])
        path = (*path, key)
        parsed = parse_yaml(text, f"--set {visible(cut(dotted))}")
        _assign(node, key, "" if parsed.empty else parsed.value, said)
        self.problems += [Problem((*path, *each.path), each.message) for each in parsed.problems]
        self.lines = {p: n for p, n in self.lines.items() if p[: len(path)] != path}
        self.lines[path] = FROM_COMMAND_LINE


class StudyFileError(ConfigurationError):
    """A study file is wrong; the message has a line for every problem."""

    def __init__(self, problems: Sequence[Problem], lines: Sequence[str] = ()) -> None:
        super().__init__(problems)
        self.lines = tuple(lines)

    def __str__(self) -> str:
        return "\n".join(self.lines)


def read(path: Path) -> Document:
    """Parse a file; raises UserError in one line where it is no readable YAML mapping."""
    return _document(parse_yaml_file(path), str(path))


def parse(text: str, name: str) -> Document:
    """Parse YAML text called `name`; raises UserError where it is no mapping."""
    return _document(parse_yaml(text, name), name)


def _document(parsed: Parsed, name: str) -> Document:
    return Document(name, mapping_of(parsed, name), parsed.lines, parsed.problems)


def from_tree(tree: Mapping[str, Any], name: str = "the study") -> Document:
    """A study that was written as a dictionary of Python; the caller's stays as it is.

    Numbers of numpy, tuples, paths and classes become what a file would hold.
    """
    plain, problems = plain_values(tree, name)
    return Document(name, plain, problems=problems)


def assignment(path: str, value: Any) -> str:
    """A change of a value as `--set` takes it: `path=value`, the value as YAML.

    Raises UserError where a study cannot hold the value.
    """
    document = from_tree({path: value}, "overrides")
    document.refuse(document.problems)
    return f"{path}={_spelled(document.tree[path])}"


def _spelled(value: Any) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return {math.inf: ".inf", -math.inf: "-.inf"}.get(value, ".nan")
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)}: {_spelled(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_spelled, value)) + "]"
    return json.dumps(value)


def _key(node: Any, word: str) -> str | int:
    """A word of a path: the place in a list, or a key."""
    place = isinstance(node, list) and word.isascii() and word.isdigit() and len(word) < 10
    return int(word) if place else word


def _descend(node: Any, path: Keys, assignment: str) -> Any:
    key = path[-1]
    if isinstance(node, dict):
        child = node.setdefault(key, {})
        if isinstance(child, str) and key != "study":  # `optimizer: adam` gains parameters
            child = node[key] = {"name": child}
        if isinstance(child, dict | list):
            return child
    if isinstance(node, list) and isinstance(key, int) and key < len(node):
        if isinstance(node[key], str):
            node[key] = {"name": node[key]}
        return node[key]
    where = ".".join(str(part) for part in path)
    raise UserError(f"--set {assignment}: {cut(where)} holds no keys")


def _assign(node: Any, key: Any, value: Any, assignment: str) -> None:
    if isinstance(node, list) and not (isinstance(key, int) and key < len(node)):
        raise UserError(f"--set {assignment}: there is no item {cut(str(key))}")
    if not isinstance(node, dict | list):
        raise UserError(f"--set {assignment}: a single value holds no {cut(str(key))}")
    node[key] = value
