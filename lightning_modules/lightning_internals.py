"""All that is used of Lightning's private members; `lightning_internals_test` says what a version
has changed."""

from __future__ import annotations

import pytorch_lightning as pl

CURRENT_HOOK = "_current_fx_name"
"""The attribute of a LightningModule in which Lightning notes the hook that it calls."""


def ask_for_batches_again(trainer: pl.Trainer) -> None:
    """Begin the pass over the training part anew: Lightning has asked for its first batches before
    `on_train_start`, where a shuffled loader draws the order of the rows."""
    fetcher = trainer.fit_loop._data_fetcher
    assert fetcher is not None
    iter(fetcher)
