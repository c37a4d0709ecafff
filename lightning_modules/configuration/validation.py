"""What is wrong with a tree that should be a training configuration: every problem at once."""

from __future__ import annotations

import re
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
    OBJECTIVE,
    SECTIONS,
    TRAINER,
    USER_KEYS,
    Section,
    may_be_absent,
    names_its_metrics,
    target_columns,
    user_key,
)
from lightning_modules.errors import Problem, shown
from lightning_modules.optimization import (
    METRICS,
    REGULARIZATION,
    objective_metrics,
    regularizers,
)

CLASS = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


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
    value = node[word]
    if word == "class" and not (isinstance(value, str) and CLASS.fullmatch(value)):
        yield Problem((key, word), f"must be package.module:Class, got {shown(value)}")
    all_words = isinstance(value, list) and all(isinstance(each, str) for each in value)
    if word == COMMAND and not (all_words and value):
        yield Problem(
            (key, word), f"must be a list of a program and its arguments, got {shown(value)}"
        )


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
