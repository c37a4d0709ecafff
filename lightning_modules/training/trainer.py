"""Lightning's Trainer without anything that costs time and that fairtune does itself."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Checkpoint
from pytorch_lightning.profilers import PassThroughProfiler

from lightning_modules.configuration import Configuration
from lightning_modules.configuration.trainer import NO_HALF
from lightning_modules.errors import UserError
from lightning_modules.lightning_internals import keep_from_logger
from lightning_modules.training.resume_checkpoint import ResumeCheckpoint
from lightning_modules.user_code.distributions import NAMES, taken_by
from lightning_modules.user_code.trial_logging.trial_logger import TrialLogger

NOTHING = nullcontext()
PRECISION: dict[Any, Any] = {32: "32-true", "bf16": "bf16-mixed", "fp16": "16-mixed"}
"""What Lightning calls the values of `trainer.precision`."""
CALLBACK = "callbacks.Callback"


def build_trainer(
    configuration: Configuration,
    *callbacks: pl.Callback,
    checkpoints: ResumeCheckpoint | None = None,
    logger: TrialLogger | None = None,
    package: ModuleType = pl,
) -> pl.Trainer:
    """A trainer without anything that costs time and that fairtune does itself; `package` is the
    Lightning that its modules are of, and `logger` what a module of the user's finds there.

    Raises UserError where it would compute in float16 on the CPU.
    """
    taken = [
        taken_by(
            package, each, "callbacks.Checkpoint" if isinstance(each, Checkpoint) else CALLBACK
        )
        for each in callbacks
    ]
    plugins = (
        [] if checkpoints is None else [taken_by(package, checkpoints, "plugins.CheckpointIO")]
    )
    given = configuration.trainer
    trainer: pl.Trainer = package.Trainer(
        max_epochs=int(given["epochs"]),
        accelerator=str(given["accelerator"]),
        devices=1,
        precision=PRECISION[given["precision"]],
        accumulate_grad_batches=int(given["accumulate"]),
        check_val_every_n_epoch=int(given["val_every"]),
        limit_train_batches=_batches(configuration),
        callbacks=taken,
        plugins=plugins,
        deterministic="warn",
        profiler=_NoProfiler(),
        logger=False if logger is None else [taken_by(package, logger, "loggers.Logger")],
        enable_checkpointing=any(isinstance(each, Checkpoint) for each in callbacks),
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
    )
    if given["precision"] == "fp16" and trainer.strategy.root_device.type == "cpu":
        raise UserError(NO_HALF)  # Lightning would compute in bfloat16 and say so to nobody
    if logger is not None:
        keep_from_logger(trainer, logger.ignoring)
    return trainer


def plain(configuration: Configuration) -> Configuration:
    """The same network without what makes its training faster: on the CPU, in float32."""
    slow = {"accelerator": "cpu", "precision": 32, "compile": False}
    return replace(configuration, trainer={**configuration.trainer, **slow})


def _batches(configuration: Configuration) -> int | None:
    """The batches of an epoch; None for all of them."""
    steps = configuration.trainer["max_steps"]
    return None if steps is None else int(steps) * int(configuration.trainer["accumulate"])


@contextmanager
def quiet() -> Iterator[None]:
    """Without Lightning's remarks, which are for people who use it by hand."""
    with warnings.catch_warnings():
        for name in NAMES:
            logging.getLogger(name).setLevel(logging.ERROR)
            warnings.filterwarnings("ignore", module=re.escape(name))
        yield


class _NoProfiler(PassThroughProfiler):
    """Lightning names some twenty actions a step to its profiler; here it costs next to nothing."""

    def profile(self, action_name: str) -> Any:
        return NOTHING
