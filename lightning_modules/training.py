"""The one way to train a trial: a configuration and a seed in, metrics and the best weights out."""

from __future__ import annotations

import logging
import math
import os
import pickle
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Checkpoint
from pytorch_lightning.profilers import PassThroughProfiler

from lightning_modules.configuration import Configuration
from lightning_modules.data.datasets import DATASETS
from lightning_modules.data.tensors import TensorDataModule
from lightning_modules.errors import UserError
from lightning_modules.module import SupervisedModule
from lightning_modules.networks import NETWORKS
from lightning_modules.regularization import REGULARIZATION

OnEpoch = Callable[[int, Mapping[str, float]], bool]
"""Told of every epoch (counted from 1) and its metrics; False ends the training."""
EXAMPLE_ROWS = 2
NOTHING = nullcontext()


@dataclass(frozen=True)
class TrainingResult:
    """What a training came to; metrics are those of the best epoch by the objective."""

    epochs: int
    best_epoch: int | None
    best: Mapping[str, float]
    test: Mapping[str, float]
    stopped: bool
    """Whether `on_epoch` ended it."""
    diverged: str | None
    """What became infinite or not a number, and where."""
    data_hash: str
    seconds: float
    device: str
    """`cpu`, or the name of a GPU."""


def train(
    configuration: Configuration,
    seed: int,
    on_epoch: OnEpoch = lambda epoch, metrics: True,
    *,
    checkpoint: Path | None = None,
    evaluate_test: bool = False,
) -> TrainingResult:
    """Train a configuration; on the CPU the same seed gives the same numbers to the last bit.

    The weights of the best epoch are written once, to `checkpoint`, with the first rows of the
    validation inputs beside them (suffix `.npy`). With `evaluate_test` those weights meet the test
    part.
    """
    start = time.perf_counter()
    if not torch.cuda.is_available():
        # torch's optimizers ask for a GPU at every step, which takes longer than the step itself
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    torch.set_num_threads(int(configuration.trainer["threads"]))
    pl.seed_everything(seed, verbose=False)
    data = build_data(configuration)
    module = build_module(configuration, data)
    watched = "early_stopping" in configuration.regularization
    module.logged = {configuration.objective.metric} if watched else ()
    watch = _Watch(configuration, on_epoch)
    with _quiet():
        trainer = build_trainer(configuration, watch)
        trainer.fit(module, datamodule=data)
        test: dict[str, float] = {}
        if evaluate_test and watch.weights and not watch.diverged:
            module.load_state_dict(watch.weights)
            trainer.test(module, datamodule=data, verbose=False)
            test = {k: v for k, v in module.epoch_metrics.items() if k.startswith("test/")}
    if checkpoint is not None and watch.weights:
        _write(checkpoint, configuration, seed, data, watch)
    return TrainingResult(
        epochs=watch.epochs,
        best_epoch=watch.best_epoch,
        best=watch.best,
        test=test,
        stopped=watch.stopped,
        diverged=watch.diverged,
        data_hash=data.splits.hash,
        seconds=time.perf_counter() - start,
        device=_name(trainer.strategy.root_device),
    )


def restore(checkpoint: Path) -> SupervisedModule:
    """The trained network of a checkpoint, ready to predict; only plain tensors are read.

    Raises UserError where the file is no whole checkpoint.
    """
    try:
        with warnings.catch_warnings(action="ignore"):  # of torch, about foreign files
            content = dict(torch.load(checkpoint, map_location="cpu", weights_only=True))
        configuration = Configuration.resolve(content["configuration"])
        module = _network(configuration, tuple(content["input_shape"]), content["outputs"])
        module.load_state_dict(content["weights"])
    except pickle.UnpicklingError:  # torch's text advises to run whatever the file holds
        text = "it holds something else than tensors and plain values"
        raise UserError(f"{checkpoint}: is no whole fairtune checkpoint: {text}") from None
    except Exception as error:  # a foreign file can raise anything here
        raise UserError(f"{checkpoint}: is no whole fairtune checkpoint: {error}") from None
    return module.eval()


def build_data(configuration: Configuration) -> TensorDataModule:
    """The data that a configuration names."""
    part = configuration.data
    data: TensorDataModule = DATASETS[part.name].build(**part.parameters)
    return data


def build_module(configuration: Configuration, data: TensorDataModule) -> SupervisedModule:
    """The LightningModule (MLP, CNN, Recurrent) that a configuration describes."""
    return _network(configuration, data.input_shape, data.outputs)


