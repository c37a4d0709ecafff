"""What a module of the user's answers, as probabilities."""

from __future__ import annotations

import pytorch_lightning as pl
from torch import Tensor

from lightning_modules.errors import UserError


def probabilities_of_labels(
    module: pl.LightningModule, found: Tensor, are_probabilities: bool
) -> Tensor:
    """Its answers (n, labels), which are logits unless they are probabilities already.

    Raises UserError where they are neither.
    """
    if not isinstance(found, Tensor) or found.ndim != 2:
        raise UserError(
            f"{type(module).__name__} answers with {type(found).__name__}; for several labels its "
            "predict (probabilities) or its forward (logits) must give a number per label for "
            "every row"
        )
    if not are_probabilities:
        return found.sigmoid()
    if not bool(((found >= 0) & (found <= 1)).all()):
        raise UserError(
            f"{type(module).__name__}: its predict gives numbers that are no probabilities of "
            "labels; give them through sigmoid"
        )
    return found
