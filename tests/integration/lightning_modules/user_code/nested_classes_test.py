"""Networks made of classes inside classes, with lazy layers: trained, continued, restored."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from lightning_modules.configuration import Configuration
from lightning_modules.errors import Interrupted
from lightning_modules.training.building import build_data, restore
from lightning_modules.training.train import train
from lightning_modules.user_code.modules import answered
from tests.conftest import WriteModule

PARTS = """
from torch import nn

class Backbone(nn.Sequential):
    def __init__(self, input_shape, width):
        super().__init__(nn.Linear(input_shape[0], width), nn.LazyBatchNorm1d(), nn.Dropout(0.3))

class Net(nn.Module):
    def __init__(self, backbone, outputs, activation):
        super().__init__()
        self.layers = nn.Sequential(backbone, activation, nn.LazyLinear(outputs))

    def forward(self, inputs):
        return self.layers(inputs)
"""


def test_a_network_of_nested_classes_continues_and_is_restored_exactly(
    write_module: WriteModule, tmp_path: Path
) -> None:
    name = write_module("nested_parts", PARTS + "\nActivation = nn.Tanh\n")
    configuration = Configuration.resolve(
        {
            "data": {"name": "iris", "batch_size": 32},
            "model": {
                "class": f"{name}:Net",
                "backbone": {"class": f"{name}:Backbone", "width": 6},
                "activation": {"class": f"{name}:Activation"},
            },
            "optimizer": "adam",
            "trainer": {"epochs": 3, "accelerator": "cpu"},
        }
    )

    def history(last: int = 0, **options: Any) -> list[dict[str, float]]:
        epochs: list[dict[str, float]] = []

        def on_epoch(epoch: int, metrics: Mapping[str, float]) -> bool:
            epochs.append({key: each for key, each in metrics.items() if key != "time/epoch_s"})
            if epoch == last:
                raise Interrupted
            return True

        train(configuration, 1, on_epoch, **options)
        return epochs

    checkpoint = tmp_path / "best.pt"
    whole = history(checkpoint=checkpoint)
    with pytest.raises(Interrupted):
        history(last=1, resume_folder=tmp_path / "state")
    assert history(resume_folder=tmp_path / "state") == whole
    inputs, targets = build_data(configuration).splits.validation  # type: ignore[attr-defined]
    with torch.no_grad():
        found = answered(restore(checkpoint), "classification", inputs).argmax(dim=1)
    best = max(metrics["val/accuracy"] for metrics in whole)
    assert float((found == targets).float().mean()) == pytest.approx(best)
