"""A YAML 1.2 text as plain values, with the line of every key kept for messages."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from lightning_modules.components import Value
from lightning_modules.errors import ConfigurationError, Problem, UserError

MAX_BYTES = 1_000_000
MAX_VALUES = 20_000
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
            return f"--set: {problem}"
        return f"{self.name}:{line}: {problem}" if line else f"{self.name}: {problem}"

    def refuse(self, problems: Sequence[Problem]) -> None:
        """Raise every problem at once, in the order of the file."""
        if problems:
            unique = dict.fromkeys(problems)
            ordered = sorted(unique, key=lambda problem: self.line(problem.path) or 0)
            raise StudyFileError(ordered, [self.describe(problem) for problem in ordered])

    def override(self, assignment: str) -> None:
        """Apply `path=value`, the value read as YAML."""
        dotted, equals, text = assignment.partition("=")
        keys = [int(key) if key.isdigit() else key for key in dotted.strip().split(".")]
        if not equals or "" in keys:
            raise UserError(f"--set {assignment}: must be path=value, such as search.trials=50")
        value = parse(text, f"--set {dotted}", any_value=True).tree["value"]
        node: Any = self.tree
        for depth, key in enumerate(keys[:-1]):
            node = _descend(node, key, keys[: depth + 1], assignment)
        _assign(node, keys[-1], value, assignment)
        changed = tuple(keys)
        self.lines = {p: n for p, n in self.lines.items() if p[: len(changed)] != changed}
        self.lines[changed] = FROM_COMMAND_LINE


class StudyFileError(ConfigurationError):
    """A study file is wrong; the message has a line for every problem."""

    def __init__(self, problems: Sequence[Problem], lines: Sequence[str] = ()) -> None:
        super().__init__(problems)
        self.lines = tuple(lines)

    def __str__(self) -> str:
        return "\n".join(self.lines)


def read(path: Path) -> Document:
    """Parse a file; raises UserError in one line where it is no readable YAML mapping."""
    if path.is_dir():
        raise UserError(f"{path}: is a folder; name a study file (YAML)")
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UserError(f"{path}: is larger than {MAX_BYTES // 1_000_000} MB; is it YAML?")
        text = path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; `fairtune init` writes one") from None
    except UnicodeDecodeError:
        raise UserError(f"{path}: is not text (UTF-8); a study file is YAML") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    return parse(text, str(path))


def parse(text: str, name: str, *, any_value: bool = False) -> Document:
    """Parse YAML text called `name`; with `any_value` the tree is `{"value": ...}`."""
    yaml = YAML(typ="safe", pure=True)
    try:
        node = yaml.compose(text)
    except MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise UserError(f"{name}{line}: is not YAML: {error.problem}") from None
    except (YAMLError, RecursionError) as error:
        raise UserError(f"{name}: is not YAML: {str(error).splitlines()[0]}") from None
    document = Document(name, {})
    reader = _Reader(yaml, document)
    if any_value:
        document.tree = {"value": reader.value(node, ()) if node is not None else ""}
    elif not isinstance(node, MappingNode):
        what = "is empty" if node is None else "must be a mapping of keys to values"
        raise UserError(f"{name}: {what}; `fairtune init` writes an example")
    else:
        document.tree = reader.value(node, ())
    return document


def from_tree(tree: Mapping[str, Any], name: str = "the study") -> Document:
    """A study that was written as a dictionary of Python; the caller's stays as it is.

    Numbers of numpy, tuples, paths and classes become what a file would hold.
    """
    document = Document(name, {})
    document.tree = _plain(tree, (), document)
    return document


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


def _plain(value: Any, path: Keys, document: Document) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item, (*path, str(key)), document) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, (*path, index), document) for index, item in enumerate(value)]
    if isinstance(value, str | bool | int | float | None):
        return value
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, type):
        return _class(value, path, document)
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:  # a number of numpy
        return value.item()
    text = f"is a {type(value).__name__}, which a study cannot hold; write numbers, texts and lists"
    document.problems.append(Problem(path, text))
    return None


def _class(value: type, path: Keys, document: Document) -> str:
    if value.__module__ == "__main__":
        text = (
            f"the class {value.__name__} is defined in this script or notebook, where workers do "
            f"not find it; write it to a module (a file such as networks.py) and import it from "
            "there, or train with a function: fairtune.run(..., trial=...)"
        )
        document.problems.append(Problem(path, text))
    return f"{value.__module__}:{value.__qualname__}"


class _Reader:
    """Turns composed nodes into values, noting lines, duplicate keys and foreign tags."""

    def __init__(self, yaml: YAML, document: Document) -> None:
        self.yaml = yaml
        self.document = document
        self.left = MAX_VALUES

    def value(self, node: Node, path: Keys) -> Any:
        self.left -= 1
        if self.left < 0:
            raise UserError(f"{self.document.name}: holds more than {MAX_VALUES} values")
        self.document.lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, MappingNode):
            return dict(self.items(node, path))
        if isinstance(node, SequenceNode):
            return [self.value(child, (*path, index)) for index, child in enumerate(node.value)]
        assert isinstance(node, ScalarNode)
        return self.scalar(node, path)

    def items(self, node: MappingNode, path: Keys) -> Iterator[tuple[str, Any]]:
        seen: dict[str, int] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, ScalarNode):
                self.problem(path, f"line {line}: a key must be a word")
                continue
            key = str(key_node.value)
            here = (*path, key)
            if key in seen:
                self.problem(here, f"stands twice, in lines {seen[key]} and {line}")
                continue
            seen[key] = line
            self.document.lines[here] = line
            yield key, self.value(value_node, here)

    def scalar(self, node: ScalarNode, path: Keys) -> Value:
        tag = str(node.tag)
        kind = tag.rpartition(":")[2]
        if kind in ("null", "bool", "int", "float"):
            return self.yaml.constructor.construct_object(node)
        if kind not in ("str", "timestamp") or not tag.startswith("tag:yaml.org,2002:"):
            self.problem(path, f"carries a tag ({tag}); plain values only")
        return str(node.value)

    def problem(self, path: Keys, message: str) -> None:
        self.document.problems.append(Problem(path, message))


def dump(tree: dict[str, Any]) -> str:
    """The tree as YAML text in the style of the shipped study files."""
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = None  # short mappings on one line
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    yaml.width = 1000  # a broken flow mapping reads badly
    buffer = io.StringIO()
    yaml.dump(tree, buffer)
    return buffer.getvalue()


def _descend(node: Any, key: str | int, path: Sequence[str | int], assignment: str) -> Any:
    if isinstance(node, dict):
        child = node.setdefault(key, {})
        if isinstance(child, str) and path[-1] != "study":  # `optimizer: adam` gains parameters
            child = node[key] = {"name": child}
        if isinstance(child, dict | list):
            return child
    if isinstance(node, list) and isinstance(key, int) and key < len(node):
        if isinstance(node[key], str):
            node[key] = {"name": node[key]}
        return node[key]
    where = ".".join(str(part) for part in path)
    raise UserError(f"--set {assignment}: {where} holds no keys")


def _assign(node: Any, key: str | int, value: Any, assignment: str) -> None:
    if isinstance(node, list) and not (isinstance(key, int) and key < len(node)):
        raise UserError(f"--set {assignment}: there is no item {key}")
    node[key] = value
