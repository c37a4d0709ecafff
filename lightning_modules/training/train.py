"""The one way to train a trial: a configuration and a seed in, metrics and the best weights out."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from dataclasses import replace as with_changes
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch

from lightning_modules.configuration import Configuration
from lightning_modules.data.preparation.part_rows import rows_of_parts
from lightning_modules.data.tensors import TensorDataModule
from lightning_modules.errors import Interrupted, UserError
from lightning_modules.lightning_internals import keep_hyperparameters_apart
from lightning_modules.networks import SupervisedModule
from lightning_modules.rights import make_folder
from lightning_modules.training.building import build_data, build_network
from lightning_modules.training.data_description import Described, describe
from lightning_modules.training.epoch_callback import EpochCallback, OnEpoch
from lightning_modules.training.lazy_layers import materialize
from lightning_modules.training.nondeterminism import heard_operations, remark_of
from lightning_modules.training.resume_checkpoint import ResumeCheckpoint, replace
from lightning_modules.training.trainer import build_trainer, quiet
from lightning_modules.user_code.distributions import DATA, taken_by, trained_by
from lightning_modules.user_code.modules import can_test, tested
from lightning_modules.user_code.trial_logging.trial_logger import CHECKPOINTS, TrialLogger
from lightning_modules.user_code.user_metrics import UserMetrics


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
    remark: str
    """What seems wrong with the network, or why its numbers may not repeat; empty where nothing is
    to be said."""


def train(
    configuration: Configuration,
    seed: int,
    on_epoch: OnEpoch = lambda epoch, metrics: True,
    *,
    checkpoint: Path | None = None,
    resume_folder: Path | None = None,
    evaluate_test: bool = False,
    weights: str | None = None,
    files: Path | None = None,
    loader_workers: int = 0,
) -> TrainingResult:
    """Train a configuration; the same seed gives the same numbers to the last bit on one model of
    device, unless an operation has no deterministic implementation: then the remark says so.

    The weights of the best epoch are written once, to `checkpoint`, with the first rows of the
    validation inputs beside them (suffix `.npy`, made by `padding.joined`). With `evaluate_test`
    those weights meet the test part.

    Now and then, and when `on_epoch` raises Interrupted, the whole state goes to the folder
    `resume_folder`. A training that finds its own state there tells `on_epoch` the epochs that are
    done and continues, to the numbers that it would have had without the interruption. The folder
    is the caller's to delete.

    `weights` is the file that `model.weights` means, where that names a run. `files` is the folder
    of what a LightningModule of the user's logs beside its metrics; nothing is kept without it.
    `loader_workers` is how many processes decode images beside the training, where the
    configuration does not say; no number depends on it.
    """
    with ExitStack() as stack:
        places = _Places(checkpoint, resume_folder, files, None)
        if configuration.model.is_class:
            scratch = Path(stack.enter_context(TemporaryDirectory(prefix="fairtune-")))
            places = with_changes(places, files=files or scratch / "files", scratch=scratch)
        try:
            result = _train(
                configuration, seed, on_epoch, places, evaluate_test, weights, loader_workers
            )
        except Interrupted:
            raise  # callbacks of the user's find their checkpoints again
        except BaseException:
            places.remove_user_checkpoints()
            raise
        places.remove_user_checkpoints()
        return result


@dataclass(frozen=True)
class _Places:
    """Where a training writes."""

    checkpoint: Path | None
    resume_folder: Path | None
    files: Path | None
    scratch: Path | None
    """Gone when the training is over."""

    def remove_user_checkpoints(self) -> None:
        """Take away what callbacks of the user's have kept; the best weights are kept anyway."""
        if self.files is not None:
            shutil.rmtree(self.files / CHECKPOINTS, ignore_errors=True)


