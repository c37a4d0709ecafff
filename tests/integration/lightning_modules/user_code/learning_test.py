"""Losses and optimizers of the user's own: trained with any network, continued, restored."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch

from lightning_modules.configuration import Configuration
from lightning_modules.errors import Interrupted
from lightning_modules.training.building import restore
from lightning_modules.training.train import train
from tests.conftest import WriteModule
from tests.support.own_code import LEARNING

Metrics = dict[str, float]
pytestmark = pytest.mark.usefixtures("own_folder")


def attempt(tree: dict[str, Any], last: int | None = None, **options: Any) -> list[Metrics]:
    """The epochs of a training that is interrupted after the epoch `last`."""
    epochs: list[Metrics] = []

    def on_epoch(epoch: int, metrics: Mapping[str, float]) -> bool:
        epochs.append({key: value for key, value in metrics.items() if key != "time/epoch_s"})
        if epoch == last:
            raise Interrupted
        return True

    with suppress(Interrupted):
        train(Configuration.resolve(tree), 3, on_epoch, **options)
    return epochs


@pytest.mark.parametrize("schedule", ["cosine", "one_cycle", "plateau"])
def test_a_loss_and_an_optimizer_of_ones_own_are_continued_exactly(
    schedule: str, write_module: WriteModule, tmp_path: Path
) -> None:
    own = write_module("own_learning", LEARNING)
    tree = {
        "data": {"name": "iris", "batch_size": 32},
        "model": {"name": "mlp", "hidden": [4]},
        "loss": {"class": f"{own}:Focal", "gamma": 1.0},
        "optimizer": {"class": f"{own}:Sign", "lr": 0.02},
        "schedule": {"name": schedule, "warmup": 0.5},
        "regularization": {"weight_decay": 0.01},
        "trainer": {"epochs": 4, "accelerator": "cpu"},
    }
    whole = attempt(tree, checkpoint=tmp_path / "whole.pt")
    assert whole[-1]["val/loss"] < whole[0]["val/loss"]
    state = tmp_path / "state"
    assert attempt(tree, 2, resume_folder=state) == whole[:2]
    assert attempt(tree, resume_folder=state, checkpoint=tmp_path / "parts.pt") == whole
    one, other = (torch.load(tmp_path / f"{name}.pt")["weights"] for name in ("whole", "parts"))
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert one["loss.function.bias"].any()  # the loss learned as well
    assert restore(tmp_path / "whole.pt")(torch.zeros(2, 4)).shape == (2, 3)


def test_a_function_is_a_loss_for_numbers(write_module: WriteModule) -> None:
    own = write_module("own_learning", LEARNING)
    tree = {
        "data": "diabetes",
        "model": {"name": "mlp", "hidden": []},
        "trainer": {"epochs": 1, "accelerator": "cpu"},
    }
    (built_in,) = attempt(tree | {"loss": "mse"})
    (own_one,) = attempt(tree | {"loss": {"class": f"{own}:squared"}})
    assert own_one == built_in