def build_trainer(configuration: Configuration, *callbacks: pl.Callback) -> pl.Trainer:
    """A trainer without anything that costs time and that fairtune does itself."""
    return pl.Trainer(
        max_epochs=int(configuration.trainer["epochs"]),
        accelerator=str(configuration.trainer["accelerator"]),
        devices=1,
        callbacks=list(callbacks),
        deterministic="warn",
        profiler=_NoProfiler(),
        logger=False,
        enable_checkpointing=any(isinstance(each, Checkpoint) for each in callbacks),
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
    )


def _name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def _network(
    configuration: Configuration, input_shape: tuple[int, ...], outputs: int
) -> SupervisedModule:
    parameters = dict(configuration.model.parameters)
    learning = {}
    for name, given in configuration.regularization.items():
        if REGULARIZATION[name].role == "network":
            parameters |= REGULARIZATION[name].build(**given)
        else:
            learning[name] = given
    binary = configuration.loss.name == "binary_cross_entropy"
    module: SupervisedModule = NETWORKS[configuration.model.name].build(
        input_shape,
        1 if binary else outputs,
        **parameters,
        task=configuration.task,
        loss=configuration.loss.to_dict(),
        optimizer=configuration.optimizer.to_dict(),
        schedule=configuration.schedule.to_dict(),
        regularization=learning,
        objective=configuration.objective.metric,
        goal=configuration.objective.goal,
    )
    return module


@contextmanager
def _quiet() -> Iterator[None]:
    """Without Lightning's remarks, which are for people who use it by hand."""
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="pytorch_lightning")
        yield


class _NoProfiler(PassThroughProfiler):
    """Lightning names some twenty actions a step to its profiler; here it costs next to nothing."""

    def profile(self, action_name: str) -> Any:
        return NOTHING


class _Watch(Checkpoint):
    """Reports every epoch, ends the training when told to, and keeps the best weights in memory.

    A `Checkpoint` to Lightning, so that it is called when all metrics of the epoch are logged.
    """

    def __init__(self, configuration: Configuration, on_epoch: OnEpoch) -> None:
        self.objective = configuration.objective
        self.on_epoch = on_epoch
        self.epochs = 0
        self.best_epoch: int | None = None
        self.best: dict[str, float] = {}
        self.weights: dict[str, torch.Tensor] = {}
        self.stopped = False
        self.diverged: str | None = None
        self._began = 0.0

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._began = time.perf_counter()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.epochs += 1
        assert isinstance(pl_module, SupervisedModule)
        metrics = dict(pl_module.epoch_metrics)
        metrics["time/epoch_s"] = time.perf_counter() - self._began
        value = metrics[self.objective.metric]
        self.diverged = pl_module.diverged
        if self.diverged is None and not math.isfinite(value):
            self.diverged = f"{self.objective.metric} is {value} after epoch {self.epochs}"
        if self.diverged is None and self._improves(value):
            self.best_epoch, self.best = self.epochs, metrics
            state = pl_module.state_dict()
            self.weights = {name: tensor.detach().clone() for name, tensor in state.items()}
        go_on = self.on_epoch(self.epochs, metrics)
        last = self.epochs >= (trainer.max_epochs or 0)
        self.stopped = not go_on and not last and not self.diverged
        if self.diverged or not go_on:
            trainer.should_stop = True

    def _improves(self, value: float) -> bool:
        if self.best_epoch is None:
            return True
        best = self.best[self.objective.metric]
        return value > best if self.objective.goal == "maximize" else value < best


def _write(
    checkpoint: Path, configuration: Configuration, seed: int, data: TensorDataModule, watch: _Watch
) -> None:
    content: dict[str, Any] = {
        "configuration": configuration.to_dict(),
        "seed": seed,
        "epoch": watch.best_epoch,
        "metrics": watch.best,
        "input_shape": list(data.input_shape),
        "outputs": data.outputs,
        "weights": watch.weights,
    }
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    example = data.splits.validation[0][:EXAMPLE_ROWS].numpy()
    _replace(checkpoint.with_suffix(".npy"), lambda path: np.save(path, example))
    _replace(checkpoint, lambda path: torch.save(content, path))


def _replace(path: Path, write: Callable[[Path], None]) -> None:
    """Write beside, force to disk, rename: `path` is whole at every moment."""
    beside = path.with_name(f".{path.stem}-{os.getpid()}{path.suffix}")
    try:
        write(beside)
        with beside.open("rb") as file:
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
