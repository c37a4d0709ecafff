"""Lazy layers, such as torch's LazyLinear: a first batch tells them their sizes."""

from __future__ import annotations

from contextlib import suppress
from itertools import chain

import pytorch_lightning as pl
import torch
from pytorch_lightning.utilities.model_helpers import is_overridden
from torch import nn
from torch.nn.parameter import is_lazy

from lightning_modules.user_code.distributions import trained_by


def has_lazy_layers(module: nn.Module) -> bool:
    """Whether a layer does not know its sizes yet."""
    return any(is_lazy(each) for each in chain(module.parameters(), module.buffers()))


def materialize(module: pl.LightningModule, data: pl.LightningDataModule) -> None:
    """Show a network with lazy layers a batch, so that its weights are there before an optimizer
    is given them.

    Dropout draws nothing for it, and no layer learns from it. A module whose `forward` does not
    take the inputs of a batch learns its sizes in its first step.
    """
    if not has_lazy_layers(module):
        return
    if not is_overridden("forward", module, trained_by(module).LightningModule):
        return
    data.prepare_data()
    data.setup("fit")
    batch = next(iter(data.train_dataloader()), None)
    if batch is None:
        return
    inputs = batch[:-1] if isinstance(batch, list | tuple) else [batch]
    modes = {layer: layer.training for layer in module.modules()}
    with torch.no_grad(), suppress(Exception):  # if it is wrong, its training says so
        module.eval()(*inputs)
    for layer, is_training in modes.items():
        layer.training = is_training
