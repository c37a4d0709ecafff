"""Lightning's Trainer without anything that costs time and that fairtune does itself."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from types import ModuleType
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Checkpoint
from pytorch_lightning.profilers import PassThroughProfiler

from lightning_modules.configuration import Configuration
from lightning_modules.lightning_internals import keep_from_logger
from lightning_modules.training.resume_checkpoint import ResumeCheckpoint
from lightning_modules.user_code.distributions import NAMES, taken_by
from lightning_modules.user_code.trial_logging.trial_logger import TrialLogger

NOTHING = nullcontext()
CALLBACK = "callbacks.Callback"


def build_trainer(
    configuration: Configuration,
    *callbacks: pl.Callback,
    checkpoints: ResumeCheckpoint | None = None,
    logger: TrialLogger | None = None,
    package: ModuleType = pl,
) -> pl.Trainer:
    """A trainer without anything that costs time and that fairtune does itself; `package` is the
    Lightning that its modules are of, and `logger` what a module of the user's finds there."""
    taken = [
        taken_by(
            package, each, "callbacks.Checkpoint" if isinstance(each, Checkpoint) else CALLBACK
        )
        for each in callbacks
    ]
    plugins = (
        [] if checkpoints is None else [taken_by(package, checkpoints, "plugins.CheckpointIO")]
    )
    trainer: pl.Trainer = package.Trainer(
        max_epochs=int(configuration.trainer["epochs"]),
        accelerator=str(configuration.trainer["accelerator"]),
        devices=1,
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
    if logger is not None:
        keep_from_logger(trainer, logger.ignoring)
    return trainer


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
