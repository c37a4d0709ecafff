"""What a Python function does, as a hash: two are the same where they compute alike.

Counted are its instructions, its defaults, and what it refers to outside of itself: plain data and
functions and classes of its own module, and what those refer to. Comments, docstrings, line numbers
and names of lambdas are not. What cannot be told from outside, such as arrays, open files and what
other modules define, counts by the name of its type or by its own name alone. A list or a mapping
that the code itself adds to, such as a counter of calls, is no part of what the function is.
"""

from __future__ import annotations

import dis
import functools
import hashlib
import inspect
import platform
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from enum import Enum
from pathlib import PurePath
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

IN_PLACE = (
    "add", "append", "appendleft", "clear", "discard", "extend", "insert", "pop", "popitem",
    "remove", "setdefault", "update",
)  # fmt: skip
"""Methods that change what they belong to."""
LOADS = (
    "LOAD_GLOBAL", "LOAD_NAME", "LOAD_DEREF", "LOAD_CLASSDEREF", "LOAD_FROM_DICT_OR_GLOBALS",
    "LOAD_FROM_DICT_OR_DEREF",
)  # fmt: skip
STORES = ("STORE_GLOBAL", "DELETE_GLOBAL", "STORE_DEREF", "DELETE_DEREF")
STARRED = inspect.CO_VARARGS | inspect.CO_VARKEYWORDS
IGNORED = ("CACHE", "EXTENDED_ARG", "NOP")
"""Instructions that say nothing, and depend on the lines of the text."""
OF_PYTHON = (
    "__annotations__", "__dict__", "__doc__", "__firstlineno__", "__module__", "__qualname__",
    "__static_attributes__", "__weakref__",
)  # fmt: skip
"""What Python itself writes into a class."""
PLAIN: dict[type, Callable[[Any], str]] = {
    bool: repr, int: int.__repr__, float: float.__repr__, complex: complex.__repr__,
    str: str.__repr__, bytes: bytes.__repr__, range: repr, PurePath: str,
    type(None): repr, type(...): repr,
}  # fmt: skip


def function_identity(function: Callable[..., Any]) -> str:
    """What a function is: the version of Python, whose instructions differ, and a SHA-256."""
    version = ".".join(platform.python_version_tuple()[:2])
    inner = inspect.unwrap(function)
    while isinstance(inner, functools.partial):
        inner = inspect.unwrap(inner.func)
    return f"Python {version}, SHA-256 {_Reader(getattr(inner, '__module__', '')).digest(function)}"


class _Reader:
    """Makes digests of a function of `module` and of what it refers to."""

    def __init__(self, module: str) -> None:
        self.module = module
        self.known: dict[int, str] = {}
        """Digests of what was met, by its id; its name while they are being made."""
        self.alive: list[Any] = []
        """What was met: an id belongs to nothing else as long as it lives."""

    def digest(self, value: Any) -> str:
        """The digest of any value."""
        for kind, spelled in PLAIN.items():
            if isinstance(value, kind) and not isinstance(value, Enum):
                return _hash(kind.__name__, spelled(value))
        if id(value) not in self.known:
            self.alive.append(value)
            self.known[id(value)] = _name(value)
            self.known[id(value)] = _hash(type(value).__name__, *self._parts(value))
        return self.known[id(value)]

    def _parts(self, value: Any) -> Iterable[str]:
        if isinstance(value, list | tuple):
            return map(self.digest, value)
        if isinstance(value, set | frozenset):
            return sorted(map(self.digest, value))
        if isinstance(value, dict):
            return (self.digest(each) for item in value.items() for each in item)
        if isinstance(value, functools.partial):
            return map(self.digest, (value.func, value.args, value.keywords))
        if isinstance(value, MethodType):
            return map(self.digest, (value.__func__, value.__self__))
        if isinstance(value, staticmethod | classmethod):
            return [self.digest(value.__func__)]
        if isinstance(value, property):
            return map(self.digest, (value.fget, value.fset, value.fdel))
        if isinstance(value, CodeType):
            return self._code(value)
        of_module = getattr(value, "__module__", None) == self.module
        if isinstance(value, FunctionType) and of_module:
            return self._function(value)
        if isinstance(value, type) and of_module:
            return self._class(value)
        if isinstance(value, type | FunctionType | ModuleType) or inspect.isbuiltin(value):
            return [str(getattr(value, "__module__", "")), _name(value)]
        if isinstance(value, Enum):
            return [self.digest(type(value)), value.name]
        if type(value).__module__ == self.module:
            return [self.digest(type(value)), self.digest(getattr(value, "__dict__", {}))]
        return [type(value).__module__, _name(type(value))]

    def _function(self, function: FunctionType) -> Iterator[str]:
        yield self.digest(function.__code__)
        yield self.digest(function.__defaults__)
        yield self.digest(function.__kwdefaults__)
        outside = {**function.__globals__, **dict(_closure(function))}
        for name in sorted(_loaded(function.__code__) - _changed(function.__code__)):
            if name in outside:  # or it is of Python, or not there yet
                yield name
                yield self.digest(outside[name])

    def _class(self, found: type) -> Iterator[str]:
        yield from map(self.digest, found.__bases__)
        for name, value in sorted(vars(found).items()):
            if name not in OF_PYTHON:
                yield name
                yield self.digest(value)

    def _code(self, code: CodeType) -> Iterator[str]:
        taken = code.co_argcount + code.co_kwonlyargcount
        yield repr((code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount))
        yield repr((code.co_varnames[:taken], code.co_flags & STARRED))
        yield code.co_exceptiontable.hex()
        found = _instructions(code)
        for number, each in enumerate(found):
            yield each.opname
            if each.opcode in dis.hasjrel or each.opcode in dis.hasjabs:
                yield str(sum(other.offset < each.argval for other in found) - number)
            elif each.opcode in dis.hasconst:
                yield self.digest(each.argval)
            else:
                yield repr(each.argval)


