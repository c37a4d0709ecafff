"""All that is used of Lightning's private members; `lightning_internals_test` says what a version
has changed."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl

CURRENT_HOOK = "_current_fx_name"
"""The attribute of a LightningModule in which Lightning notes the hook that it calls."""


class QuickModule(pl.LightningModule):
    """A LightningModule without what torch's own setter of attributes costs each step."""

    def __setattr__(self, name: str, value: Any) -> None:
        """Lightning notes the hook that it calls some fifty times a step; torch's own setter would
        ask each time whether that is a parameter, which takes longer than a small network."""
        if name == CURRENT_HOOK:
            object.__setattr__(self, name, value)
        else:
            super().__setattr__(name, value)


def ask_for_batches_again(trainer: pl.Trainer) -> None:
    """Begin the pass over the training part anew: Lightning has asked for its first batches before
    `on_train_start`, where a shuffled loader draws the order of the rows."""
    fetcher = trainer.fit_loop._data_fetcher
    assert fetcher is not None
    iter(fetcher)
