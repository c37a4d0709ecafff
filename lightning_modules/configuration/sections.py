"""The parts of a training configuration: what each names, and which may be the user's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lightning_modules.components import Component, Option, Parameter, user_key
from lightning_modules.data.table import DATASETS
from lightning_modules.networks import NETWORKS
from lightning_modules.optimization import LOSSES, SCHEDULES
from lightning_modules.optimization.optimizers import OPTIMIZERS


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

OBJECTIVE: dict[str, Parameter] = {
    "metric": Option(None, "the validation metric that chooses between trials and epochs"),
    "goal": Option(None, "what is better", options=("maximize", "minimize")),
}

COMMAND = "command"
"""The model of a training that is a program of its own."""
FUNCTION = "python-function"
"""The first word of the command of a training by a Python function."""
ENV, CWD = "env", "cwd"
PROGRAM_KEYS = (COMMAND, ENV, CWD)
"""Keys of a program that say how it is run; all others are values that it may be told."""
USER_KEYS = {
    "data": ("class",),
    "model": ("class", COMMAND),
    "loss": ("class",),
    "optimizer": ("class",),
}
"""Parts that may be the user's own, by the keys that say so."""


def may_be_absent(key: str, model: str | None, names_optimizer: bool) -> bool:
    """Whether a part that is not given is left out, instead of taking its default.

    A program has what it is given. A module of the user's may bring its own loss, optimizer and
    schedule; it takes fairtune's where an optimizer is named. `model` is the `user_key` of the
    model.
    """
    if key == "model" or model is None:
        return False
    if model == COMMAND:
        return True
    return key != "data" and (key == "optimizer" or not names_optimizer)


def names_its_metrics(model: str | None, names_optimizer: bool) -> bool:
    """Whether the training is a program, or a module with an optimizer of its own; `model` is the
    `user_key` of the model."""
    return model == COMMAND or (model == "class" and not names_optimizer)


def task_of(data: Any, loss: Any) -> str:
    """The task of the data set, else the one that the loss is for, which an own one says by `task`;
    empty where nobody says."""
    if data is not None and user_key(data) is None:
        given = data if isinstance(data, Mapping) else {}
        return DATASETS[name_of(data)].task_of(given)
    if user_key(loss) is not None:
        return str(loss.get("task") or "")
    return LOSSES[name_of(loss)].tasks[0] if loss is not None else ""


def target_columns(data: Any) -> list[str]:
    """The columns that a data section names to predict, where it names them in a list."""
    target = data.get("target") if isinstance(data, Mapping) else None
    return [str(name) for name in target] if isinstance(target, list) else []


def name_of(node: Any) -> str:
    return str(node["name"] if isinstance(node, Mapping) else node)
