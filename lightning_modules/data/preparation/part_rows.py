"""How many rows the parts of the data have."""

from __future__ import annotations

from collections.abc import Sized
from typing import Any

import pytorch_lightning as pl

from lightning_modules.data.preparation.prepared import PARTS
from lightning_modules.data.tensors import TensorDataModule


def rows_of_parts(data: pl.LightningDataModule, trainer: pl.Trainer) -> dict[str, int]:
    """Rows of `train`, `validation` and `test`, as far as they are known.

    Of a module of the user's they are those of the data sets that the trainer has read last, in a
    training or in a test: of a part with a single loader, whose data set has a length.
    """
    if isinstance(data, TensorDataModule):
        return {part: len(getattr(data.splits, part)[-1]) for part in PARTS}
    loaders = (trainer.train_dataloader, trainer.val_dataloaders, trainer.test_dataloaders)
    known = {part: _rows(loader) for part, loader in zip(PARTS, loaders, strict=True)}
    return {part: rows for part, rows in known.items() if rows is not None}


def _rows(loader: Any) -> int | None:
    """The length of a loader's data set; None where there is none, or several of them."""
    if isinstance(loader, list) and len(loader) == 1:
        loader = loader[0]
    dataset = getattr(loader, "dataset", None)
    try:
        return len(dataset) if isinstance(dataset, Sized) else None
    except (TypeError, NotImplementedError):  # of a stream that inherits a length it cannot tell
        return None
