"""A training configuration: every part named, every parameter filled in, no ranges left."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from lightning_modules.components import (
    Component,
    ComponentParameter,
    ComponentsParameter,
    Parameter,
    Value,
    named,
    switched_on,
    user_key,
)
from lightning_modules.configuration.program_words import with_params
from lightning_modules.configuration.sections import (
    COMMAND,
    SECTIONS,
    USER_KEYS,
    may_be_absent,
    target_columns,
    task_of,
)
from lightning_modules.configuration.trainer import TRAINER, reports_of, without_defaults
from lightning_modules.configuration.user_classes import classes_in
from lightning_modules.configuration.validation import problems
from lightning_modules.data.parameters import LOADER_WORKERS
from lightning_modules.errors import ConfigurationError
from lightning_modules.hashing import short_hash
from lightning_modules.optimization import REGULARIZATION, goal_of, regularizers
from lightning_modules.optimization.losses import DEFAULT_LOSS
from lightning_modules.optimization.metrics import default_objective


@dataclass(frozen=True)
class Part:
    """A component by name with all of its parameters.

    A class of the user's is called `package.module:Class`; its parameters are those that were
    given. A program's are its `command` and what the command may ask for.
    """

    name: str
    parameters: Mapping[str, Value]

    @property
    def is_class(self) -> bool:
        """Whether it is a class of the user's."""
        return ":" in self.name

    @property
    def class_paths(self) -> list[str]:
        """The classes of the user's that it is made of: its own, and those of its parameters."""
        return [each.path for each in classes_in(self.to_dict())] if self.is_class else []

    def to_dict(self) -> dict[str, Value]:
        if self.name == COMMAND:
            return dict(self.parameters)
        return {"class" if self.is_class else "name": self.name, **self.parameters}

    def replaced(self, parameter: str, value: Value) -> Part:
        """The same component with another value of one parameter."""
        return Part(self.name, {**self.parameters, parameter: value})


ABSENT = Part("", {})
"""A part that a training does not have, such as the optimizer where a module brings its own."""


@dataclass(frozen=True)
class Objective:
    """The metric to optimize and its direction, `maximize` or `minimize`."""

    metric: str
    goal: Literal["minimize", "maximize"]