def _train(
    configuration: Configuration,
    seed: int,
    on_epoch: OnEpoch,
    places: _Places,
    evaluate_test: bool,
    weights: str | None,
    loader_workers: int,
) -> TrainingResult:
    start = time.perf_counter()
    checkpoint, resume_folder = places.checkpoint, places.resume_folder
    if not torch.cuda.is_available():
        # torch's optimizers ask for a GPU at every step, which takes longer than the step itself
        os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
    torch.set_num_threads(int(configuration.trainer["threads"]))
    # what torch fuses for attention alone cannot be compiled in bfloat16
    torch.backends.mha.set_fastpath_enabled(not configuration.trainer["compile"])
    pl.seed_everything(seed, verbose=False)
    data = build_data(configuration, loader_workers)
    described = describe(data, configuration)
    module = build_network(configuration, described, weights)
    materialize(module, data)
    _check_steps(module, configuration)
    if configuration.trainer["compile"]:
        from lightning_modules.training.compilation import compile_network  # half a second

        compile_network(module)
    user_metrics = logger = None
    if not isinstance(module, SupervisedModule):
        assert places.files is not None
        logger = TrialLogger(places.files)
        user_metrics = UserMetrics(logger.logged)
        keep_hyperparameters_apart(data)
    weights_hash = ""
    if isinstance(module, SupervisedModule):
        weights_hash = module.weights_hash
        watched = "early_stopping" in configuration.regularization
        module.logged = {configuration.objective.metric} if watched else ()
    resume_checkpoint = None
    if resume_folder is not None:
        training = {
            "configuration": configuration.hash,
            "seed": seed,
            "data": described.hash,
            "weights": weights_hash,
        }
        resume_checkpoint = ResumeCheckpoint(resume_folder, training)
    epoch_callback = EpochCallback(
        configuration, on_epoch, resume_checkpoint, start, user_metrics, places.scratch
    )
    with quiet(), heard_operations() as heard, _closed_at_last(data):
        callbacks = [epoch_callback] if user_metrics is None else [user_metrics, epoch_callback]
        package = trained_by(module)
        data = taken_by(package, data, DATA)
        trainer = build_trainer(
            configuration,
            *callbacks,
            checkpoints=resume_checkpoint,
            logger=logger,
            package=package,
        )
        begun = None
        if resume_checkpoint is not None and resume_checkpoint.state is not None:
            begun = resume_checkpoint.last
        trainer.fit(module, datamodule=data, ckpt_path=begun, weights_only=True)
        if epoch_callback.interrupted:
            raise Interrupted(f"after epoch {epoch_callback.epochs}")
        _check_epochs(epoch_callback, trainer, configuration)
        rows = rows_of_parts(data, trainer)
        test: dict[str, float] = {}
        testable = evaluate_test and can_test(module, data)
        if testable and epoch_callback.weights and not epoch_callback.diverged:
            module.load_state_dict(epoch_callback.weights)
            trainer.test(module, datamodule=data, verbose=False)
            test = tested(trainer, module)
            rows |= rows_of_parts(data, trainer)
    if checkpoint is not None and epoch_callback.weights:
        architecture = getattr(module, "architecture", None)
        _write(checkpoint, configuration, seed, described, architecture, epoch_callback)
    return TrainingResult(
        epochs=epoch_callback.epochs,
        best_epoch=epoch_callback.best_epoch,
        best=epoch_callback.best,
        test=test,
        stopped=epoch_callback.stopped,
        diverged=epoch_callback.diverged,
        data_hash=described.hash,
        weights_hash=weights_hash,
        seconds=epoch_callback.seconds,
        device=_name(trainer.strategy.root_device),
        rows=rows,
        remark="; ".join(filter(None, (_remark(module, logger), remark_of(heard)))),
    )


@contextmanager
def _closed_at_last(data: pl.LightningDataModule) -> Iterator[None]:
    """End loader workers even where a training raises: Lightning does not tell its data."""
    try:
        yield
    finally:
        if isinstance(data, TensorDataModule):
            data.teardown("fit")


def _check_steps(module: pl.LightningModule, configuration: Configuration) -> None:
    if configuration.trainer["accumulate"] == 1 or module.automatic_optimization:
        return
    raise UserError(
        f"trainer.accumulate: {configuration.model.name} steps its optimizer itself "
        "(automatic_optimization = False); leave accumulate out, and let the module accumulate"
    )


def _check_epochs(
    epoch_callback: EpochCallback, trainer: pl.Trainer, configuration: Configuration
) -> None:
    if epoch_callback.epochs or epoch_callback.diverged:
        return
    trained = trainer.current_epoch
    raise UserError(
        f"{configuration.model.name} ended its training after epoch {trained}, before the first "
        f"validation (trainer.val_every is {epoch_callback.every}), so that nothing is known of "
        f"it; write val_every: {max(1, trained)}, or let it go on"
    )


def _remark(module: pl.LightningModule, logger: TrialLogger | None) -> str:
    if isinstance(module, SupervisedModule):
        return module.remark
    return f"{type(module).__name__}: {said}" if logger and (said := logger.logged.remark) else ""


def _name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def _write(
    checkpoint: Path,
    configuration: Configuration,
    seed: int,
    data: Described,
    architecture: Mapping[str, Any] | None,
    epoch_callback: EpochCallback,
) -> None:
    content: dict[str, Any] = {
        "configuration": configuration.to_dict(),
        "seed": seed,
        "epoch": epoch_callback.best_epoch,
        "metrics": epoch_callback.best,
        "input_shape": list(data.input_shape),
        "outputs": data.outputs,
        "front": data.input_embedding,
        "classes": list(data.classes),
        "values": list(data.values),
        "preparation": dict(data.preparation),
        "architecture": architecture,
        "weights": epoch_callback.weights,
    }
    make_folder(checkpoint.parent)
    if epoch_callback.example is not None:
        replace(checkpoint.with_suffix(".npy"), lambda path: np.save(path, epoch_callback.example))
    replace(checkpoint, lambda path: torch.save(content, path))
