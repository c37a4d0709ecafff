"""What happens at the end of every epoch: it is reported, and the best weights are kept."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Checkpoint

from lightning_modules.configuration import Configuration
from lightning_modules.data.padding import joined
from lightning_modules.errors import Interrupted, UserError
from lightning_modules.lightning_internals import ask_for_batches_again
from lightning_modules.networks import SupervisedModule
from lightning_modules.training.best_epoch import is_better
from lightning_modules.training.resume_checkpoint import (
    ResumeCheckpoint,
    generator_states,
    set_generator_states,
)
from lightning_modules.user_code.user_metrics import UserMetrics

OnEpoch = Callable[[int, Mapping[str, float]], bool]
"""Told of every epoch (counted from 1) and its metrics; False ends the training, and Interrupted
leaves it to another process to continue."""
EXAMPLE_ROWS = 2


class EpochCallback(Checkpoint):
    """Reports every epoch, ends the training when told to, and keeps the best weights in memory.

    A `Checkpoint` to Lightning, so that it is called when all metrics of the epoch are logged. Its
    state is written and read with Lightning's own.
    """

    def __init__(
        self,
        configuration: Configuration,
        on_epoch: OnEpoch,
        resume_checkpoint: ResumeCheckpoint | None,
        start: float,
        user_metrics: UserMetrics | None = None,
        folder: Path | None = None,
    ) -> None:
        """`user_metrics` reads those of a module that is not a SupervisedModule, and `folder` is
        where its code may find the best weights."""
        self.user_metrics = user_metrics
        self.objective = configuration.objective
        self.every = int(configuration.trainer["val_every"])
        """Passes over the training part between two validations, which make an epoch here."""
        self.on_epoch = on_epoch
        self.resume_checkpoint = resume_checkpoint
        self.history: list[dict[str, float]] = []
        self.best_epoch: int | None = None
        self.weights: dict[str, torch.Tensor] = {}
        self.stopped = False
        self.interrupted = False
        self.diverged: str | None = None
        self._files = folder
        self._written: int | None = None
        """The epoch whose weights are in a file there."""
        self._module: pl.LightningModule | None = None
        self.example: Any = None
        """The first rows of the validation inputs, where they are one tensor."""
        self._start = start
        self._resumed: dict[str, Any] = {}
        self._epoch_start = 0.0
        self._monitored: dict[str, float] = {}
        """What schedules that watch a metric go by, after the latest epoch."""

    @property
    def epochs(self) -> int:
        return len(self.history)

    @property
    def best(self) -> dict[str, float]:
        return self.history[self.best_epoch - 1] if self.best_epoch else {}

    @property
    def seconds(self) -> float:
        """Of this training, earlier attempts at it included."""
        return time.perf_counter() - self._start

    # what code of the user's asks a ModelCheckpoint for

    @property
    def monitor(self) -> str:
        return self.objective.metric

    @property
    def mode(self) -> str:
        return "min" if self.objective.goal == "minimize" else "max"

    @property
    def dirpath(self) -> str:
        """The folder of `best_model_path`."""
        return "" if self._files is None else str(self._files)

    @property
    def best_model_score(self) -> torch.Tensor | None:
        """The objective at the best epoch."""
        value = self.best.get(self.objective.metric)
        return None if value is None else torch.tensor(value)

    @property
    def best_model_path(self) -> str:
        """A checkpoint of the best epoch, as Lightning writes them; made when it is asked for, and
        gone when the training is over. Empty where no epoch has been."""
        if self._files is None or self._module is None or not self.weights:
            return ""
        path = self._files / "best.ckpt"
        if self._written != self.best_epoch:
            content = {
                "state_dict": self.weights,
                "epoch": (self.best_epoch or 1) - 1,
                "hyper_parameters": dict(self._module.hparams),
                "pytorch-lightning_version": version("pytorch-lightning"),
            }
            torch.save(content, path)
            self._written = self.best_epoch
        return str(path)

    @property
    def last_model_path(self) -> str:
        """The same: no other weights are kept."""
        return self.best_model_path

    @property
    def best_k_models(self) -> dict[str, torch.Tensor]:
        """The best epoch's score by its path."""
        score = self.best_model_score
        return {self.best_model_path: score} if score is not None and self.best_model_path else {}

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Let checkpoint callbacks of the user's be the trainer's first."""
        self._module = pl_module
        others = [each for each in trainer.callbacks if each is not self]  # type: ignore[attr-defined]
        trainer.callbacks = [*others, self]  # type: ignore[attr-defined]

    def state_dict(self) -> dict[str, Any]:
        return {
            "history": self.history,
            "weights": self.weights,
            "seconds": self.seconds,
            "generators": generator_states(),
            "monitored": self._monitored,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._resumed = state_dict

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        for config in trainer.lr_scheduler_configs:
            if config.reduce_on_plateau and config.interval == "epoch":
                # what it watches has no new value in the passes between
                config.frequency = math.lcm(config.frequency, self.every)
        if not self._resumed:
            return
        self.weights = self._resumed["weights"]
        self._start -= self._resumed["seconds"]
        for metrics in self._resumed["history"]:
            self._improved(metrics)
            self._report(trainer, over=False)
            if trainer.should_stop:
                if self.epochs < len(self._resumed["history"]):
                    self.weights = {}  # of an epoch that may not have been yet
                return
        self._step_watching_schedules(trainer, pl_module, self._resumed["monitored"])
        # the first batches were asked for before this; a shuffled loader draws for that
        set_generator_states(self._resumed["generators"])
        ask_for_batches_again(trainer)
        self._resumed = {}

    def _step_watching_schedules(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, monitored: Mapping[str, float]
    ) -> None:
        """Let schedules that watch a metric take the step after the last epoch, which comes after
        its state was written; Lightning leaves it out of a training that continues."""
        if not pl_module.automatic_optimization:
            return
        for config in trainer.lr_scheduler_configs:
            due = config.interval == "epoch" and self._passes % config.frequency == 0
            if config.reduce_on_plateau and due and config.monitor in monitored:
                pl_module.lr_scheduler_step(config.scheduler, monitored[str(config.monitor)])

    def on_validation_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, *_: Any
    ) -> None:
        if self.example is None:
            columns = batch if isinstance(batch, list | tuple) else [batch]
            columns = columns[: 2 if getattr(pl_module, "reads_lengths", False) else 1]
            if all(isinstance(column, torch.Tensor) for column in columns):
                rows = (column[:EXAMPLE_ROWS].detach().cpu() for column in columns)
                self.example = joined(*rows)

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.current_epoch % self.every == 0:
            self._epoch_start = time.perf_counter()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if (trainer.current_epoch + 1) % self.every:
            self._pass_between(trainer, pl_module)
            return
        if self.user_metrics is not None:
            metrics, self.diverged = self.user_metrics.epoch(
                trainer, self.objective.metric, self.epochs + 1
            )
        else:
            assert isinstance(pl_module, SupervisedModule)
            metrics, self.diverged = dict(pl_module.epoch_metrics), pl_module.diverged
        metrics["time/epoch_s"] = time.perf_counter() - self._epoch_start
        if self.objective.metric in metrics:
            value = metrics[self.objective.metric]
            said = f"{self.objective.metric} is {value!r} after epoch {self.epochs + 1}"
            if not isinstance(value, int | float):
                raise UserError(f"{said}, which is no number")
            if self.diverged is None and not math.isfinite(value):
                self.diverged = said
        if self._improved(metrics):
            state = pl_module.state_dict()
            self.weights = {name: tensor.detach().clone() for name, tensor in state.items()}
        over = self.diverged is not None or self._passes >= (trainer.max_epochs or 0)
        self._report(trainer, over or trainer.should_stop)
        watched = {config.monitor for config in trainer.lr_scheduler_configs}
        found = trainer.callback_metrics.items()
        self._monitored = {name: float(value) for name, value in found if name in watched}
        if self.resume_checkpoint is not None and (
            self.interrupted or (self.resume_checkpoint.due and not trainer.should_stop)
        ):
            trainer.save_checkpoint(self.resume_checkpoint.last)

    @property
    def _passes(self) -> int:
        """Those that were reported."""
        return self.epochs * self.every

    def _pass_between(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """End the training where a pass without a validation has diverged."""
        if self.user_metrics is not None:
            self.diverged = self.user_metrics.diverged(self.epochs + 1)
        else:
            assert isinstance(pl_module, SupervisedModule)
            self.diverged = pl_module.diverged
        trainer.should_stop = trainer.should_stop or self.diverged is not None

    def _report(self, trainer: pl.Trainer, over: bool) -> None:
        """Report the latest epoch; `over` where the training ends with it anyway."""
        go_on = False
        try:
            go_on = self.on_epoch(self.epochs, self.history[-1])
            self.stopped = not go_on and not over
        except Interrupted:
            self.interrupted = not over
        trainer.should_stop = trainer.should_stop or over or not go_on

    def _improved(self, metrics: dict[str, float]) -> bool:
        """Take an epoch; whether it is the best so far."""
        self.history.append(metrics)
        if self.diverged is not None:
            return False
        if not is_better(metrics, self.best, self.objective):
            return False
        self.best_epoch = self.epochs
        return True
