"""The multilayer perceptron."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from lightning_modules.components import apart
from lightning_modules.networks.activations import build_activation
from lightning_modules.networks.learning import LEARNING
from lightning_modules.networks.supervised_module import SupervisedModule


class MLPNetwork(nn.Sequential):
    """Fully connected layers over the flattened input; shapes (n, *input_shape) to (n, outputs)."""

    def __init__(
        self,
        input_shape: Sequence[int],
        outputs: int,
        hidden: Sequence[int] = (64,),
        activation: str | Mapping[str, Any] = "relu",
        dropout: float = 0.0,
        batch_norm: bool = False,
    ) -> None:
        layers: list[nn.Module] = [nn.Flatten()]
        width = math.prod(input_shape)
        for units in hidden:
            layers.append(nn.Linear(width, units))
            if batch_norm:
                layers.append(nn.BatchNorm1d(units))
            layers.append(build_activation(activation))
            if dropout:
                layers.append(nn.Dropout(dropout))
            width = units
        super().__init__(*layers, nn.Linear(width, outputs))


class MLP(SupervisedModule):
    """A multilayer perceptron and how it learns."""

    def __init__(self, input_shape: Sequence[int], outputs: int, **given: Any) -> None:
        """`given` are parameters of `MLPNetwork` and of `SupervisedModule`."""
        parameters, learning = apart(given, LEARNING)
        super().__init__(MLPNetwork(input_shape, outputs, **parameters), **learning)
