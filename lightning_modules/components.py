"""Rows of the component tables: what a part is called, which parameters it takes, how it is built.

The tables (`OPTIMIZERS`, `SCHEDULES`, ...) are literal dictionaries of `Component` rows. They do
not import torch: a driver or an editor reads them in milliseconds; `build` imports what it needs.
"""

from __future__ import annotations

import difflib
import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from lightning_modules.errors import UserError

Value = Any
"""What a parameter may hold: None, bool, int, float, str, or a list or mapping of those."""


@dataclass(frozen=True)
class Parameter:
    """One hyperparameter of a component: its default and what it does, in one line."""

    default: Value
    summary: str

    def complaint(self, value: Value) -> str | None:
        """What is wrong with `value`, as the end of a sentence, or None."""
        if value is None and self.default is None:
            return None
        return self._complaint(value)

    def _complaint(self, value: Value) -> str | None:
        raise NotImplementedError

    def schema(self) -> dict[str, Any]:
        """JSON schema of the values that this parameter takes."""
        raise NotImplementedError

    def expects(self) -> str:
        """The values it takes, in a few words."""
        raise NotImplementedError


@dataclass(frozen=True)
class Number(Parameter):
    """A number within bounds; `tune` is the range from which a search may start.

    Bounds are inclusive unless `open` names them ("low", "high", "both").
    """

    low: float = -math.inf
    high: float = math.inf
    open: str = ""
    tune: tuple[float, float] | None = None
    log: bool = False
    integer: bool = False
    words: tuple[str, ...] = ()
    """Words that are allowed in place of a number, such as "full"."""

    def expects(self) -> str:
        kind = "an integer" if self.integer else "a number"
        above = ">" if self.open in ("low", "both") else ">="
        below = "<" if self.open in ("high", "both") else "<="
        bounds = []
        if self.low > -math.inf:
            bounds.append(f"{above} {self.low:g}")
        if self.high < math.inf:
            bounds.append(f"{below} {self.high:g}")
        words = "".join(f' or "{word}"' for word in self.words)
        return " ".join([kind, " and ".join(bounds)]).strip() + words

    def _complaint(self, value: Value) -> str | None:
        if isinstance(value, str) and value in self.words:
            return None
        numeric = isinstance(value, int) or (isinstance(value, float) and not self.integer)
        if isinstance(value, bool) or not numeric or not math.isfinite(value):
            return f"must be {self.expects()}, got {value!r}"
        low_ok = value > self.low if self.open in ("low", "both") else value >= self.low
        high_ok = value < self.high if self.open in ("high", "both") else value <= self.high
        return None if low_ok and high_ok else f"must be {self.expects()}, got {value!r}"

    def schema(self) -> dict[str, Any]:
        number: dict[str, Any] = {"type": "integer" if self.integer else "number"}
        if self.low > -math.inf:
            number["exclusiveMinimum" if self.open in ("low", "both") else "minimum"] = self.low
        if self.high < math.inf:
            number["exclusiveMaximum" if self.open in ("high", "both") else "maximum"] = self.high
        return {"anyOf": [number, {"enum": list(self.words)}]} if self.words else number


@dataclass(frozen=True)
class Flag(Parameter):
    """True or false."""

    def expects(self) -> str:
        return "true or false"

    def _complaint(self, value: Value) -> str | None:
        return None if isinstance(value, bool) else f"must be true or false, got {value!r}"

    def schema(self) -> dict[str, Any]:
        return {"type": "boolean"}


@dataclass(frozen=True)
class Option(Parameter):
    """One of a few words."""

    options: tuple[str, ...] = ()

    def expects(self) -> str:
        return "one of " + ", ".join(self.options)

    def _complaint(self, value: Value) -> str | None:
        if isinstance(value, str) and value in self.options:
            return None
        return f"must be {self.expects()}, got {value!r}" + suggestion(value, self.options)

    def schema(self) -> dict[str, Any]:
        return {"enum": list(self.options)}


@dataclass(frozen=True)
class Text(Parameter):
    """Any text, such as a path or the name of a column."""

    def expects(self) -> str:
        return "a text"

    def _complaint(self, value: Value) -> str | None:
        return None if isinstance(value, str) and value else f"must be a text, got {value!r}"

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "minLength": 1}


