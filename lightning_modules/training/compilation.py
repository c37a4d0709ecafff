"""Networks that torch compiles."""

from __future__ import annotations

import logging

import pytorch_lightning as pl
import torch._dynamo
import torch._inductor.config as inductor
from torch import nn

from lightning_modules.networks import SupervisedModule


def compile_network(module: pl.LightningModule) -> None:
    """Have torch compile a network where it is called; its weights and their names stay.

    A LightningModule of the user's is compiled where it calls itself, as in `self(inputs)`.
    """
    # torch gives up on a class after eight networks of it, and would train the ninth without
    torch._dynamo.reset()
    logging.getLogger("torch.utils.cpp_extension").setLevel(logging.ERROR)  # there may be no GPU
    inductor.compile_threads = 1  # workers have a core each
    network: nn.Module = module.network if isinstance(module, SupervisedModule) else module
    # one graph for batches of all sizes: which is used must not depend on those that came before
    network.compile(dynamic=True)
