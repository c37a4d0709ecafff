"""The script that one writes today: Optuna, pytorch-lightning and its MLFlowLogger.

Written after the documented examples of the three libraries, with their defaults everywhere; it
logs loss and accuracy of both parts. The MLflow database is created before the first trial, so that
its one-off migrations are no part of the tuning phase. Writes `optuna.db`, `mlflow.db` and
checkpoints to the current folder; the last line of output is one JSON object.
"""

from __future__ import annotations

import json
import time

import mlflow
import optuna
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.loggers import MLFlowLogger
from raw_loop import BATCH_SIZE, EPOCHS, HIDDEN, LEARNING_RATES, Digits, digits, mlp
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset
from torchmetrics.classification import MulticlassAccuracy

TRACKING_URI = "sqlite:///mlflow.db"
EXPERIMENT = "digits"


class Classifier(pl.LightningModule):
    """An MLP with cross entropy and Adam."""

    def __init__(self, lr: float) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.lr = lr
        self.model = mlp(HIDDEN)
        self.train_acc = MulticlassAccuracy(10, average="micro")
        self.val_acc = MulticlassAccuracy(10, average="micro")

    def training_step(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        x, y = batch
        logits = self.model(x)
        loss = functional.cross_entropy(logits, y)
        self.train_acc(logits, y)
        self.log("train_loss", loss, on_step=False, on_epoch=True)
        self.log("train_acc", self.train_acc, on_step=False, on_epoch=True)
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor]) -> None:
        x, y = batch
        logits = self.model(x)
        self.log("val_loss", functional.cross_entropy(logits, y))
        self.val_acc(logits, y)
        self.log("val_acc", self.val_acc)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), lr=self.lr)


def fit(trial: optuna.Trial, data: Digits, epochs: list[int]) -> float:
    """Train one trial, note its epochs and give its best validation accuracy."""
    lr = trial.suggest_float("lr", 1e-4, 1e-1, log=True)
    pl.seed_everything(trial.number)
    checkpoint = ModelCheckpoint(monitor="val_acc", mode="max")
    logger = MLFlowLogger(EXPERIMENT, run_name=f"trial-{trial.number}", tracking_uri=TRACKING_URI)
    trainer = pl.Trainer(
        max_epochs=EPOCHS,
        accelerator="cpu",
        devices=1,
        logger=logger,
        callbacks=[checkpoint],
    )
    trainer.fit(
        Classifier(lr),
        DataLoader(TensorDataset(*data.train), batch_size=BATCH_SIZE, shuffle=True),
        DataLoader(TensorDataset(*data.validation), batch_size=BATCH_SIZE),
    )
    epochs.append(trainer.current_epoch)
    assert checkpoint.best_model_score is not None
    return checkpoint.best_model_score.item()


def main() -> None:
    data = digits()
    mlflow.set_tracking_uri(TRACKING_URI)
    mlflow.set_experiment(EXPERIMENT)
    study = optuna.create_study(
        storage="sqlite:///optuna.db", study_name="digits", direction="maximize"
    )
    for lr in LEARNING_RATES:
        study.enqueue_trial({"lr": lr})
    epochs: list[int] = []
    began = time.perf_counter()
    study.optimize(lambda trial: fit(trial, data, epochs), n_trials=len(LEARNING_RATES))
    seconds = time.perf_counter() - began
    finished = study.get_trials(deepcopy=False, states=[optuna.trial.TrialState.COMPLETE])
    print(
        json.dumps(
            {
                "tuning_seconds": seconds,
                "trials": len(finished),
                "epochs": sum(epochs),
                "best": study.best_value,
            }
        )
    )


if __name__ == "__main__":
    main()