@dataclass(frozen=True)
class Configuration:
    """Everything that decides a training but its seed; make one with `Configuration.resolve`."""

    data: Part
    model: Part
    loss: Part
    optimizer: Part
    schedule: Part
    regularization: Mapping[str, Mapping[str, Value]]
    """Parameters of every regularizer that is on, by its name."""
    trainer: Mapping[str, Value]
    objective: Objective

    @classmethod
    def resolve(cls, tree: Mapping[str, Any]) -> Configuration:
        """The configuration that a plain tree describes, defaults filled in.

        Raises ConfigurationError with every problem.
        """
        if found := list(problems(tree)):
            raise ConfigurationError(found)
        return cls.of(tree)

    @classmethod
    def of(cls, tree: Mapping[str, Any]) -> Configuration:
        """The same for a tree that was found right before: of a file that was checked, or of a
        record."""
        tree = _given(tree)
        task = task_of(tree.get("data"), tree.get("loss"))
        model, names_optimizer = user_key(tree.get("model")), "optimizer" in tree
        parts = {
            key: _part(key, tree.get(key), may_be_absent(key, model, names_optimizer))
            for key in SECTIONS
        }
        if task and parts["optimizer"] != ABSENT and parts["loss"] == ABSENT:
            parts["loss"] = _part("loss", DEFAULT_LOSS[task])
        objective = tree.get("objective") or {}
        metric = objective.get("metric") or default_objective(
            task, len(target_columns(tree.get("data")))
        )
        regularization = regularizers(tree.get("regularization") or {})
        if "weight_decay" in regularization and "weight_decay" in parts["optimizer"].parameters:
            parts["optimizer"] = parts["optimizer"].replaced("weight_decay", 0.0)
        made = cls(
            **parts,
            regularization={
                name: _filled(REGULARIZATION[name], given)
                for name, given in sorted(regularization.items())
            },
            trainer={
                key: _canonical(parameter, (tree.get("trainer") or {}).get(key, parameter.default))
                for key, parameter in TRAINER.items()
            },
            objective=Objective(metric, objective.get("goal") or goal_of(metric)),
        )
        if model == COMMAND:
            program = with_params(made.model.parameters, tree, made.flat())
            return replace(made, model=Part(COMMAND, program))
        return made

    def to_dict(self) -> dict[str, Any]:
        """The complete tree; `resolve` of it gives an equal configuration."""
        return {
            **{key: part.to_dict() for key in SECTIONS if (part := getattr(self, key)) != ABSENT},
            "regularization": {name: dict(row) for name, row in self.regularization.items()},
            "trainer": dict(self.trainer),
            "objective": {"metric": self.objective.metric, "goal": self.objective.goal},
        }

    def shown(self) -> dict[str, Any]:
        """The tree without later keys of `trainer` that say what is so anyway; `resolve` of it
        gives an equal configuration, too."""
        return {**self.to_dict(), "trainer": without_defaults(self.trainer)}

    @property
    def class_paths(self) -> list[str]:
        """The classes of the user's that the training is made of, each once."""
        found = (path for key in SECTIONS for path in getattr(self, key).class_paths)
        return list(dict.fromkeys(found))

    def with_split(self, split_seed: int) -> Configuration:
        """The same training on the split of that seed; the data must take a `split_seed`."""
        return replace(self, data=self.data.replaced("split_seed", split_seed))

    def flat(self) -> dict[str, Value]:
        """Dotted path to value (`optimizer.lr`: 0.1), lists kept whole."""
        return dict(flatten(self.to_dict()))

    @property
    def hash(self) -> str:
        """Identity of the configuration: 16 hexadecimal digits over its canonical JSON, without
        what changes no number and what is new and at its default."""
        tree = self.shown()
        tree.get("data", {}).pop(LOADER_WORKERS, None)
        text = json.dumps(tree, sort_keys=True, separators=(",", ":"))
        return short_hash(text)

    @property
    def reports(self) -> int:
        """Epochs that a training of it reports, of which each ends with a validation: what pruners,
        patience and budgets count. They are all its epochs unless `trainer.val_every` is more than
        1."""
        return reports_of(self.trainer)

    @property
    def task(self) -> str:
        """`classification`, `regression` or `multilabel`; empty where only the user's own code
        knows."""
        tree = self.to_dict()
        return task_of(tree.get("data"), tree.get("loss"))


def _part(key: str, node: Any, is_optional: bool = False) -> Part:
    section = SECTIONS[key]
    users = user_key(node) if key in USER_KEYS else None
    if users is not None:
        rest = {k: v for k, v in node.items() if k != "class"}
        return Part(COMMAND if users == COMMAND else node["class"], rest)
    if node is None and (section.default is None or is_optional):
        return ABSENT
    return Part(*_filled_node(section.table, section.default if node is None else node))


def _given(tree: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in tree.items() if value is not None}


def _filled_node(table: Mapping[str, Component], node: Value) -> tuple[str, dict[str, Value]]:
    """The name of a component that was found right, and all of its parameters."""
    found = named(node)
    assert found is not None
    name, values = found
    return name, _filled(table[name], values)


def _filled(row: Component, values: Mapping[str, Value]) -> dict[str, Value]:
    return {
        key: _canonical(parameter, values.get(key, parameter.default))
        for key, parameter in row.parameters.items()
    }


def _canonical(parameter: Parameter, value: Value) -> Value:
    """One spelling for equal values, so that equal configurations have equal hashes."""
    if isinstance(value, list | tuple):
        item = getattr(parameter, "item", None)
        return [_canonical(item, v) if item is not None else v for v in value]
    if isinstance(parameter, ComponentParameter):
        name, values = _filled_node(parameter.table, value)
        return {"name": name, **values}
    if isinstance(parameter, ComponentsParameter):
        return {
            name: _filled(parameter.table[name], given)
            for name, given in sorted(switched_on(parameter.table, value or {}).items())
        }
    return parameter.canonical(value)


def flatten(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Value]]:
    """Dotted path and value of everything in a complete tree, lists kept whole."""
    for key, value in tree.items():
        path = f"{prefix}.{key}" if prefix else key
        if isinstance(value, Mapping):
            yield from flatten(value, path)
        else:
            yield path, value
