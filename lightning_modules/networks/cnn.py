"""The convolutional network, for images and for signals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from lightning_modules.components import apart
from lightning_modules.networks.activations import build_activation
from lightning_modules.networks.learning import LEARNING
from lightning_modules.networks.sequence_cnn import SequenceCNN
from lightning_modules.networks.supervised_module import SupervisedModule

CONVOLUTIONS: dict[int, type[nn.Conv1d | nn.Conv2d]] = {1: nn.Conv1d, 2: nn.Conv2d}
PADS: dict[int, type[nn.Module]] = {1: nn.ZeroPad1d, 2: nn.ZeroPad2d}
NORMS: dict[int, type[nn.BatchNorm1d | nn.BatchNorm2d]] = {1: nn.BatchNorm1d, 2: nn.BatchNorm2d}
POOLS: dict[str, dict[int, type[nn.Module]]] = {
    "max": {1: nn.MaxPool1d, 2: nn.MaxPool2d},
    "average": {1: nn.AvgPool1d, 2: nn.AvgPool2d},
    "none": {},
}


class CNNNetwork(nn.Sequential):
    """Blocks of convolution, normalization, activation and pooling, then one linear layer.

    Signals (n, c, t) and images (n, c, h, w) to (n, outputs). Convolutions keep the size; pooling
    halves it, as long as every side has at least two points.
    """

    def __init__(
        self,
        input_shape: Sequence[int],
        outputs: int,
        channels: Sequence[int] = (16, 32),
        kernel_size: int = 3,
        pooling: str = "max",
        activation: str | Mapping[str, Any] = "relu",
        batch_norm: bool = False,
        dropout: float = 0.0,
    ) -> None:
        width, *sides = input_shape
        dimensions = len(sides)
        layers: list[nn.Module] = []
        for count in channels:
            if kernel_size % 2 == 0:  # as padding="same" does, but without torch's warning
                before, after = kernel_size // 2 - 1, kernel_size // 2
                layers.append(PADS[dimensions]((before, after) * dimensions))
            padding = kernel_size // 2 if kernel_size % 2 else 0
            layers.append(CONVOLUTIONS[dimensions](width, count, kernel_size, padding=padding))
            if batch_norm:
                layers.append(NORMS[dimensions](count))
            layers.append(build_activation(activation))
            if pooling != "none" and min(sides) > 1:
                layers.append(POOLS[pooling][dimensions](2))
                sides = [side // 2 for side in sides]
            width = count
        layers.append(nn.Flatten())
        if dropout:
            layers.append(nn.Dropout(dropout))
        features = width * math.prod(sides)
        super().__init__(*layers, nn.Linear(features, outputs))


class CNN(SupervisedModule):
    """A convolutional network and how it learns."""

    def __init__(
        self, input_shape: Sequence[int], outputs: int, sequence: bool = False, **given: Any
    ) -> None:
        """`given` are parameters of `CNNNetwork` and of `SupervisedModule`.

        With `sequence=True` the shape is (steps, features), and rows may differ in length.
        """
        parameters, learning = apart(given, LEARNING)
        network: nn.Module
        if sequence:
            network = SequenceCNN(input_shape[-1], outputs, **parameters)
        else:
            network = CNNNetwork(input_shape, outputs, **parameters)
        super().__init__(network, **learning)
