"""Activation functions: torch's own modules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lightning_modules.components import Component, ComponentParameter, Number, resolve_component
from lightning_modules.components.reference import later

if TYPE_CHECKING:
    from torch import nn


ACTIVATIONS: dict[str, Component] = {
    "sigmoid": Component("1 / (1 + exp(-x)), between 0 and 1", later("torch.nn:Sigmoid")),
    "tanh": Component("hyperbolic tangent, between -1 and 1", later("torch.nn:Tanh")),
    "relu": Component("max(0, x)", later("torch.nn:ReLU"), source="Nair and Hinton 2010"),
    "leaky_relu": Component(
        "x where positive, negative_slope * x elsewhere",
        later("torch.nn:LeakyReLU"),
        {"negative_slope": Number(0.01, "slope below zero", low=0, tune=(1e-3, 0.3), log=True)},
        source="Maas 2013",
    ),
    "elu": Component(
        "x where positive, alpha * (exp(x) - 1) elsewhere",
        later("torch.nn:ELU"),
        {"alpha": Number(1.0, "minus the limit at -infinity", low=0, tune=(0.1, 2.0))},
        source="Clevert 2016, arXiv:1511.07289",
    ),
    "gelu": Component(
        "x times the normal distribution function of x",
        later("torch.nn:GELU"),
        source="Hendrycks and Gimpel 2016, arXiv:1606.08415",
    ),
    "silu": Component(
        "x * sigmoid(x), also called swish", later("torch.nn:SiLU"), source="arXiv:1702.03118"
    ),
    "identity": Component("x itself: layers without a non-linearity", later("torch.nn:Identity")),
}

ACTIVATION = ComponentParameter(
    "relu", "what follows every layer", table=ACTIVATIONS, what="activation"
)
"""The parameter of every network that takes one."""


def build_activation(value: str | Mapping[str, Any]) -> nn.Module:
    """The module for a name, or for `{name: ..., parameters}`."""
    row, parameters = resolve_component(ACTIVATIONS, value, "activation")
    module: nn.Module = row.build(**parameters)
    return module
