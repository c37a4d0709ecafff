"""Optimizers are torch's own, under torch's names and with torch's defaults."""

import inspect
from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import optim

from lightning_modules.components import resolve_component
from lightning_modules.optimization.optimizers import OPTIMIZERS

CLASSES: dict[str, type[optim.Optimizer]] = {
    "sgd": optim.SGD,
    "momentum": optim.SGD,
    "nesterov": optim.SGD,
    "adagrad": optim.Adagrad,
    "adadelta": optim.Adadelta,
    "rmsprop": optim.RMSprop,
    "adam": optim.Adam,
    "adamw": optim.AdamW,
    "nadam": optim.NAdam,
    "radam": optim.RAdam,
    "adamax": optim.Adamax,
    "adafactor": optim.Adafactor,
}
NAMED_AFTER_MOMENTUM = ("momentum", "nesterov")
OTHER_VALUES: dict[str, Any] = {
    "betas": [0.8, 0.9],
    "amsgrad": True,
    "centered": True,
    "beta2_decay": -0.5,
    "d": 2.0,
}
"""Values that are no defaults; a number is 0.5 unless it is here."""


def build(name: str, given: Mapping[str, Any], *weights: torch.Tensor) -> optim.Optimizer:
    row, parameters = resolve_component(OPTIMIZERS, {"name": name, **given}, "optimizer")
    optimizer: optim.Optimizer = row.build(weights or [torch.zeros(1)], **parameters)
    return optimizer


def test_this_test_knows_every_optimizer() -> None:
    assert CLASSES.keys() | {"muon"} == OPTIMIZERS.keys()  # which is two of torch's, see muon_test


@pytest.mark.parametrize("name", CLASSES)
def test_a_name_builds_the_class_of_torch_that_it_says(name: str) -> None:
    optimizer = build(name, {})
    assert type(optimizer) is CLASSES[name]
    assert optimizer.defaults.get("nesterov", False) == (name == "nesterov")


@pytest.mark.parametrize("name", CLASSES)
def test_defaults_are_those_of_torch_but_for_the_momentum_that_a_name_means(name: str) -> None:
    signature = inspect.signature(CLASSES[name]).parameters
    wanted = {key: signature[key].default for key in OPTIMIZERS[name].parameters}
    if name in NAMED_AFTER_MOMENTUM:
        wanted["momentum"] = 0.9
    if "betas" in wanted:
        wanted["betas"] = list(wanted["betas"])
    assert OPTIMIZERS[name].defaults() == wanted


@pytest.mark.parametrize("name", CLASSES)
def test_every_parameter_of_a_row_reaches_torch(name: str) -> None:
    for key in OPTIMIZERS[name].parameters:
        value = OTHER_VALUES.get(key, 0.5)
        given = {key: value}
        if (name, key) == ("momentum", "dampening"):
            given["momentum"] = 0.0
        held = build(name, given).param_groups[0][key]
        assert (list(held) if key == "betas" else held) == value, key


@pytest.mark.parametrize("name", CLASSES)
def test_one_step_brings_a_quadratic_closer_to_its_minimum(name: str) -> None:
    weights = torch.tensor([5.0, -4.0], dtype=torch.float64, requires_grad=True)
    optimizer = build(name, {}, weights)

    def distance() -> torch.Tensor:
        return (weights - torch.tensor([3.0, 1.0])).square().sum()

    before = distance()
    before.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    assert distance().item() < before.item() == 29.0


def test_momentum_keeps_nine_tenths_of_the_last_update() -> None:
    weight = torch.zeros(1, requires_grad=True)
    optimizer = build("momentum", {"lr": 1.0}, weight)
    weight.grad = torch.ones(1)
    optimizer.step()
    weight.grad = torch.zeros(1)
    optimizer.step()
    assert weight.item() == pytest.approx(-1.9)
