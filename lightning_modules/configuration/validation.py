"""What is wrong with a tree that should be a training configuration: every problem at once."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from lightning_modules.components import (
    Component,
    Dataset,
    Parameter,
    article,
    named,
    suggestion,
    unknown,
    user_key,
    validation_errors,
)
from lightning_modules.configuration.fit_validation import (
    fit_problems,
    given_twice,
    is_on,
    module_problems,
)
from lightning_modules.configuration.sections import (
    COMMAND,
    CWD,
    ENV,
    FUNCTION,
    OBJECTIVE,
    SECTIONS,
    USER_KEYS,
    Section,
    may_be_absent,
    names_its_metrics,
    target_columns,
)
from lightning_modules.configuration.trainer import TRAINER, validation_problems
from lightning_modules.configuration.user_classes import classes_in, path_error
from lightning_modules.errors import Problem, shown
from lightning_modules.optimization import (
    METRICS,
    REGULARIZATION,
    objective_metrics,
    regularizers,
)

VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
"""The name of an environment variable."""
BARE = re.compile(r"[\w./+-]*[A-Za-z./][\w./+-]*")
"""A word that YAML reads as a text without quotes."""


def problems(tree: Mapping[str, Any]) -> Iterator[Problem]:
    """Everything in a plain tree that is no training configuration."""
    known = [*SECTIONS, "regularization", "trainer", "objective"]
    for key in tree:
        if key not in known:
            hint = suggestion(key, known) or "; known are " + ", ".join(known)
            yield Problem((key,), f"there is no such part of a configuration{hint}")
    data, model, loss, optimizer, regularization = (
        tree.get(key) for key in ("data", "model", "loss", "optimizer", "regularization")
    )
    users, names_optimizer = user_key(model), optimizer is not None
    rows: dict[str, Component] = {}
    for key, section in SECTIONS.items():
        if key in USER_KEYS and user_key(tree.get(key)):
            yield from _user_part_problems(key, tree[key])
        elif tree.get(key) is not None or not may_be_absent(key, users, names_optimizer):
            yield from _section_problems(key, section, tree.get(key), rows)
    yield from _regularization_problems(regularization)
    yield from _parameter_problems("trainer", TRAINER, tree.get("trainer"))
    yield from validation_problems(tree.get("trainer"))
    yield from fit_problems(data, model, loss, regularization, rows)
    decays = isinstance(optimizer, Mapping) and optimizer.get("weight_decay")
    if decays and is_on(regularization, "weight_decay"):
        yield given_twice("weight_decay", "optimizer")
    if users == "class" and not names_optimizer:
        given = (key for key in ("loss", "schedule", "regularization") if tree.get(key))
        yield from module_problems(given, data)
    free = names_its_metrics(users, names_optimizer)
    yield from _objective_problems(tree.get("objective"), free, data, rows.get("data"))


def _user_part_problems(key: str, node: Mapping[str, Any]) -> Iterator[Problem]:
    word = user_key(node)
    assert word is not None
    if word not in USER_KEYS[key]:
        yield Problem((key, word), f"only a model can be a {COMMAND}")
    for other in ("name", *USER_KEYS["model"]):
        if other in node and other != word:
            yield Problem((key, other), f"does not go with {word}; keep one")
    if word == "class":
        for each in classes_in(node, (key,)):
            if (text := path_error(each.path)) is not None:
                yield Problem((*each.keys, "class"), text)
    if word == COMMAND:
        yield from _program_problems(node)


def _program_problems(node: Mapping[str, Any]) -> Iterator[Problem]:
    """What is wrong with the words by which a program is started."""
    command, env, cwd = node[COMMAND], node.get(ENV), node.get(CWD)
    if not isinstance(command, list) or not command:
        hint = f"; write {_listed(command)}" if isinstance(command, str) and command else ""
        text = f"must be a list of a program and its arguments, got {shown(command)}{hint}"
        yield Problem(("model", COMMAND), text)
    for index, word in enumerate(command if isinstance(command, list) else ()):
        if isinstance(word, bool) or not isinstance(word, str | int | float):
            text = f"must be a text or a number, got {shown(word)}; put quotes around a text"
            yield Problem(("model", COMMAND, index), text)
    if isinstance(command, list) and FUNCTION in command[:1]:
        return  # its parameters are its own
    if env is not None and not isinstance(env, Mapping):
        text = 'must map variables to their values, as in {LR: "{optimizer.lr}"}, got '
        yield Problem(("model", ENV), text + shown(env))
    for name, value in env.items() if isinstance(env, Mapping) else ():
        if not VARIABLE.fullmatch(str(name)):
            yield Problem(("model", ENV, name), f"{shown(name)} is no name of a variable")
        if not isinstance(value, str | int | float):
            text = f"must be a text, a number, true or false, got {shown(value)}"
            yield Problem(("model", ENV, name), text)
    if cwd is not None and not (isinstance(cwd, str) and cwd):
        yield Problem(("model", CWD), f"must be a folder, got {shown(cwd)}")


def _listed(line: str) -> str:
    """A command line as a list of YAML."""
    try:
        words = shlex.split(line)
    except ValueError:  # of an open quote
        words = line.split()
    return "[" + ", ".join(w if BARE.fullmatch(w) else json.dumps(w) for w in words) + "]"


def _section_problems(
    key: str, section: Section, node: Any, rows: dict[str, Component]
) -> Iterator[Problem]:
    if node is None:
        if section.default is not None:
            rows[key] = section.table[section.default]
        elif key != "loss":
            yield Problem((key,), f"is missing: name {article(section.what)}")
        return
    found = named(node)
    if found is None:
        takes = f"must be the name of {article(section.what)}, or {{name: ..., parameters}}"
        yield Problem((key,), f"{takes}, got {shown(node)}")
        return
    name, values = found
    if name not in section.table:
        path = (key, "name") if isinstance(node, Mapping) else (key,)
        yield Problem(path, unknown(section.what, name, section.table))
        return
    rows[key] = section.table[name]
    for parameter, text in validation_errors(rows[key], name, values):
        yield Problem((key, parameter), text)


def _regularization_problems(node: Any) -> Iterator[Problem]:
    if node is None:
        return
    if not isinstance(node, Mapping):
        yield Problem(("regularization",), f"must map names to strengths, got {shown(node)}")
        return
    for name in node:
        if name not in REGULARIZATION:
            message = unknown("regularization", name, REGULARIZATION)
            yield Problem(("regularization", name), message)
    for name, given in regularizers(node).items():
        if name in REGULARIZATION:
            for key, text in validation_errors(REGULARIZATION[name], name, given):
                path = (name, key) if isinstance(node[name], Mapping) else (name,)
                yield Problem(("regularization", *path), text)


def _parameter_problems(
    key: str, parameters: Mapping[str, Parameter], node: Any
) -> Iterator[Problem]:
    if node is None:
        return
    if not isinstance(node, Mapping):
        yield Problem((key,), f"must map names to values, got {shown(node)}")
        return
    for found, text in validation_errors(Component("", dict, parameters), key, node):
        yield Problem((key, found), text)


def _objective_problems(
    node: Any, free: bool, data: Any, row: Component | None
) -> Iterator[Problem]:
    """What is wrong with the objective: `free` where the training reports what it likes; where the
    task is unknown, any task's metric will do."""
    given = node if isinstance(node, Mapping) else {}
    metric = given.get("metric")
    if free and not metric:
        yield Problem(("objective", "metric"), "is missing: name what the training reports")
    if free and metric and not given.get("goal"):
        yield Problem(("objective", "goal"), "is missing: maximize or minimize")
    if not isinstance(node, Mapping):
        yield from _parameter_problems("objective", OBJECTIVE, node)
        return
    task, targets = None, []
    if isinstance(row, Dataset):
        task = row.task_of(data if isinstance(data, Mapping) else {})
        targets = target_columns(data)
    logged = [
        name
        for known in METRICS
        if task in (known, None)
        for name in objective_metrics(known, targets)
    ]
    if metric is not None and metric not in logged and not (free and isinstance(metric, str)):
        hint = suggestion(metric, logged) or "; logged are " + ", ".join(logged)
        message = f"{shown(metric)} is never logged{f' for {task}' if task else ''}{hint}"
        yield Problem(("objective", "metric"), message)
    rest = {key: value for key, value in node.items() if key != "metric"}
    yield from _parameter_problems("objective", OBJECTIVE, rest)
