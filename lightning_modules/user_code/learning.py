"""Losses and optimizers of the user's own classes, as a training needs them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from lightning_modules.configuration import Configuration, Part
from lightning_modules.errors import Problem, UserCodeError
from lightning_modules.networks.learning import Resolved
from lightning_modules.optimization.loss_functions import OwnLoss
from lightning_modules.optimization.optimizers import OptimizerRow
from lightning_modules.user_code.imports import (
    defaults,
    error_summary,
    load,
    make,
    misfits,
    positional,
    takes,
)

TASK = "task"
"""What an own loss is for: read by fairtune, and by the class where it takes it."""
DRIVEN = ("lr", "weight_decay")
"""Parameters of an optimizer that a schedule, or a regularizer, sets too."""


def user_loss(part: Part) -> OwnLoss:
    """The user's loss; what is called with outputs and targets itself has its parameters filled in.

    Raises UserCodeError where it cannot be made, or cannot be called.
    """
    target, given = load(part.name), _loss_parameters(part)
    if _is_loss_itself(target, given):
        return OwnLoss(partial(target, **given), part.name)
    made = make(part.name, given)
    if not callable(made):
        kind = type(made).__name__
        raise UserCodeError(f"what {part.name} makes is a {kind}, which is no loss: call it with "
                            "(outputs, targets)")  # fmt: skip
    return OwnLoss(made, part.name)


def user_optimizer(part: Part) -> Resolved:
    """The row of the user's optimizer, and its parameters with the defaults of those that others
    set."""
    target = load(part.name)
    known = {name: value for name, value in defaults(target).items() if name in DRIVEN}
    return OptimizerRow("", partial(_optimizer, part.name)), {**known, **part.parameters}


def _optimizer(path: str, weights: Any, **parameters: Any) -> Optimizer:
    """The user's optimizer of these weights, or of groups of them."""
    made = make(path, parameters, first=(weights,))
    if not isinstance(made, Optimizer):
        raise UserCodeError(f"what {path} makes is no torch.optim.Optimizer")
    return made


def learning_problems(configuration: Configuration) -> Iterator[Problem]:
    """What is wrong with the user's own loss and optimizer, which are made once.

    Raises UserCodeError where one cannot be imported.
    """
    if configuration.loss.is_class:
        part = configuration.loss
        target, given = load(part.name), _loss_parameters(part)
        offered = positional(target)[:2] if _is_loss_itself(target, given) else []
        yield from _problems("loss", part, given, offered, partial(user_loss, part))
    if configuration.optimizer.is_class:
        part = configuration.optimizer
        target = load(part.name)
        if "lr" not in {**defaults(target), **part.parameters} and not _needs_lr(target):
            text = f"{part.name} takes no lr, which schedules drive; give it a parameter lr"
            yield Problem(("optimizer", "class"), text)
        row, parameters = user_optimizer(part)
        weights = [nn.Parameter(torch.zeros(2, 2))]
        build = partial(row.build, weights, **parameters)
        yield from _problems("optimizer", part, part.parameters, positional(target)[:1], build)


def _problems(
    key: str,
    part: Part,
    given: Mapping[str, Any],
    offered: list[str],
    build: Callable[[], object],
) -> Iterator[Problem]:
    """Parameters that a class does not take, or else what is wrong with making it."""
    found = list(misfits(part.name, load(part.name), given, offered))
    yield from (Problem((key, name), text) for name, text in found)
    if found:
        return
    try:
        build()
    except UserCodeError as error:
        yield Problem((key, "class"), str(error))
    except RuntimeError as error:  # torch's own, of shapes and devices
        yield Problem((key, "class"), f"{part.name}: making it raised {error_summary(error)}")


def _loss_parameters(part: Part) -> dict[str, Any]:
    told = part.parameters
    if TASK in told and not takes(load(part.name), TASK):
        return {name: value for name, value in told.items() if name != TASK}
    return dict(told)


def _is_loss_itself(target: Any, given: Mapping[str, Any]) -> bool:
    """Whether a function is to be called with outputs and targets, and does not make a loss."""
    if isinstance(target, type):
        return False
    first = [name for name in positional(target)[:2] if name not in given]
    return len(first) == 2 and not set(first) & set(defaults(target))


def _needs_lr(target: Any) -> bool:
    """Whether lr is a parameter without a default, or may be one that nobody can see."""
    try:
        parameters = inspect.signature(target).parameters
    except (TypeError, ValueError):
        return True
    return "lr" in parameters
