"""Small trainings, and what every epoch of them says."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from lightning_modules.configuration import Configuration
from lightning_modules.networks import SupervisedModule
from lightning_modules.training.train import TrainingResult, train

Tree = dict[str, Any]
Metrics = dict[str, float]
IRIS: Tree = {
    "data": {"name": "iris", "batch_size": 16},
    "model": {"name": "mlp", "hidden": [8]},
    "trainer": {"epochs": 4, "accelerator": "cpu"},
}
SATURATED: Tree = IRIS | {
    "optimizer": {"name": "adam", "lr": 0.2},
    "trainer": {"epochs": 12, "accelerator": "cpu"},
}
"""Its best accuracy comes in several epochs, and the lowest loss of these not in the last one."""
SMALL: dict[str, Tree] = {
    "mlp": {"hidden": [8]},
    "cnn": {"channels": [4, 4]},
    "transformer": {"num_layers": 1, "num_heads": 2, "head_size": 4},
}
"""Parameters of networks; those that are not here take `hidden_size`."""


def history(tree: Tree, seed: int = 1, **options: Any) -> tuple[TrainingResult, list[Metrics]]:
    """The result of a training and the metrics of every epoch, without times."""
    epochs: list[Metrics] = []

    def on_epoch(epoch: int, metrics: Mapping[str, float]) -> bool:
        assert epoch == len(epochs) + 1
        epochs.append({key: value for key, value in metrics.items() if key != "time/epoch_s"})
        return True

    return train(Configuration.resolve(tree), seed, on_epoch, **options), epochs


def accuracy(module: SupervisedModule, inputs: Tensor, targets: Tensor) -> float:
    with torch.no_grad():
        return float((module(inputs).argmax(1) == targets).float().mean())
