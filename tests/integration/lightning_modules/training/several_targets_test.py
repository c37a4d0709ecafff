"""Networks that learn several values or labels, and own modules that are given such targets."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from lightning_modules.configuration import Configuration
from lightning_modules.data.table import load_data
from lightning_modules.errors import UserError
from lightning_modules.networks import SupervisedModule
from lightning_modules.networks.mlp import MLP
from lightning_modules.serving import ServedRows, read_checkpoint, restore
from lightning_modules.training.building import build_data, build_module
from lightning_modules.training.train import TrainingResult, train
from lightning_modules.user_code.modules import answered

SIZE = 240


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of two values of very different sizes, and of two labels."""
    monkeypatch.chdir(tmp_path)
    x = np.random.default_rng(0).normal(size=(SIZE, 3)).astype(np.float32)
    values = np.stack([10_000 + 1000 * (x[:, 0] + x[:, 1]), 0.01 * x[:, 2]], 1)
    np.savez("values.npz", x=x, y=values)
    np.savez("labels.npz", x=x, y=(x[:, :2] > 0.3).astype(int))


def configuration(path: str, task: str, **given: Any) -> Configuration:
    tree: dict[str, Any] = {
        "data": {"name": "arrays", "path": path, "task": task, "batch_size": 8},
        "model": {"name": "mlp", "hidden": [8]},
        "optimizer": {"name": "adam", "lr": 0.02},
        "trainer": {"epochs": 8, "accelerator": "cpu"},
    }
    return Configuration.resolve({**tree, **given})


def learned(found: Configuration) -> tuple[TrainingResult, Any, Tensor, Tensor]:
    """A training, its network from the checkpoint, what that answers to the test part, and the
    right answers."""
    result = train(found, 0, checkpoint=Path("best.pt"), evaluate_test=True)
    network = restore(Path("best.pt"))
    data: Any = build_data(found)
    inputs, targets = data.splits.test
    with torch.inference_mode():
        return result, network, answered(network, found.task, inputs), targets


@pytest.mark.parametrize("loss", ["mse", "mae", "huber"])
def test_every_value_is_learned_and_answered_in_units_of_its_own(loss: str) -> None:
    result, network, answers, targets = learned(
        configuration("values.npz", "regression", loss=loss)
    )
    explained = 1 - (answers - targets).square().mean(0) / targets.var(0, correction=0)
    assert (explained > 0.8).all()
    assert network.target_scale[0] > 10_000 * network.target_scale[1]
    for at, name in enumerate("12"):
        rmse = float((answers - targets)[:, at].square().mean().sqrt())
        assert result.test[f"test/rmse_{name}"] == pytest.approx(rmse, rel=1e-3)
        assert result.test[f"test/r2_{name}"] == pytest.approx(float(explained[at]), rel=1e-3)
    mean = (result.test["test/rmse_1"] + result.test["test/rmse_2"]) / 2
    assert result.test["test/rmse"] == pytest.approx(mean)
    assert {"val/r2_1", "val/mae_2"} <= result.best.keys() and "train/r2_1" not in result.best


def test_labels_are_learned_and_answered_as_probabilities() -> None:
    found = configuration("labels.npz", "multilabel")
    assert (found.loss.name, found.objective.metric) == ("binary_cross_entropy", "val/f1")
    result, _, answers, targets = learned(found)
    assert ((answers > 0) & (answers < 1)).all() and answers.shape == targets.shape
    decided = (answers > 0.5).float()
    right = float((decided == targets).float().mean())
    assert right == pytest.approx(result.test["test/accuracy"]) and right > 0.85
    exact = float((decided == targets).all(1).float().mean())
    assert result.test["test/exact_match"] == pytest.approx(exact)
    loss = nn.functional.binary_cross_entropy(answers, targets)
    assert result.test["test/loss"] == pytest.approx(float(loss), rel=1e-4)


