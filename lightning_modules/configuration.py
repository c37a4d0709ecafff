"""A training configuration: every part named, every parameter filled in, no ranges left."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from lightning_modules.components import (
    Component,
    Dataset,
    Loss,
    Network,
    Number,
    Option,
    Parameter,
    Slot,
    Value,
    article,
    complaints,
    suggestion,
    unknown,
)
from lightning_modules.data.datasets import DATASETS
from lightning_modules.errors import ConfigurationError, Problem
from lightning_modules.losses import DEFAULT_LOSS, LOSSES
from lightning_modules.metrics import DEFAULT_OBJECTIVE, METRICS, goal_of, logged_metrics
from lightning_modules.networks import NETWORKS
from lightning_modules.optimizers import OPTIMIZERS
from lightning_modules.regularization import REGULARIZATION, regularizers
from lightning_modules.schedules import SCHEDULES


@dataclass(frozen=True)
class Section:
    """A part of the configuration that names one component of a table."""

    what: str
    table: Mapping[str, Component]
    default: str | None = None


SECTIONS: dict[str, Section] = {
    "data": Section("data set", DATASETS),
    "model": Section("network", NETWORKS),
    "loss": Section("loss", LOSSES),
    "optimizer": Section("optimizer", OPTIMIZERS, default="adam"),
    "schedule": Section("schedule", SCHEDULES, default="constant"),
}

TRAINER: dict[str, Parameter] = {
    "epochs": Number(20, "passes over the training part", low=1, integer=True),
    "accelerator": Option("auto", "where to train", options=("auto", "cpu", "gpu")),
    "threads": Number(
        1,
        "threads of one training on the CPU; part of the configuration because the last bits of a "
        "sum depend on it",
        low=1,
        integer=True,
    ),
}

OBJECTIVE: dict[str, Parameter] = {
    "metric": Option(None, "the validation metric that chooses between trials and epochs"),
    "goal": Option(None, "what is better", options=("maximize", "minimize")),
}


@dataclass(frozen=True)
class Part:
    """A component by name with all of its parameters."""

    name: str
    parameters: Mapping[str, Value]

    def to_dict(self) -> dict[str, Value]:
        return {"name": self.name, **self.parameters}

    def replaced(self, parameter: str, value: Value) -> Part:
        """The same component with another value of one parameter."""
        return Part(self.name, {**self.parameters, parameter: value})


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
        parts = {key: _part(key, tree) for key in SECTIONS if key != "loss"}
        dataset = DATASETS[parts["data"].name]
        loss = {"loss": DEFAULT_LOSS[dataset.task], **_given(tree)}
        objective = _given(tree).get("objective") or {}
        metric = objective.get("metric") or DEFAULT_OBJECTIVE[dataset.task]
        regularization = regularizers(tree.get("regularization") or {})
        if "weight_decay" in regularization and "weight_decay" in parts["optimizer"].parameters:
            parts["optimizer"] = parts["optimizer"].replaced("weight_decay", 0.0)
        return cls(
            **parts,
            loss=_part("loss", loss),
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

    def to_dict(self) -> dict[str, Any]:
        """The complete tree; `resolve` of it gives an equal configuration."""
        return {
            **{key: getattr(self, key).to_dict() for key in SECTIONS},
            "regularization": {name: dict(row) for name, row in self.regularization.items()},
            "trainer": dict(self.trainer),
            "objective": {"metric": self.objective.metric, "goal": self.objective.goal},
        }

    def flat(self) -> dict[str, Value]:
        """Dotted path to value (`optimizer.lr`: 0.1), lists kept whole."""
        return dict(flatten(self.to_dict()))

    @property
    def hash(self) -> str:
        """Identity of the configuration: 16 hexadecimal digits over its canonical JSON."""
        text = json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def task(self) -> str:
        """`classification` or `regression`."""
        return DATASETS[self.data.name].task


def problems(tree: Mapping[str, Any]) -> Iterator[Problem]:
    """Everything in a plain tree that is no training configuration."""
    known = [*SECTIONS, "regularization", "trainer", "objective"]
    for key in tree:
        if key not in known:
            hint = suggestion(key, known) or "; known are " + ", ".join(known)
            yield Problem((key,), f"there is no such part of a configuration{hint}")
    rows: dict[str, Component] = {}
    for key, section in SECTIONS.items():
        yield from _section_problems(key, section, tree.get(key), rows)
    yield from _regularization_problems(tree.get("regularization"))
    yield from _parameter_problems("trainer", TRAINER, tree.get("trainer"))
    yield from _fit_problems(tree, rows)


def _section_problems(
    key: str, section: Section, node: Any, rows: dict[str, Component]
) -> Iterator[Problem]:
    if node is None:
        if section.default is not None:
            rows[key] = section.table[section.default]
        elif key != "loss":
            yield Problem((key,), f"is missing: name {article(section.what)}")
        return
    name = node if isinstance(node, str) else None
    if isinstance(node, Mapping):
        name = node.get("name")
    if not isinstance(name, str):
        takes = f"must be the name of {article(section.what)}, or {{name: ..., parameters}}"
        yield Problem((key,), f"{takes}, got {node!r}")
        return
    if name not in section.table:
        path = (key, "name") if isinstance(node, Mapping) else (key,)
        yield Problem(path, unknown(section.what, name, section.table))
        return
    rows[key] = section.table[name]
    if isinstance(node, Mapping):
        values = {k: v for k, v in node.items() if k != "name"}
        for parameter, text in complaints(rows[key], name, values):
            yield Problem((key, parameter), text)


def _regularization_problems(node: Any) -> Iterator[Problem]:
    if node is None:
        return
    if not isinstance(node, Mapping):
        yield Problem(("regularization",), f"must map names to strengths, got {node!r}")
        return
    for name in node:
        if name not in REGULARIZATION:
            message = unknown("regularization", name, REGULARIZATION)
            yield Problem(("regularization", name), message)
    for name, given in regularizers(node).items():
        if name in REGULARIZATION:
            for key, text in complaints(REGULARIZATION[name], name, given):
                path = (name, key) if isinstance(node[name], Mapping) else (name,)
                yield Problem(("regularization", *path), text)


def _parameter_problems(
    key: str, parameters: Mapping[str, Parameter], node: Any
) -> Iterator[Problem]:
    if node is None:
        return
    if not isinstance(node, Mapping):
        yield Problem((key,), f"must map names to values, got {node!r}")
        return
    for found, text in complaints(Component("", dict, parameters), key, node):
        yield Problem((key, found), text)


def _fit_problems(tree: Mapping[str, Any], rows: Mapping[str, Component]) -> Iterator[Problem]:
    """Parts that are right alone but do not fit each other."""
    data, model = rows.get("data"), rows.get("model")
    if isinstance(model, Network):
        name = _name(tree["model"])
        if isinstance(data, Dataset) and data.kind not in model.kinds:
            reads = " or ".join(f"{kind}s" for kind in model.kinds)
            message = f"{name} reads {reads}, but {_name(tree['data'])} is {article(data.kind)}"
            yield Problem(("model",), message)
        for key in ("dropout", "batch_norm"):
            if _on(tree, key) and key not in model.parameters:
                yield Problem(("regularization", key), f"{name} has no {key}")
            elif _on(tree, key):
                yield from _twice(tree, key, "model")
    if _on(tree, "weight_decay"):
        yield from _twice(tree, "weight_decay", "optimizer")
    if isinstance(data, Dataset):
        yield from _data_problems(tree["data"], data)
        yield from _loss_problems(tree, data, rows.get("loss"))
    task = data.task if isinstance(data, Dataset) else None
    yield from _objective_problems(tree.get("objective"), task)


def _on(tree: Mapping[str, Any], key: str) -> bool:
    node = tree.get("regularization")
    return isinstance(node, Mapping) and key in regularizers(node)


def _twice(tree: Mapping[str, Any], key: str, section: str) -> Iterator[Problem]:
    """A regularizer that another section has as a parameter may stand in one place only."""
    node = tree.get(section)
    if isinstance(node, Mapping) and node.get(key):
        message = f"is given twice, here and in {section}.{key}; keep one"
        yield Problem(("regularization", key), message)


def _data_problems(node: Any, row: Component) -> Iterator[Problem]:
    if not isinstance(node, Mapping):
        return
    parts = [name for name in ("validation", "test") if name in row.parameters]
    shares = [node.get(name, row.parameters[name].default) for name in parts]
    if all(isinstance(share, int | float) for share in shares) and sum(shares) >= 1:
        message = f"validation and test take {sum(shares):g} of the rows; nothing is left to learn"
        yield Problem(("data", "validation" if "validation" in node else "test"), message)


def _loss_problems(
    tree: Mapping[str, Any], data: Dataset, loss: Component | None
) -> Iterator[Problem]:
    if isinstance(loss, Loss) and data.task not in loss.tasks:
        message = f"{_name(tree['loss'])} does not fit {data.task}; choose one of " + ", ".join(
            name for name, row in LOSSES.items() if data.task in row.tasks
        )
        yield Problem(("loss",), message)
    elif loss is LOSSES["binary_cross_entropy"] and data.outputs != 2:
        name = _name(tree["data"])
        message = f"binary_cross_entropy needs two classes, but {name} has {data.outputs}"
        yield Problem(("loss",), message)
    if data.task == "regression" and _on(tree, "label_smoothing"):
        message = f"smooths classes, but {_name(tree['data'])} is a regression"
        yield Problem(("regularization", "label_smoothing"), message)


def _objective_problems(node: Any, task: str | None) -> Iterator[Problem]:
    """What is wrong with the objective; where the task is unknown, any task's metric will do."""
    if not isinstance(node, Mapping):
        yield from _parameter_problems("objective", OBJECTIVE, node)
        return
    metric = node.get("metric")
    logged = [name for known in METRICS if task in (known, None) for name in logged_metrics(known)]
    if metric is not None and metric not in logged:
        hint = suggestion(metric, logged) or "; logged are " + ", ".join(logged)
        message = f"{metric!r} is never logged{f' for {task}' if task else ''}{hint}"
        yield Problem(("objective", "metric"), message)
    rest = {key: value for key, value in node.items() if key != "metric"}
    yield from _parameter_problems("objective", OBJECTIVE, rest)


def _part(key: str, tree: Mapping[str, Any]) -> Part:
    section = SECTIONS[key]
    node = tree.get(key)
    node = section.default if node is None else node
    name = _name(node)
    values = {k: v for k, v in node.items() if k != "name"} if isinstance(node, Mapping) else {}
    return Part(name, _filled(section.table[name], values))


def _name(node: Any) -> str:
    return str(node["name"] if isinstance(node, Mapping) else node)


def _given(tree: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in tree.items() if value is not None}


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
    if isinstance(parameter, Slot):
        given = value if isinstance(value, Mapping) else {}
        name = _name(value)
        return {"name": name, **_filled(parameter.table[name], given)}
    if isinstance(parameter, Number) and not parameter.integer and isinstance(value, int):
        return float(value)
    return value


def flatten(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Value]]:
    """Dotted path and value of everything in a complete tree, lists kept whole."""
    for key, value in tree.items():
        path = f"{prefix}.{key}" if prefix else key
        if isinstance(value, Mapping):
            yield from flatten(value, path)
        else:
            yield path, value