@dataclass(frozen=True)
class Items(Parameter):
    """A list in which every item is an `item`; `length` fixes how many."""

    item: Parameter = field(default_factory=lambda: Number(0, ""))
    length: int | None = None
    increasing: bool = False
    tune: tuple[Sequence[Value], ...] = ()

    def expects(self) -> str:
        count = f"{self.length} items" if self.length is not None else "items"
        order = "increasing " if self.increasing else ""
        return f"a list of {order}{count}, each {self.item.expects()}"

    def _complaint(self, value: Value) -> str | None:
        fits = isinstance(value, list | tuple) and self.length in (None, len(value))
        fits = fits and all(self.item.complaint(item) is None for item in value)
        if fits and self.increasing:
            fits = all(a < b for a, b in itertools.pairwise(value))
        return None if fits else f"must be {self.expects()}, got {value!r}"

    def schema(self) -> dict[str, Any]:
        array: dict[str, Any] = {"type": "array", "items": self.item.schema()}
        if self.length is not None:
            array |= {"minItems": self.length, "maxItems": self.length}
        return array


@dataclass(frozen=True)
class Slot(Parameter):
    """A parameter that holds a component of another table, such as an activation."""

    table: Mapping[str, Component] = field(default_factory=dict)
    what: str = "component"

    def expects(self) -> str:
        return f"the name of {article(self.what)}, or {{name: ..., parameters}}"

    def _complaint(self, value: Value) -> str | None:
        name, parameters = (value, {}) if isinstance(value, str) else _named(value) or (None, {})
        if name is None:
            return f"must be {self.expects()}, got {value!r}"
        if name not in self.table:
            return unknown(self.what, name, self.table)
        found = [f"{key} {text}" for key, text in complaints(self.table[name], name, parameters)]
        return "; ".join(found) or None

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [{"enum": list(self.table)}, {"type": "object", "required": ["name"]}]}


@dataclass(frozen=True)
class Several(Parameter):
    """Any rows of another table, such as augmentations: `{name: {parameters}, ...}`.

    A bare value is a row's first parameter; null and false switch a row off.
    """

    table: Mapping[str, Component] = field(default_factory=dict)
    what: str = "component"

    def expects(self) -> str:
        return f"{{name: {{parameters}}, ...}} with names of {self.what}s"

    def _complaint(self, value: Value) -> str | None:
        if not isinstance(value, Mapping):
            return f"must be {self.expects()}, got {value!r}"
        found = [unknown(self.what, name, self.table) for name in value if name not in self.table]
        for name, given in switched_on(self.table, value).items():
            if name in self.table:
                told = complaints(self.table[name], name, given)
                found += [f"{name}.{key} {text}" for key, text in told]
        return "; ".join(found) or None

    def schema(self) -> dict[str, Any]:
        return {"type": "object", "propertyNames": {"enum": list(self.table)}}


@dataclass(frozen=True)
class Component:
    """One row of a table: a part that a study file can name.

    `build` is called with what the table documents plus the parameters by keyword. `source` is
    the paper or the page that the part comes from.
    """

    summary: str
    build: Callable[..., Any]
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    source: str = ""
    required: tuple[str, ...] = ()
    """Parameters that have no default, such as the path of a file."""

    def defaults(self) -> dict[str, Value]:
        """Every parameter at its default."""
        return {name: parameter.default for name, parameter in self.parameters.items()}


@dataclass(frozen=True)
class Dataset(Component):
    """A row of the data table; `build(**parameters)` gives a LightningDataModule."""

    task: str = "classification"
    """`classification` or `regression`; empty where a parameter `task` says it."""
    kind: str = "table"
    """`table` (features), `signal` (channels × time), `image` (channels × height × width),
    `sequence` (time × features, lengths may vary) or `text` (tokens, lengths may vary); empty
    where a parameter `kind` says it."""
    outputs: int = 0
    """Classes, or values to predict; 0 where only the data can say."""
    check: Callable[..., int | None] | None = None
    """Of a row that reads files: `check(**parameters)` reads them without torch, and raises
    DataError where they cannot be used. It may give the outputs."""
    read_new: Callable[..., tuple[Any, ...]] | None = None
    """`read_new(path, preparation, **parameters)` gives the inputs of new rows as the network saw
    those it learned from: tensors (n, ...), without targets."""
    names_new: Callable[..., tuple[str, list[str]] | None] | None = None
    """Of a row whose new rows have names: `names_new(path, **parameters)` gives the column for them
    and the names, in the order of `read_new`; None where the file has none."""

    def task_of(self, parameters: Mapping[str, Value]) -> str:
        """The task, given the row's parameters."""
        return self.task or str(parameters.get("task", self.parameters["task"].default))

    def kind_of(self, parameters: Mapping[str, Value]) -> str:
        """The kind of the inputs, given the row's parameters."""
        return self.kind or str(parameters.get("kind", self.parameters["kind"].default))


