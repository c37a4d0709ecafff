"""Early stopping, after the epochs that end with a validation."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
from pytorch_lightning import callbacks


class EarlyStopping(callbacks.EarlyStopping):
    """Lightning's, where every epoch that is validated counts, whichever part the metric is of."""

    def __init__(self, monitor: str, **given: Any) -> None:
        """`given` is what Lightning's takes."""
        super().__init__(monitor, check_on_train_epoch_end=True, **given)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if (trainer.current_epoch + 1) % (trainer.check_val_every_n_epoch or 1) == 0:
            super().on_train_epoch_end(trainer, pl_module)