def _closure(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """The variables around a function, as far as they are filled."""
    cells = function.__closure__ or ()
    for name, cell in zip(function.__code__.co_freevars, cells, strict=True):
        with suppress(ValueError):
            yield name, cell.cell_contents


def _instructions(code: CodeType) -> list[dis.Instruction]:
    found = [each for each in dis.get_instructions(code) if each.opname not in IGNORED]
    of_python = {
        number
        for number, each in enumerate(found)
        if each.opname == "STORE_NAME" and each.argval in OF_PYTHON
    }
    left_out = of_python | {number - 1 for number in of_python}
    return [each for number, each in enumerate(found) if number not in left_out]


def _codes(code: CodeType) -> Iterator[CodeType]:
    """A code and those of the functions and classes within it."""
    yield code
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield from _codes(each)


def _loaded(code: CodeType) -> set[str]:
    """The names that a code looks up outside of itself."""
    return {
        each.argval for inner in _codes(code) for each in _instructions(inner) if _loads(each, code)
    }


def _changed(code: CodeType) -> set[str]:
    """The names outside of a code that it assigns, or whose values it changes in place."""
    changed = set()
    for inner in _codes(code):
        found = _instructions(inner)
        for number, each in enumerate(found):
            if each.opname in STORES or (_loads(each, code) and _is_changed(found[number + 1 :])):
                changed.add(each.argval)
    return changed


def _is_changed(after: Sequence[dis.Instruction]) -> bool:
    """Whether what was looked up right before is changed in place, by `name.append(...)`,
    `name[key] = ...`, `name[key] += ...`, `name.key = ...` or `name.key += ...`."""
    first, *operations = [each.opname for each in after[:3]] or [""]
    if after and after[0].argval in IN_PLACE and first in ("LOAD_METHOD", "LOAD_ATTR"):
        return True
    return (
        first in ("STORE_ATTR", "DELETE_ATTR")
        or operations[:1] in (["STORE_SUBSCR"], ["DELETE_SUBSCR"])
        or operations == ["COPY", "COPY"]
        or (first == "COPY" and operations[:1] == ["LOAD_ATTR"])
    )


def _loads(instruction: dis.Instruction, code: CodeType) -> bool:
    """Whether it looks up a name outside of `code`, within which it stands."""
    is_local = "DEREF" in instruction.opname and instruction.argval not in code.co_freevars
    return instruction.opname in LOADS and not is_local


def _name(value: Any) -> str:
    return str(getattr(value, "__qualname__", getattr(value, "__name__", "")))


def _hash(*parts: str) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(f"{len(part)}:{part}".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()
