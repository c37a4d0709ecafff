"""The one way to train a trial: a configuration and a seed in, metrics and the best weights out."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Checkpoint

from lightning_modules.configuration import Configuration
from lightning_modules.data.padding import joined
from lightning_modules.data.preparation.part_rows import rows_of_parts
from lightning_modules.errors import Interrupted, UserError
from lightning_modules.networks import SupervisedModule
from lightning_modules.training.best_epoch import is_better
from lightning_modules.training.building import build_data, build_network
from lightning_modules.training.data_description import Described, describe
from lightning_modules.training.resume_checkpoint import (
    Continuation,
    generator_states,
    replace,
    set_generator_states,
)
from lightning_modules.training.trainer import build_trainer, quiet
from lightning_modules.user_code.modules import OwnMetrics, can_test, tested

OnEpoch = Callable[[int, Mapping[str, float]], bool]
"""Told of every epoch (counted from 1) and its metrics; False ends the training, and Interrupted
leaves it to another process to continue."""
EXAMPLE_ROWS = 2


@dataclass(frozen=True)
class TrainingResult:
    """What a training came to; metrics are those of the best epoch, see `best_epoch.is_better`."""

    epochs: int
    best_epoch: int | None
    best: Mapping[str, float]
    test: Mapping[str, float]
    stopped: bool
    """Whether `on_epoch` ended it."""
    diverged: str | None
    """What became infinite or not a number, and where."""
    data_hash: str
    weights_hash: str
    """Identity of the file of weights that the network started from; empty where there is none."""
    seconds: float
    device: str
    """`cpu`, or the name of a GPU."""
    rows: Mapping[str, int]
    """Of `train`, `validation` and `test`, where they are known."""


def train(
    configuration: Configuration,
    seed: int,
    on_epoch: OnEpoch = lambda epoch, metrics: True,
    *,
    checkpoint: Path | None = None,
    continuation: Path | None = None,
    evaluate_test: bool = False,
    weights: str | None = None,
) -> TrainingResult:
    """Train a configuration; on the CPU the same seed gives the same numbers to the last bit.

    The weights of the best epoch are written once, to `checkpoint`, with the first rows of the
    validation inputs beside them (suffix `.npy`, made by `padding.joined`). With `evaluate_test`
    those weights meet the test part.

    Now and then, and when `on_epoch` raises Interrupted, the whole state goes to the folder
    `continuation`. A training that finds its own state there tells `on_epoch` the epochs that are
    done and continues, to the numbers that it would have had without the interruption. The folder
    is the caller's to delete.

    `weights` is the file that `model.weights` means, where that names a run.
    """
    start = time.perf_counter()
    if not torch.cuda.is_available():
        # torch's optimizers ask for a GPU at every step, which takes longer than the step itself
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    torch.set_num_threads(int(configuration.trainer["threads"]))
    pl.seed_everything(seed, verbose=False)
    data = build_data(configuration)
    described = describe(data, configuration)
    module = build_network(configuration, described, weights)
    own = None if isinstance(module, SupervisedModule) else OwnMetrics()
    weights_hash = ""
    if isinstance(module, SupervisedModule):
        weights_hash = module.weights_hash
        watched = "early_stopping" in configuration.regularization
        module.logged = {configuration.objective.metric} if watched else ()
    kept = None
    if continuation is not None:
        training = {
            "configuration": configuration.to_dict(),
            "seed": seed,
            "data": described.hash,
            "weights": weights_hash,
        }
        kept = Continuation(continuation, training)
    watch = _Watch(configuration, on_epoch, kept, start, own)
    with quiet():
        callbacks = [watch] if own is None else [own, watch]
        trainer = build_trainer(configuration, *callbacks, checkpoints=kept)
        found = kept.last if kept is not None and kept.state is not None else None
        trainer.fit(module, datamodule=data, ckpt_path=found, weights_only=True)
        if watch.interrupted:
            raise Interrupted(f"after epoch {watch.epochs}")
        rows = rows_of_parts(data, trainer)
        test: dict[str, float] = {}
        testable = evaluate_test and can_test(module, data)
        if testable and watch.weights and not watch.diverged:
            module.load_state_dict(watch.weights)
            trainer.test(module, datamodule=data, verbose=False)
            test = tested(trainer, module)
            rows |= rows_of_parts(data, trainer)
    if checkpoint is not None and watch.weights:
        architecture = getattr(module, "architecture", None)
        _write(checkpoint, configuration, seed, described, architecture, watch)
    return TrainingResult(
        epochs=watch.epochs,
        best_epoch=watch.best_epoch,
        best=watch.best,
        test=test,
        stopped=watch.stopped,
        diverged=watch.diverged,
        data_hash=described.hash,
        weights_hash=weights_hash,
        seconds=watch.seconds,
        device=_name(trainer.strategy.root_device),
        rows=rows,
    )


def _name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


class _Watch(Checkpoint):
    """Reports every epoch, ends the training when told to, and keeps the best weights in memory.

    A `Checkpoint` to Lightning, so that it is called when all metrics of the epoch are logged. Its
    state is written and read with Lightning's own.
    """

    def __init__(
        self,
        configuration: Configuration,
        on_epoch: OnEpoch,
        continuation: Continuation | None,
        start: float,
        own: OwnMetrics | None = None,
    ) -> None:
        """`own` reads the metrics of a module that is not a SupervisedModule."""
        self.own = own
        self.objective = configuration.objective
        self.on_epoch = on_epoch
        self.continuation = continuation
        self.history: list[dict[str, float]] = []
        self.best_epoch: int | None = None
        self.weights: dict[str, torch.Tensor] = {}
        self.stopped = False
        self.interrupted = False
        self.diverged: str | None = None
        self.example: Any = None
        """The first rows of the validation inputs, where they are one tensor."""
        self._start = start
        self._held: dict[str, Any] = {}
        self._began = 0.0

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

    def state_dict(self) -> dict[str, Any]:
        return {
            "history": self.history,
            "weights": self.weights,
            "seconds": self.seconds,
            "generators": generator_states(),
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._held = state_dict

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if not self._held:
            return
        self.weights = self._held["weights"]
        self._start -= self._held["seconds"]
        for metrics in self._held["history"]:
            self._improved(metrics)
            self._tell(trainer, over=False)
            if trainer.should_stop:
                if self.epochs < len(self._held["history"]):
                    self.weights = {}  # of an epoch that may not have been yet
                return
        # the first batches were asked for before this; a shuffled loader draws for that
        set_generator_states(self._held["generators"])
        fetcher = trainer.fit_loop._data_fetcher
        assert fetcher is not None
        iter(fetcher)
        self._held = {}

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
        self._began = time.perf_counter()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if self.own is not None:
            metrics, self.diverged = self.own.epoch(trainer, self.objective.metric)
        else:
            assert isinstance(pl_module, SupervisedModule)
            metrics, self.diverged = dict(pl_module.epoch_metrics), pl_module.diverged
        metrics["time/epoch_s"] = time.perf_counter() - self._began
        value = metrics[self.objective.metric]
        said = f"{self.objective.metric} is {value!r} after epoch {self.epochs + 1}"
        if not isinstance(value, int | float):
            raise UserError(f"{said}, which is no number")
        if self.diverged is None and not math.isfinite(value):
            self.diverged = said
        if self._improved(metrics):
            state = pl_module.state_dict()
            self.weights = {name: tensor.detach().clone() for name, tensor in state.items()}
        over = self.diverged is not None or self.epochs >= (trainer.max_epochs or 0)
        self._tell(trainer, over or trainer.should_stop)
        if self.continuation is not None and (
            self.interrupted or (self.continuation.due and not trainer.should_stop)
        ):
            trainer.save_checkpoint(self.continuation.last)

    def _tell(self, trainer: pl.Trainer, over: bool) -> None:
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


def _write(
    checkpoint: Path,
    configuration: Configuration,
    seed: int,
    data: Described,
    architecture: Mapping[str, Any] | None,
    watch: _Watch,
) -> None:
    content: dict[str, Any] = {
        "configuration": configuration.to_dict(),
        "seed": seed,
        "epoch": watch.best_epoch,
        "metrics": watch.best,
        "input_shape": list(data.input_shape),
        "outputs": data.outputs,
        "front": data.front,
        "classes": list(data.classes),
        "preparation": dict(data.preparation),
        "architecture": architecture,
        "weights": watch.weights,
    }
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    if watch.example is not None:
        replace(checkpoint.with_suffix(".npy"), lambda path: np.save(path, watch.example))
    replace(checkpoint, lambda path: torch.save(content, path))
