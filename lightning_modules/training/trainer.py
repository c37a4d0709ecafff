"""Lightning's Trainer without anything that costs time and that fairtune does itself."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Checkpoint
from pytorch_lightning.profilers import PassThroughProfiler

from lightning_modules.configuration import Configuration
from lightning_modules.training.resume_checkpoint import ResumeCheckpoint

NOTHING = nullcontext()


def build_trainer(
    configuration: Configuration,
    *callbacks: pl.Callback,
    checkpoints: ResumeCheckpoint | None = None,
) -> pl.Trainer:
    """A trainer without anything that costs time and that fairtune does itself."""
    return pl.Trainer(
        max_epochs=int(configuration.trainer["epochs"]),
        accelerator=str(configuration.trainer["accelerator"]),
        devices=1,
        callbacks=list(callbacks),
        plugins=[] if checkpoints is None else [checkpoints],
        deterministic="warn",
        profiler=_NoProfiler(),
        logger=False,
        enable_checkpointing=any(isinstance(each, Checkpoint) for each in callbacks),
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
    )


@contextmanager
def quiet() -> Iterator[None]:
    """Without Lightning's remarks, which are for people who use it by hand."""
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="pytorch_lightning")
        yield


class _NoProfiler(PassThroughProfiler):
    """Lightning names some twenty actions a step to its profiler; here it costs next to nothing."""

    def profile(self, action_name: str) -> Any:
        return NOTHING