def test_a_served_network_answers_with_a_column_for_every_target() -> None:
    _, network, _, _ = learned(configuration("values.npz", "regression"))
    rows = ServedRows.of(read_checkpoint(Path("best.pt")), network)
    given = np.load("values.npz")["x"][:5].astype(np.float64)
    with torch.inference_mode():
        answers = answered(network, "regression", *rows.inputs(given))
    assert answers.shape == (5, 2) and (answers[:, 0] > 5000).all()


def test_area_under_the_curve_of_labels_is_computed_where_it_is_the_objective() -> None:
    found = configuration("labels.npz", "multilabel", objective={"metric": "val/auroc"})
    found = Configuration.of({**found.to_dict(), "trainer": {"epochs": 1, "accelerator": "cpu"}})
    assert 0 < train(found, 0).best["val/auroc"] <= 1


def trainer() -> pl.Trainer:
    return pl.Trainer(
        max_epochs=1, accelerator="cpu", logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, log_every_n_steps=1,
    )  # fmt: skip


def test_a_plain_script_learns_labels_without_naming_a_task() -> None:
    data = load_data("arrays", path="labels.npz", task="multilabel")
    module = MLP(data.input_shape, data.outputs, hidden=[4], objective="val/f1")
    plain = trainer()
    plain.fit(module, datamodule=data)
    [tested] = plain.test(module, datamodule=data, verbose=False)
    assert tested.keys() == {"test/loss", "test/accuracy", "test/exact_match", "test/f1"}
    module = MLP(data.input_shape, data.outputs, hidden=[4], loss="mse")
    with pytest.raises(UserError, match='labels of 0 and 1; give loss="binary_cross_entropy"'):
        trainer().fit(module, datamodule=data)


class Own(pl.LightningModule):
    """A module that keeps what it is given, with a loss of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.network = nn.Linear(3, 2)
        self.given: list[Tensor] = []

    def forward(self, inputs: Tensor) -> Tensor:
        return self.network(inputs)  # type: ignore[no-any-return]

    def training_step(self, batch: tuple[Tensor, Tensor], _: int) -> Tensor:
        inputs, targets = batch
        self.given.append(targets)
        return nn.functional.binary_cross_entropy_with_logits(self(inputs), targets)

    def validation_step(self, batch: tuple[Tensor, Tensor], _: int) -> None:
        """Its data has a validation part."""

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), 0.1)


def test_a_module_of_the_users_is_given_labels_of_0_and_1_as_numbers() -> None:
    module = Own()
    trainer().fit(module, datamodule=load_data("arrays", path="labels.npz", task="multilabel"))
    given = torch.cat(module.given)
    assert (given.dtype, given.shape) == (torch.float32, (144, 2))
    assert given.unique().tolist() == [0, 1]


class WithPredict(Own):
    """The same whose answers are what it is asked."""

    def predict(self, inputs: Tensor) -> Tensor:
        return inputs


def test_what_a_module_of_the_users_answers_of_labels_is_logits_or_by_predict_probabilities() -> (
    None
):
    module, inputs = Own(), torch.tensor([[0.2, 0.4, 0.9]])
    torch.testing.assert_close(answered(module, "multilabel", inputs), module(inputs).sigmoid())
    assert answered(WithPredict(), "multilabel", inputs) is inputs
    with pytest.raises(UserError, match="its predict gives numbers that are no probabilities"):
        answered(WithPredict(), "multilabel", 2 * inputs)


def test_a_network_of_the_users_learns_labels_with_the_loss_of_the_file() -> None:
    found = configuration("labels.npz", "multilabel")
    data = build_data(found)
    module = build_module(found, data)
    assert isinstance(module, SupervisedModule) and module.task == "multilabel"
    own = SupervisedModule(nn.Linear(3, 2), task="multilabel", objective="val/f1")
    trainer().fit(own, datamodule=data)
    assert {"val/exact_match", "val/f1"} <= own.epoch_metrics.keys()
