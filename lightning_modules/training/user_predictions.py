"""What a trained network answers to the test part of a data module of the user's."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from lightning_modules.configuration import Configuration
from lightning_modules.errors import FairtuneError, UserCodeError, UserError
from lightning_modules.training.trainer import build_trainer, plain, quiet
from lightning_modules.user_code.distributions import DATA, taken_by
from lightning_modules.user_code.imports import error_summary
from lightning_modules.user_code.modules import answered, has_test_part


def predict_test_part(
    module: pl.LightningModule, data: pl.LightningDataModule, configuration: Configuration
) -> tuple[Tensor, Tensor]:
    """Answers and targets (n, ...) of every row, by Lightning, with the module's own hooks.

    Raises UserError where there is no test part, or batches are no tuples of tensors (inputs,
    targets), and UserCodeError where the data module raises.
    """
    name = configuration.data.name
    if not has_test_part(data):
        raise UserError(f"{name} has no test_dataloader, and so no test part")
    collector = _Collector(module, configuration.task, name)
    try:
        with quiet():
            data.prepare_data()
            data.setup("fit")  # before a test there was always a training
            data = taken_by(pl, data, DATA)
            build_trainer(plain(configuration)).test(collector, datamodule=data, verbose=False)
    except FairtuneError:
        raise
    except Exception as error:
        raise UserCodeError(f"{name}: its test part raised {error_summary(error)}") from error
    if not collector.answers:
        raise UserError(f"{name}: its test part has no rows")
    return torch.cat(collector.answers), torch.cat(collector.targets)


class _Collector(pl.LightningModule):
    def __init__(self, module: pl.LightningModule, task: str, name: str) -> None:
        super().__init__()
        self.module = module
        self.task = task
        self.data_name = name
        self.answers: list[Tensor] = []
        self.targets: list[Tensor] = []

    def test_step(self, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> None:
        targets = batch[-1] if isinstance(batch, list | tuple) and len(batch) > 1 else None
        if not isinstance(targets, Tensor) or targets.ndim == 0:
            raise UserError(
                f"{self.data_name}: the batches of its test part must be tuples (inputs, targets) "
                "of tensors, or (inputs, lengths, targets)"
            )
        self.answers.append(answered(self.module, self.task, *batch[:-1]))
        self.targets.append(targets)
