"""YAML text to plain values, the line of every key, and what was wrong with keys and values; and
plain values to YAML text."""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from lightning_modules.components import Value
from lightning_modules.errors import Problem, UserError
from studies.study_file.reading.limits import (
    MAX_BYTES,
    MAX_DEPTH,
    MAX_DIGITS,
    MAX_VALUES,
    Allowance,
    integer_problem,
    text_problem,
)

Keys = tuple[str | int, ...]
PREFIX = "tag:yaml.org,2002:"
LONGEST_TAG = 1000
"""The parser's time grows with the square of a tag's length."""


@dataclass
class Parsed:
    """What a text holds; the value of an empty one is None."""

    value: Any = None
    empty: bool = False
    lines: dict[Keys, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def parse_yaml(text: str, name: str) -> Parsed:
    """Parse one YAML document called `name`.

    Raises UserError in one line where it is none, or larger than a study may be.
    """
    if any("!" in word and len(word) > LONGEST_TAG for word in text.split()):
        raise UserError(f"{name}: is not YAML: a tag is longer than {LONGEST_TAG} characters")
    yaml = YAML(typ="safe", pure=True)
    yaml.Composer = _LimitedComposer
    try:
        with warnings.catch_warnings(action="ignore"):  # about anchors that stand twice
            node = yaml.compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f":{mark.line + 1}" if mark else ""
        raise UserError(f"{name}{line}: is not YAML: {error.problem or error.context}") from None
    except _TooLarge as error:
        raise UserError(f"{name}:{error.line}: {error}") from None
    except Exception as error:  # hostile text can raise anything in the parser
        why = next(iter(str(error).splitlines()), type(error).__name__)
        raise UserError(f"{name}: is not YAML: {why}") from None
    if node is None:
        return Parsed(empty=True)
    reader = _Reader(yaml, name)
    reader.parsed.value = reader.value(node, ())
    return reader.parsed


def parse_yaml_file(path: Path) -> Parsed:
    """Parse a file; raises UserError in one line where it cannot be read as YAML."""
    if os.path.isdir(path):
        raise UserError(f"{path}: is a folder; name a study file (YAML)")
    if os.path.exists(path) and not os.path.isfile(path):
        raise UserError(f"{path}: is a device or a pipe; name a study file (YAML)")
    try:
        with path.open("rb") as opened:
            content = opened.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise UserError(f"{path}: is larger than {MAX_BYTES // 1_000_000} MB; is it YAML?")
        text = content.decode("utf-8-sig")
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; `fairtune init` writes one") from None
    except UnicodeDecodeError:
        raise UserError(f"{path}: is not text (UTF-8); a study file is YAML") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    return parse_yaml(text, str(path))


def yaml_of(tree: dict[str, Any]) -> str:
    """The tree as YAML text in the style of the shipped study files."""
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = None  # short mappings on one line
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    yaml.width = 1000  # a broken flow mapping reads badly
    buffer = io.StringIO()
    yaml.dump(tree, buffer)
    return buffer.getvalue()


class _TooLarge(Exception):
    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


class _LimitedComposer(Composer):
    """Stops before a text without end has become nodes; the reader counts again, aliases too."""

    def __init__(self, loader: Any = None) -> None:
        super().__init__(loader)
        self.count = 0
        self.level = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        self.count += 1
        self.level += 1
        if self.count > MAX_VALUES:
            raise _TooLarge(f"holds more than {MAX_VALUES:,} keys and values", self._line())
        if self.level > MAX_DEPTH + 1:
            raise _TooLarge(f"is nested more than {MAX_DEPTH} deep; leave out levels", self._line())
        node = super().compose_node(parent, index)
        self.level -= 1
        return node

    def _line(self) -> int:
        return int(self.parser.peek_event().start_mark.line) + 1


class _Reader:
    """Turns composed nodes into values, noting lines, duplicate keys and foreign tags."""

    def __init__(self, yaml: YAML, name: str) -> None:
        self.yaml = yaml
        self.parsed = Parsed()
        self.allowance = Allowance(name)

    def value(self, node: Node, path: Keys) -> Any:
        self.allowance.take(len(path), len(node.value) if isinstance(node, ScalarNode) else 0)
        self.parsed.lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, ScalarNode):
            return self.scalar(node, path)
        kind = "map" if isinstance(node, MappingNode) else "seq"
        if str(node.tag) != PREFIX + kind:
            self.problem(path, f"carries a tag ({node.tag}); plain values only")
        if isinstance(node, MappingNode):
            return dict(self.items(node, path))
        assert isinstance(node, SequenceNode)
        return [self.value(child, (*path, index)) for index, child in enumerate(node.value)]

    def items(self, node: MappingNode, path: Keys) -> Iterator[tuple[str, Any]]:
        seen: dict[str, int] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, ScalarNode):
                self.problem(path, f"line {line}: a key must be a word")
                continue
            key = str(key_node.value)
            self.allowance.take(len(path), len(key))
            here = (*path, key)
            if key in seen:
                self.problem(here, f"stands twice, in lines {seen[key]} and {line}")
                continue
            seen[key] = line
            self.parsed.lines[here] = line
            if wrong := text_problem(key):
                self.problem(here, f"the key {wrong}")
            yield key, self.value(value_node, here)

    def scalar(self, node: ScalarNode, path: Keys) -> Value:
        tag, text = str(node.tag), str(node.value)
        kind = tag.removeprefix(PREFIX)
        if kind in ("null", "bool", "int", "float"):
            return self.plain(node, kind, text, path)
        if kind not in ("str", "timestamp"):
            self.problem(path, f"carries a tag ({tag}); plain values only")
        elif wrong := text_problem(text):
            self.problem(path, wrong)
        return text

    def plain(self, node: ScalarNode, kind: str, text: str, path: Keys) -> Value:
        """A null, a boolean or a number; where it is none, the problem is noted."""
        if len(text) > MAX_DIGITS:
            wrong = f"is a number of {len(text):,} characters; write {MAX_DIGITS} at most"
            self.problem(path, wrong)
            return None
        try:
            value: Value = self.yaml.constructor.construct_object(node)
        except (ValueError, LookupError, YAMLError):  # `!!int abc`
            self.problem(path, f"carries the tag !!{kind}, and {text!r} is none; plain values only")
            return None
        large = integer_problem(value) if isinstance(value, int) else None
        if large is not None:
            self.problem(path, large)
            return None
        return value

    def problem(self, path: Keys, message: str) -> None:
        self.parsed.problems.append(Problem(path, message))


def mapping_of(parsed: Parsed, name: str) -> dict[str, Any]:
    """The keys and values of a document; UserError where it holds something else."""
    if isinstance(parsed.value, Mapping):
        return dict(parsed.value)
    what = "is empty" if parsed.empty else "must be a mapping of keys to values"
    raise UserError(f"{name}: {what}; `fairtune init` writes an example")
