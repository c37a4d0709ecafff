"""The arguments of a script, read from its text: it is never run."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lightning_modules.data.readers.files import file_at
from lightning_modules.errors import UserError

ADDED = ("add_argument", "option", "argument")
"""What declares an argument: in argparse, and in click."""
SWITCHES = ("store_true", "store_false", "BooleanOptionalAction")


@dataclass(frozen=True)
class Argument:
    """An argument that a script takes."""

    word: str
    """As it stands on the command line, `--lr`; empty where its place says which it is."""
    name: str
    """As Python calls it."""
    kind: str
    """`int`, `float`, `str` or `bool`; empty where the script does not say."""
    default: Any = None
    choices: Sequence[Any] = ()
    required: bool = False
    several: bool = False


def read_script(path: Path) -> ast.Module:
    """The syntax of a script. Raises UserError where it is none."""
    try:
        return ast.parse(file_at(str(path)).read_bytes(), str(path))
    except SyntaxError as error:
        line = f":{error.lineno}" if error.lineno else ""
        raise UserError(f"{path}{line}: is no Python: {error.msg}") from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise UserError(f"{path}: is no Python: {error}") from None


def arguments_of(script: ast.Module) -> list[Argument]:
    """The arguments that are declared by argparse or click, in the order of the text."""
    found = {each.name: each for call in calls(script) if (each := _argument(call)) is not None}
    return list(found.values())


def calls(script: ast.Module) -> Iterator[ast.Call]:
    """Every call, in the order of the text."""
    nodes = [node for node in ast.walk(script) if isinstance(node, ast.Call)]
    yield from sorted(nodes, key=lambda node: (node.lineno, node.col_offset))


def called(call: ast.Call) -> str:
    """The last word of what is called: `log` of `wandb.log(...)`."""
    function = call.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def plain(node: ast.expr | None) -> Any:
    """The value that is written there; None where it is not a plain one."""
    try:
        return None if node is None else ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None


def _argument(call: ast.Call) -> Argument | None:
    words = [each for each in map(plain, call.args) if isinstance(each, str)]
    if called(call) not in ADDED or not words:
        return None
    said = {each.arg: each.value for each in call.keywords if each.arg}
    if "is_flag" in said or plain(said.get("action")) in ("version", "help", "count"):
        said["action"] = ast.Constant("store_true")
    long = [word for word in words if word.startswith("--")]
    word = (long or [word for word in words if word.startswith("-")] or [""])[0]
    word = word.partition("/")[0].strip()
    name = plain(said.get("dest")) or (word or words[0]).lstrip("-").replace("-", "_")
    default, choices = plain(said.get("default")), plain(said.get("choices"))
    switch = plain(said.get("action")) in SWITCHES or _last(said.get("action")) in SWITCHES
    kind = "bool" if switch else _last(said.get("type")) or type(default).__name__
    nargs = plain(said.get("nargs"))
    optional = nargs in ("?", "*") or "default" in said or switch
    return Argument(
        word,
        str(name),
        kind if kind in ("int", "float", "str", "bool") else "",
        default,
        tuple(choices) if isinstance(choices, list | tuple) else (),
        bool(plain(said.get("required"))) or (not word and not optional),
        nargs is not None and nargs != "?",
    )


def _last(node: ast.expr | None) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
