"""A Keras 3 model on torch is a network like any other."""

import importlib.util
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from lightning_modules.configuration import Configuration
from lightning_modules.errors import Interrupted
from lightning_modules.training.building import restore
from lightning_modules.training.train import train
from tests.conftest import WriteModule

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("keras") is None and os.environ.get("CI") != "true",
    reason="Keras is missing: pip install 'fairtune[keras]'",
)

MODEL = """
import keras

def build(input_shape, outputs, width=8, dropout=0.5):
    return keras.Sequential([
        keras.layers.Input(input_shape),
        keras.layers.Dense(width, activation="relu"),
        keras.layers.BatchNormalization(),
        keras.layers.Dropout(dropout),
        keras.layers.Dense(outputs),
    ])
"""
TREE = {
    "data": "iris",
    "model": {"class": "models:build", "width": 16},
    "optimizer": {"name": "adam", "lr": 0.03},
    "regularization": {"weight_decay": 0.1},
    "trainer": {"epochs": 6, "accelerator": "cpu"},
}


def losses(last: int = 0, **options: Any) -> list[float]:
    """The validation losses of a training that is interrupted after the epoch `last`."""
    found: list[float] = []

    def on_epoch(epoch: int, metrics: Mapping[str, float]) -> bool:
        found.append(metrics["val/loss"])
        if epoch == last:
            raise Interrupted
        return True

    if last:
        with pytest.raises(Interrupted):
            train(Configuration.resolve(TREE), 1, on_epoch, **options)
    else:
        train(Configuration.resolve(TREE), 1, on_epoch, **options)
    return found


def test_a_keras_model_learns_repeats_itself_and_continues_exactly(
    write_module: WriteModule, tmp_path: Path
) -> None:
    write_module("models", MODEL)
    whole = losses()
    assert whole[-1] < whole[0]
    assert losses() == whole
    losses(last=3, resume_folder=tmp_path / "state")
    assert losses(resume_folder=tmp_path / "state") == whole


def test_a_keras_model_drops_units_in_training_only(
    write_module: WriteModule, tmp_path: Path
) -> None:
    write_module("models", MODEL)
    losses(checkpoint=tmp_path / "best.pt")
    network, inputs = restore(tmp_path / "best.pt"), torch.randn(8, 4)
    assert torch.equal(network(inputs), network(inputs))
    network.train()
    assert not torch.equal(network(inputs), network(inputs))
