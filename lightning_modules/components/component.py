"""Rows of the component tables, and the parameters that hold such rows.

The tables (`OPTIMIZERS`, `SCHEDULES`, ...) are literal dictionaries of `Component` rows. They do
not import torch: a driver or an editor reads them in milliseconds; `build` imports what it needs.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from lightning_modules.components.names import article, suggestion, unknown
from lightning_modules.components.parameters import Parameter, Value
from lightning_modules.errors import UserError, shown


@dataclass(frozen=True)
class ComponentParameter(Parameter):
    """A parameter that holds a component of another table, such as an activation."""

    table: Mapping[str, Component] = field(default_factory=dict)
    what: str = "component"

    def expects(self) -> str:
        return f"the name of {article(self.what)}, or {{name: ..., parameters}}"

    def _validation_error(self, value: Value) -> str | None:
        node = named(value)
        if node is None:
            return f"must be {self.expects()}, got {shown(value)}"
        name, parameters = node
        if name not in self.table:
            return unknown(self.what, name, self.table)
        errors = [
            f"{key} {text}" for key, text in validation_errors(self.table[name], name, parameters)
        ]
        return "; ".join(errors) or None

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [{"enum": list(self.table)}, {"type": "object", "required": ["name"]}]}


@dataclass(frozen=True)
class ComponentsParameter(Parameter):
    """Any rows of another table, such as augmentations: `{name: {parameters}, ...}`.

    A bare value is a row's first parameter; null and false switch a row off.
    """

    table: Mapping[str, Component] = field(default_factory=dict)
    what: str = "component"

    def expects(self) -> str:
        return f"{{name: {{parameters}}, ...}} with names of {self.what}s"

    def _validation_error(self, value: Value) -> str | None:
        if not isinstance(value, Mapping):
            return f"must be {self.expects()}, got {shown(value)}"
        errors = [unknown(self.what, name, self.table) for name in value if name not in self.table]
        for name, given in switched_on(self.table, value).items():
            if name in self.table:
                each = validation_errors(self.table[name], name, given)
                errors += [f"{name}.{key} {text}" for key, text in each]
        return "; ".join(errors) or None

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
    """`classification`, `regression` or `multilabel`; empty where a parameter `task` says it."""
    kind: str = "table"
    """`table` (features), `signal` (channels × time), `image` (channels × height × width),
    `sequence` (time × features, lengths may vary) or `text` (tokens, lengths may vary); empty
    where a parameter `kind` says it."""
    outputs: int = 0
    """Classes, or values to predict; 0 where only the data can say."""
    check: Callable[..., object] | None = None
    """Of a row that reads files: `check(**parameters)` reads them without torch, and raises
    DataError where they cannot be used. It may give a `DataSummary`."""
    read_new: Callable[..., tuple[Any, ...]] | None = None
    """`read_new(path, preparation, **parameters)` gives the inputs of new rows as the network saw
    those it learned from: tensors (n, ...), without targets."""
    names_new: Callable[..., Mapping[str, list[Any]]] | None = None
    """Of a row whose new rows have names: `names_new(path, **parameters)` gives the columns of
    names by what they are called, in the order of `read_new`; empty where the file has none."""
    doubts: Callable[..., Any] | None = None
    """`doubts(path, preparation, rows, **parameters)` counts what in new rows the network never
    learned from, as `data.preparation.doubts.Doubts`. Without a path it is asked about the test
    part: these `rows`, counted from 1, of its file."""

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
    """Every (parameter, what is wrong) of parameters that do not go together."""


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


def resolve_component(
    table: Mapping[str, Row], node: str | Mapping[str, Value], what: str
) -> tuple[Row, dict[str, Value]]:
    """The row that a name, or `{name: ..., parameters}`, means, and all of its parameters.

    Raises UserError where there is no such row or where it does not take a parameter.
    """
    name, given = named(node) or ("", {})
    row = lookup(table, name, what)
    if errors := validation_errors(row, name, given):
        raise UserError("; ".join(f"{what} {key}: {text}" for key, text in errors))
    return row, {**row.defaults(), **given}


def validation_errors(
    component: Component, name: str, values: Mapping[str, Value]
) -> list[tuple[str, str]]:
    """Every (parameter, what is wrong) of values that `component`, called `name`, does not take."""
    errors = []
    for key, value in values.items():
        parameter = component.parameters.get(key)
        if parameter is None:
            takes = ", ".join(component.parameters) or "no parameters"
            hint = suggestion(key, component.parameters) or f"; it takes {takes}"
            errors.append((key, f"{name} takes no such parameter{hint}"))
        elif validation_error := parameter.validation_error(value):
            errors.append((key, validation_error))
    for key in component.required:
        if values.get(key) is None:
            errors.append((key, f"is missing: {component.parameters[key].summary}"))
    return errors


def switched_on(
    table: Mapping[str, Component], given: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """The rows that are on, by name, with the parameters that were given.

    A bare value is the first parameter; null and false switch a row off.
    """
    on: dict[str, dict[str, Any]] = {}
    for name, value in given.items():
        if value is None or value is False:
            continue
        if not isinstance(value, Mapping):
            row = table.get(name)
            value = {next(iter(row.parameters)): value} if row else {}
        on[name] = dict(value)
    return on


def named(node: Value) -> tuple[str, Mapping[str, Value]] | None:
    """The name and parameters in `adam` or `{name: adam, lr: 0.1}`; None where there is no name."""
    if isinstance(node, str):
        return node, {}
    if not isinstance(node, Mapping) or not isinstance(node.get("name"), str):
        return None
    return node["name"], {key: value for key, value in node.items() if key != "name"}


def user_key(node: Any) -> str | None:
    """`class` or `command` where a part is the user's own."""
    if not isinstance(node, Mapping):
        return None
    return next((key for key in ("class", "command") if key in node), None)


def apart(given: Mapping[str, Any], names: Container[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The arguments without those of the names, and those."""
    inner = {name: value for name, value in given.items() if name in names}
    return {name: value for name, value in given.items() if name not in names}, inner
