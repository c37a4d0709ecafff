"""The script that one writes today: Optuna, pytorch-lightning and its MLFlowLogger.

Written after the documented examples of the three libraries, with their defaults everywhere; it
logs loss and accuracy of both parts. The MLflow database is created before the first trial, so that
its one-off migrations are no part of the tuning phase. Writes `optuna.db`, `mlflow.db` and
checkpoints to the current folder; the last line of output is one JSON object.

Trains the 12 configurations, or with `--epochs` searches by TPE with the median pruner until so
many epochs have been trained, which may end a trial halfway. `--jobs 2` trains two trials side by
side, in the threads of `study.optimize(n_jobs=2)`: with Optuna's journal, since two threads may
both be given a trial that waits in SQLite, and without progress bars, which break in threads.
"""

from __future__ import annotations

import argparse
import json
import time

import mlflow
import optuna
import pytorch_lightning as pl
import torch
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from pytorch_lightning.callbacks import Callback, ModelCheckpoint
from pytorch_lightning.loggers import MLFlowLogger
from raw_loop import (
    BATCH_SIZE,
    EPOCHS,
    HIDDEN,
    LEARNING_RATES,
    SPACE,
    WARMUP,
    Digits,
    digits,
    mlp,
)
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset
from torchmetrics.classification import MulticlassAccuracy

TRACKING_URI = "sqlite:///mlflow.db"
EXPERIMENT = "digits"


class Classifier(pl.LightningModule):
    """An MLP with cross entropy and Adam."""

    def __init__(self, lr: float, weight_decay: float = 0.0) -> None:
        super().__init__()
        self.save_hyperparameters()
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
        return torch.optim.Adam(
            self.parameters(), lr=self.hparams["lr"], weight_decay=self.hparams["weight_decay"]
        )


class Epochs(Callback):
    """Counts the epochs of all trials; in a search it prunes, and stops when all are spent."""

    def __init__(self, trial: optuna.Trial, done: list[int], budget: int | None) -> None:
        self.trial = trial
        self.done = done
        self.budget = budget
        self.pruned = False

    def on_validation_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        if trainer.sanity_checking:
            return
        self.done.append(self.trial.number)
        if self.budget is None:
            return
        self.trial.report(trainer.callback_metrics["val_acc"].item(), trainer.current_epoch)
        self.pruned = self.trial.should_prune()
        if len(self.done) >= self.budget:
            self.trial.study.stop()
        trainer.should_stop = self.pruned or len(self.done) >= self.budget


def fit(
    trial: optuna.Trial, data: Digits, done: list[int], budget: int | None, progress: bool
) -> float:
    """Train one trial, note its epochs and give its best validation accuracy."""
    names = ["lr"] if budget is None else list(SPACE)
    chosen = {name: trial.suggest_float(name, *SPACE[name], log=True) for name in names}
    pl.seed_everything(trial.number)
    checkpoint = ModelCheckpoint(monitor="val_acc", mode="max")
    epochs = Epochs(trial, done, budget)
    logger = MLFlowLogger(EXPERIMENT, run_name=f"trial-{trial.number}", tracking_uri=TRACKING_URI)
    trainer = pl.Trainer(
        max_epochs=EPOCHS,
        accelerator="cpu",
        devices=1,
        logger=logger,
        callbacks=[checkpoint, epochs],
        enable_progress_bar=progress,
    )
    trainer.fit(
        Classifier(**chosen),
        DataLoader(TensorDataset(*data.train), batch_size=BATCH_SIZE, shuffle=True),
        DataLoader(TensorDataset(*data.validation), batch_size=BATCH_SIZE),
    )
    if epochs.pruned:
        raise optuna.TrialPruned
    assert checkpoint.best_model_score is not None
    return checkpoint.best_model_score.item()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, help="search with this budget")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    alone = options.jobs == 1
    data = digits()
    mlflow.set_tracking_uri(TRACKING_URI)
    mlflow.set_experiment(EXPERIMENT)
    journal = None if alone else JournalStorage(JournalFileBackend("optuna.log"))
    study = optuna.create_study(
        storage=journal or "sqlite:///optuna.db",
        study_name="digits",
        direction="maximize",
        sampler=optuna.samplers.TPESampler(seed=options.seed),
        pruner=optuna.pruners.MedianPruner(n_warmup_steps=WARMUP),
    )
    trials = None
    if options.epochs is None:
        trials = len(LEARNING_RATES)
        for lr in LEARNING_RATES:
            study.enqueue_trial({"lr": lr})
    done: list[int] = []
    began = time.perf_counter()
    study.optimize(
        lambda trial: fit(trial, data, done, options.epochs, progress=alone),
        n_trials=trials,
        n_jobs=options.jobs,
    )
    seconds = time.perf_counter() - began
    print(
        json.dumps(
            {
                "tuning_seconds": seconds,
                "trials": len(set(done)),
                "epochs": len(done),
                "best": study.best_value,
            }
        )
    )


if __name__ == "__main__":
    main()