@dataclass(frozen=True)
class Network(Component):
    """A row of the network table; `kinds` are the kinds of data that it reads."""

    kinds: tuple[str, ...] = ()
    time_first: bool = False
    """Whether `build` takes `sequence=True` for data of the shape (time, features)."""
    reads_tokens: bool = False
    """Whether it embeds tokens itself."""
    check: Callable[..., None] | None = None
    """Of a row that reads weights: `check(**parameters)` raises UserError where they do not fit."""
    conflicts: Callable[[Mapping[str, Value]], list[tuple[str, str]]] | None = None
    """Every (parameter, complaint) of parameters that do not go together."""


@dataclass(frozen=True)
class Loss(Component):
    """A row of the loss table; `tasks` are the tasks that it can train."""

    tasks: tuple[str, ...] = ()


Row = TypeVar("Row", bound=Component)


def lookup(table: Mapping[str, Row], name: str, what: str) -> Row:
    """The row called `name`, or a UserError that suggests the nearest name."""
    if name not in table:
        raise UserError(unknown(what, name, table))
    return table[name]


def chosen(
    table: Mapping[str, Row], node: str | Mapping[str, Value], what: str
) -> tuple[Row, dict[str, Value]]:
    """The row that a name, or `{name: ..., parameters}`, means, and all of its parameters.

    Raises UserError where there is no such row or where it does not take a parameter.
    """
    name, given = (node, {}) if isinstance(node, str) else _named(node) or ("", {})
    row = lookup(table, name, what)
    if found := complaints(row, name, given):
        raise UserError("; ".join(f"{what} {key}: {text}" for key, text in found))
    return row, {**row.defaults(), **given}


def complaints(
    component: Component, name: str, values: Mapping[str, Value]
) -> list[tuple[str, str]]:
    """Every (parameter, complaint) of values that `component`, called `name`, does not take."""
    found = []
    for key, value in values.items():
        parameter = component.parameters.get(key)
        if parameter is None:
            takes = ", ".join(component.parameters) or "no parameters"
            hint = suggestion(key, component.parameters) or f"; it takes {takes}"
            found.append((key, f"{name} takes no such parameter{hint}"))
        elif complaint := parameter.complaint(value):
            found.append((key, complaint))
    for key in component.required:
        if values.get(key) is None:
            found.append((key, f"is missing: {component.parameters[key].summary}"))
    return found


def switched_on(
    table: Mapping[str, Component], given: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """The rows that are on, by name, with the parameters that were given.

    A bare value is the first parameter; null and false switch a row off.
    """
    found: dict[str, dict[str, Any]] = {}
    for name, value in given.items():
        if value is None or value is False:
            continue
        if not isinstance(value, Mapping):
            row = table.get(name)
            value = {next(iter(row.parameters)): value} if row else {}
        found[name] = dict(value)
    return found


def unknown(what: str, name: object, known: Iterable[str]) -> str:
    """The sentence for a name that is not in a table."""
    known = list(known)
    hint = suggestion(name, known) or "; known are " + ", ".join(known)
    return f"there is no {what} {str(name)!r}{hint}"


def suggestion(name: object, known: Iterable[str]) -> str:
    """`; did you mean X?`, or nothing where no known name is near."""
    spelled = {each.lower(): each for each in known}
    near = difflib.get_close_matches(str(name).lower(), list(spelled), n=1, cutoff=0.6)
    return f"; did you mean {spelled[near[0]]}?" if near else ""


def article(noun: str) -> str:
    """The noun with its indefinite article."""
    return ("an " if noun[:1] in "aeiou" else "a ") + noun


def _named(value: Value) -> tuple[str, Mapping[str, Value]] | None:
    if not isinstance(value, Mapping) or not isinstance(value.get("name"), str):
        return None
    return value["name"], {key: item for key, item in value.items() if key != "name"}
