"""All that is used of Lightning's private members; `lightning_internals_test` says what a version
has changed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytorch_lightning as pl

CURRENT_HOOK = "_current_fx_name"
"""The attribute of a LightningModule in which Lightning notes the hook that it calls."""


def ask_for_batches_again(trainer: pl.Trainer) -> None:
    """Begin the pass over the training part anew: Lightning has asked for its first batches before
    `on_train_start`, where a shuffled loader draws the order of the rows."""
    fetcher = trainer.fit_loop._data_fetcher
    assert fetcher is not None
    iter(fetcher)


def keep_from_logger(
    trainer: pl.Trainer, ignoring: Callable[[], AbstractContextManager[None]]
) -> None:
    """Enter `ignoring` whenever Lightning itself hands a logger what `self.log` was given: the same
    numbers are among the trainer's metrics."""
    connector = trainer._logger_connector
    log_metrics = connector.log_metrics

    def ignored(metrics: Any, step: int | None = None) -> None:
        with ignoring():
            log_metrics(metrics, step)

    connector.log_metrics = ignored  # type: ignore[method-assign]


def keep_hyperparameters_apart(data: pl.LightningDataModule) -> None:
    """Let a module and its data have hyperparameters of the same name: with a logger Lightning
    merges them, and raises where they differ."""
    data._log_hyperparams = False
