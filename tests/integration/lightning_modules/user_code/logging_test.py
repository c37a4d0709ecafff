"""LightningModules as people have them: with a logger, callbacks of their own, checkpoints."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from lightning_modules.configuration import Configuration
from lightning_modules.errors import Interrupted
from lightning_modules.training.train import TrainingResult, train
from lightning_modules.user_code.distributions import NAMES
from lightning_modules.user_code.trial_logging.trial_logger import CHECKPOINTS
from tests.conftest import WriteModule
from tests.support.own_code import LIGHTNING

THEIRS = """
import os
from pytorch_lightning.callbacks import (
    Callback, EarlyStopping, LearningRateMonitor, ModelCheckpoint, TQDMProgressBar
)
from matplotlib.figure import Figure

class Watch(Callback):
    def on_validation_end(self, trainer, module):
        trainer.logger.log_metrics({"watched": trainer.current_epoch + 1.0})

class Existing(Module):
    def __init__(self, lr=0.1, dropout=0.5, blow_up=0, batch_size=99, keeps=False):
        super().__init__(lr, dropout, blow_up)
        self.save_hyperparameters()
        self.keeps = keeps

    def configure_callbacks(self):
        found = [Watch(), LearningRateMonitor(), EarlyStopping("val_loss", patience=9)]
        return found + [ModelCheckpoint(monitor="val_loss", save_last=True)] * self.keeps

    def on_fit_start(self):
        assert self.trainer.datamodule.num_classes == 2
        assert self.loggers == [self.logger] and self.trainer.logger is self.logger
        assert os.path.isdir(self.logger.log_dir)
        assert self.trainer.log_dir == self.logger.save_dir
        self.logger.log_hyperparams({"more": 1})
        self.logger.experiment.add_text("notes", "begun")

    def training_step(self, batch, index):
        loss = super().training_step(batch, index)
        self.log("step_only", float(index), on_step=True, on_epoch=False)
        self.logger.experiment.add_scalar("raw", index, self.global_step)
        return loss

    def on_validation_epoch_end(self):
        self.logger.experiment.add_figure("confusion", Figure(), self.current_epoch)
        self.logger.log_metrics({"val/MAP@5": self.current_epoch + 1, "train/loss": -1.0})
        self.logger.experiment.log({"time/epoch_s": -1.0, "optim/lr": -1.0, "val_acc": -1.0})

    def on_train_epoch_end(self):
        callback = self.trainer.checkpoint_callback
        assert callback is self.trainer.checkpoint_callbacks[0]
        assert isinstance(callback, ModelCheckpoint) == self.keeps
        if self.current_epoch and callback.best_model_path:
            best = type(self).load_from_checkpoint(callback.best_model_path)
            assert best.hparams.lr == self.hparams.lr

    def on_fit_end(self):
        callback = self.trainer.checkpoint_callback
        assert os.path.exists(callback.best_model_path)
        assert callback.best_model_score is not None and len(callback.best_k_models) == 1
"""
Epochs = list[dict[str, float]]


@pytest.fixture
def module(write_module: WriteModule, request: pytest.FixtureRequest) -> str:
    name: str = getattr(request, "param", NAMES[0])
    saves = "self.save_hyperparameters(); self.batch_size = batch_size"
    text = (LIGHTNING + THEIRS).replace("self.batch_size = batch_size", saves)
    text = text.replace("import pytorch_lightning as pl", f"import {name} as pl")
    text = text.replace("from pytorch_lightning.", f"from {name}.")
    return write_module("existing", text)


def history(
    module: str, last: int = 0, keeps: bool = False, **options: Any
) -> tuple[TrainingResult | None, Epochs]:
    configuration = Configuration.resolve(
        {
            "data": {"class": f"{module}:Rows"},
            "model": {"class": f"{module}:Existing", "keeps": keeps},
            "trainer": {"epochs": 3, "accelerator": "cpu"},
            "objective": {"metric": "val/MAP@5", "goal": "maximize"},
        }
    )
    epochs: Epochs = []

    def on_epoch(epoch: int, metrics: Mapping[str, float]) -> bool:
        epochs.append(dict(metrics))
        if epoch == last:
            raise Interrupted
        return True

    try:
        return train(configuration, 1, on_epoch, **options), epochs
    except Interrupted:
        return None, epochs


@pytest.mark.parametrize("module", NAMES, indirect=True)
def test_a_module_with_a_logger_trains_and_what_it_logs_belongs_to_the_trial(
    module: str, tmp_path: Path
) -> None:
    folder = tmp_path / "logged"
    result, epochs = history(module, files=folder)
    assert result is not None and (result.epochs, result.best_epoch) == (3, 3)
    assert [each["val/MAP@5"] for each in epochs] == [1, 2, 3]
    assert [each["watched"] for each in epochs] == [1, 2, 3]
    assert {each["raw"] for each in epochs} == {each["step_only"] for each in epochs} == {3.0}
    assert [each["lr-SGD"] for each in epochs] == pytest.approx([0.1, 0.05, 0.025])
    assert all(each["val_acc"] >= 0 and each["time/epoch_s"] > 0 for each in epochs)
    assert "epoch" not in epochs[0]
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert files == {"texts/notes.txt", *(f"figures/confusion-{epoch}.png" for epoch in range(3))}


def test_a_checkpoint_callback_of_theirs_is_the_trainers_and_its_files_go_at_the_end(
    module: str, tmp_path: Path
) -> None:
    folder = tmp_path / "logged"
    whole, epochs = history(module, keeps=True, files=folder)
    assert whole is not None and not (folder / CHECKPOINTS).exists()
    state = tmp_path / "state"
    stopped, _ = history(module, 1, keeps=True, files=folder, resume_folder=state)
    assert stopped is None and any((folder / CHECKPOINTS).rglob("*.ckpt"))
    _, after = history(module, keeps=True, files=folder, resume_folder=state)
    for each in (*epochs, *after):
        del each["time/epoch_s"]
    assert after == epochs and not (folder / CHECKPOINTS).exists()
