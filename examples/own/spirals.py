"""A LightningDataModule and a LightningModule as anyone could have written them.

Two noisy spirals are to be told apart; fairtune knows neither of the classes.
"""

from __future__ import annotations

import pytorch_lightning as pl
import torch
from pytorch_lightning.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

UNITS = {"sine": torch.sin, "relu": torch.relu}


class Spirals(pl.LightningDataModule):
    """Points (x, y) on two arms of a spiral: 300 to learn from, 200 to validate, 500 to test.

    Another `split_seed` draws other points, so that every repeat of a search has rows of its own.
    """

    num_classes = 2

    def __init__(self, batch_size: int = 32, noise: float = 0.1, split_seed: int = 0) -> None:
        super().__init__()
        self.batch_size = batch_size
        random = torch.Generator().manual_seed(split_seed)
        arm = torch.arange(1000) % 2
        turn = 0.5 + 9.0 * torch.rand(1000, generator=random)
        angle = turn + torch.pi * arm
        points = torch.stack([turn * angle.cos(), turn * angle.sin()], 1) / 5
        points += noise * torch.randn(1000, 2, generator=random)
        self.parts = [
            TensorDataset(points[rows], arm[rows])
            for rows in (slice(0, 300), slice(300, 500), slice(500, 1000))
        ]

    def train_dataloader(self) -> DataLoader[tuple[Tensor, ...]]:
        return DataLoader(self.parts[0], self.batch_size, shuffle=True)

    def val_dataloader(self) -> DataLoader[tuple[Tensor, ...]]:
        return DataLoader(self.parts[1], 500)

    def test_dataloader(self) -> DataLoader[tuple[Tensor, ...]]:
        return DataLoader(self.parts[2], 500)


class Separator(pl.LightningModule):
    """Two hidden layers with a unit of choice, and an optimizer and a schedule of its own."""

    def __init__(self, units: str = "relu", width: int = 32, lr: float = 0.01) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.unit, self.lr = UNITS[units], lr
        self.first, self.second = nn.Linear(2, width), nn.Linear(width, width)
        self.last = nn.Linear(width, 2)

    def forward(self, points: Tensor) -> Tensor:
        scores: Tensor = self.last(self.unit(self.second(self.unit(self.first(points)))))
        return scores

    def step(self, part: str, batch: tuple[Tensor, Tensor]) -> Tensor:
        points, arms = batch
        scores = self(points)
        right = (scores.argmax(1) == arms).float().mean()
        self.log(f"{part}/accuracy", right, on_epoch=True, on_step=False)
        return nn.functional.cross_entropy(scores, arms)

    def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor:
        return self.step("train", batch)

    def validation_step(self, batch: tuple[Tensor, Tensor], index: int) -> None:
        self.step("val", batch)

    def test_step(self, batch: tuple[Tensor, Tensor], index: int) -> None:
        self.step("test", batch)

    def configure_optimizers(self) -> OptimizerLRScheduler:
        optimizer = torch.optim.AdamW(self.parameters(), self.lr)
        schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.95)
        return {"optimizer": optimizer, "lr_scheduler": schedule}
