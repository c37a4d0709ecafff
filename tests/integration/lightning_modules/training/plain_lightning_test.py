"""fairtune's modules and data in a script of Lightning alone."""

from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor

from lightning_modules.data.table import load_data
from lightning_modules.errors import UserError
from lightning_modules.networks import SupervisedModule
from lightning_modules.networks.cnn import CNN
from lightning_modules.networks.mlp import MLP
from lightning_modules.networks.recurrent import Recurrent

Tree = dict[str, Any]


DIGITS = load_data("digits", batch_size=128)
SHAPE = DIGITS.input_shape


def plain_trainer(epochs: int = 2) -> pl.Trainer:
    return pl.Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        log_every_n_steps=1,
    )


@pytest.mark.parametrize("network", ["mlp", "cnn", "recurrent"])
def test_a_module_and_its_data_work_in_a_plain_lightning_script(network: str) -> None:
    pl.seed_everything(0, verbose=False)
    learning: Tree = {
        "optimizer": {"name": "nadam", "lr": 0.01},
        "schedule": {"name": "one_cycle", "warmup": 0.5},
        "regularization": {"weight_decay": 0.01, "label_smoothing": 0.1, "early_stopping": 5},
        "objective": "val/accuracy",
    }
    module: SupervisedModule
    if network == "mlp":
        module = MLP(SHAPE, DIGITS.outputs, hidden=[32], batch_norm=True, **learning)
    elif network == "cnn":
        module = CNN(SHAPE, DIGITS.outputs, channels=[8], dropout=0.2, **learning)
    else:
        module = Recurrent(SHAPE, DIGITS.outputs, cell="lstm", hidden_size=32, **learning)
    trainer = plain_trainer(epochs=4)
    trainer.fit(module, datamodule=DIGITS)
    [tested] = trainer.test(module, datamodule=DIGITS, verbose=False)
    assert tested.keys() == {"test/loss", "test/accuracy", "test/f1"}
    assert tested["test/accuracy"] > 0.5  # chance is 0.1
    predicted = trainer.predict(module, datamodule=DIGITS)
    assert predicted is not None
    probabilities = torch.cat([part for part in predicted if isinstance(part, Tensor)])
    assert probabilities.shape == (360, 10) and (probabilities >= 0).all()
    torch.testing.assert_close(probabilities.sum(1), torch.ones(360))
    right = (probabilities.argmax(1) == DIGITS.splits.test[1]).float().mean()
    assert float(right) == pytest.approx(tested["test/accuracy"])


def test_two_classes_from_a_single_output_have_two_probabilities() -> None:
    data = load_data("breast_cancer")
    module = MLP(data.input_shape, 1, hidden=[], loss="binary_cross_entropy")
    trainer = plain_trainer()
    trainer.fit(module, datamodule=data)
    [tested] = trainer.test(module, datamodule=data, verbose=False)
    predicted = trainer.predict(module, datamodule=data)
    assert predicted is not None
    probabilities = torch.cat([part for part in predicted if isinstance(part, Tensor)])
    torch.testing.assert_close(probabilities.sum(1), torch.ones(114))
    right = (probabilities.argmax(1) == data.splits.test[1]).float().mean()
    assert float(right) == pytest.approx(tested["test/accuracy"])


def test_a_plain_script_learns_a_regression_in_units_of_the_data() -> None:
    data = load_data("diabetes")
    module = MLP(data.input_shape, 1, task="regression", optimizer={"name": "adam", "lr": 0.02})
    trainer = plain_trainer(epochs=10)
    trainer.fit(module, datamodule=data)
    predicted = trainer.predict(module, datamodule=data)
    assert predicted is not None
    values = torch.cat([part for part in predicted if isinstance(part, Tensor)])
    rmse = (values - data.splits.test[1]).square().mean().sqrt().item()
    [tested] = trainer.test(module, datamodule=data, verbose=False)
    assert tested["test/rmse"] == pytest.approx(rmse, rel=1e-5)
    assert 45 < rmse < 65


def test_a_plateau_that_watches_what_is_never_logged_is_a_user_error() -> None:
    data = load_data("iris")
    module = MLP(data.input_shape, 3, schedule="plateau", objective="val/rmse")
    with pytest.raises(UserError) as caught:
        plain_trainer().fit(module, datamodule=data)
    assert str(caught.value) == "plateau watches val/rmse, which was not logged"


@pytest.mark.parametrize("given", [{}, {"loss": "mse"}, {"task": "regression"}, {"loss": "mae"}])
def test_a_regression_needs_no_task_to_be_one(given: Tree) -> None:
    data = load_data("diabetes", batch_size=64)
    module = MLP(data.input_shape, data.outputs, hidden=[8], objective="val/rmse", **given)
    trainer = plain_trainer()
    trainer.fit(module, datamodule=data)
    [tested] = trainer.test(module, datamodule=data, verbose=False)
    assert {"test/loss", "test/rmse", "test/r2"} <= tested.keys()
    assert "test/accuracy" not in tested and tested["test/rmse"] > 1


def test_a_loss_of_another_task_than_the_data_is_refused() -> None:
    module = MLP(SHAPE, DIGITS.outputs, hidden=[8], loss="mse")
    said = 'mse is a loss for regression, and the targets of digits are classes; give loss="cross'
    with pytest.raises(UserError, match=said):
        plain_trainer().fit(module, datamodule=DIGITS)
