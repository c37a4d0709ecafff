"""Checkpoints predict what was measured, and foreign files run nothing and are told."""

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lightning_modules.configuration import Configuration
from lightning_modules.errors import UserError
from lightning_modules.training.building import build_data, restore
from tests.support.trained import (
    IRIS,
    SATURATED,
    SMALL,
    Tree,
    accuracy,
    history,
)


def test_a_checkpoint_predicts_what_the_result_states(tmp_path: Path) -> None:
    checkpoint = tmp_path / "deep" / "best.pt"
    result, epochs = history(SATURATED, checkpoint=checkpoint)
    assert result.best_epoch is not None and result.best_epoch < result.epochs
    assert result.best["val/loss"] != epochs[-1]["val/loss"]
    module = restore(checkpoint)
    assert not module.training
    inputs, targets = build_data(Configuration.resolve(SATURATED)).splits.validation
    assert accuracy(module, inputs, targets) == result.best["val/accuracy"]
    with torch.no_grad():
        assert float(module.loss(module(inputs), targets, 0.0)) == result.best["val/loss"]
        probabilities = module.predict(inputs)
    torch.testing.assert_close(probabilities.sum(1), torch.ones(len(inputs)))
    np.testing.assert_array_equal(np.load(checkpoint.with_suffix(".npy")), inputs[:2].numpy())
    assert {path.name for path in checkpoint.parent.iterdir()} == {"best.pt", "best.npy"}


def test_a_checkpoint_holds_what_is_needed_to_train_it_again(tmp_path: Path) -> None:
    checkpoint = tmp_path / "best.pt"
    result, _ = history(SATURATED, seed=5, checkpoint=checkpoint)
    content = torch.load(checkpoint, weights_only=True)
    assert Configuration.resolve(content["configuration"]) == Configuration.resolve(SATURATED)
    assert (content["seed"], content["epoch"]) == (5, result.best_epoch)
    assert content["metrics"] == result.best


@pytest.mark.parametrize("model", ["cnn", "gru"])
def test_a_network_with_norms_or_a_state_is_restored_too(tmp_path: Path, model: str) -> None:
    tree: Tree = {
        "data": "digits",
        "model": {"name": model, **SMALL.get(model, {"hidden_size": 8})},
        "regularization": {"dropout": 0.2} | ({"batch_norm": True} if model == "cnn" else {}),
        "trainer": {"epochs": 1, "accelerator": "cpu"},
    }
    checkpoint = tmp_path / "best.pt"
    result, _ = history(tree, checkpoint=checkpoint)
    inputs, targets = build_data(Configuration.resolve(tree)).splits.validation
    assert accuracy(restore(checkpoint), inputs, targets) == result.best["val/accuracy"]


class Gadget:
    """Makes a folder when it is unpickled without care."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, (str(self.folder),)


@pytest.mark.parametrize("wrapped", [True, False])
def test_a_checkpoint_that_would_run_code_is_refused_and_does_not(
    tmp_path: Path, wrapped: bool
) -> None:
    folder, checkpoint = tmp_path / "was_here", tmp_path / "best.pt"
    if wrapped:
        torch.save({"weights": {}, "configuration": Gadget(folder)}, checkpoint)
    else:
        checkpoint.write_bytes(pickle.dumps(Gadget(folder)))
    with pytest.raises(UserError) as caught:
        restore(checkpoint)
    assert str(caught.value) == (
        f"{checkpoint}: is no whole fairtune checkpoint: "
        "it holds something else than tensors and plain values"
    )
    assert not folder.exists()


def test_a_truncated_checkpoint_is_a_user_error(tmp_path: Path) -> None:
    whole, cut = tmp_path / "best.pt", tmp_path / "cut.pt"
    history(IRIS, checkpoint=whole)
    content = whole.read_bytes()
    for length in (0, 1, 100, len(content) // 2, len(content) - 1):
        cut.write_bytes(content[:length])
        with pytest.raises(UserError, match=r"cut\.pt: is no whole fairtune checkpoint"):
            restore(cut)


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"weights": {}},
        [1, 2],
        torch.zeros(2),
        {"configuration": 3},
        {"configuration": {"data": "irs", "model": "mlp"}},
        {
            "configuration": {"data": "iris", "model": "mlp"},
            "input_shape": [4],
            "outputs": 3,
            "weights": {"network.1.weight": torch.zeros(1)},
        },
    ],
)
def test_a_foreign_checkpoint_is_a_user_error(tmp_path: Path, content: object) -> None:
    checkpoint = tmp_path / "foreign.pt"
    torch.save(content, checkpoint)
    with pytest.raises(UserError, match=r"foreign\.pt: is no whole fairtune checkpoint"):
        restore(checkpoint)


def test_a_file_that_is_none_of_torchs_is_a_user_error(tmp_path: Path) -> None:
    text = tmp_path / "notes.pt"
    text.write_text("hello, these are no weights")
    for path in (text, tmp_path / "missing.pt", tmp_path):
        with pytest.raises(UserError, match="is no whole fairtune checkpoint"):
            restore(path)
