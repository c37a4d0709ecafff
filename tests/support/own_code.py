"""Modules that a user of fairtune could have written, as text."""

NETWORK = """
from torch import nn

class Net(nn.Sequential):
    def __init__(self, input_shape, outputs, width=8, dropout=0.0):
        super().__init__(
            nn.Flatten(), nn.Linear(input_shape[0], width), nn.ReLU(), nn.Dropout(dropout),
            nn.Linear(width, outputs),
        )
"""
LIGHTNING = """
import torch
import pytorch_lightning as pl
from torch.utils.data import DataLoader, TensorDataset, random_split

class Rows(pl.LightningDataModule):
    num_classes = 2
    data_hash = "made-1"

    def __init__(self, batch_size=16):
        super().__init__()
        self.batch_size = batch_size
        inputs = torch.randn(96, 4, generator=torch.Generator().manual_seed(0))
        rows = TensorDataset(inputs, (inputs.sum(1) > 0).long())
        self.parts = random_split(rows, [64, 16, 16], torch.Generator().manual_seed(0))

    def train_dataloader(self):
        return DataLoader(self.parts[0], self.batch_size, shuffle=True)

    def val_dataloader(self):
        return DataLoader(self.parts[1], 16)

    def test_dataloader(self):
        return DataLoader(self.parts[2], 16)

class Module(pl.LightningModule):
    def __init__(self, lr=0.1, dropout=0.5, blow_up=0):
        super().__init__()
        self.save_hyperparameters()
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Dropout(dropout), torch.nn.Linear(8, 2)
        )

    def forward(self, inputs):
        return self.layers(inputs)

    def _step(self, part, batch):
        inputs, targets = batch
        loss = torch.nn.functional.cross_entropy(self(inputs), targets)
        if part == "val" and self.hparams.blow_up == self.current_epoch + 1:
            loss = loss * float("nan")
        self.log(f"{part}_loss", loss, on_epoch=True)
        self.log(f"{part}_acc", (self(inputs).argmax(1) == targets).float().mean(), on_epoch=True)
        return loss

    def training_step(self, batch, index):
        return self._step("train", batch)

    def validation_step(self, batch, index):
        self._step("val", batch)

    def test_step(self, batch, index):
        self._step("test", batch)

    def configure_optimizers(self):
        optimizer = torch.optim.SGD(self.parameters(), lr=self.hparams.lr, momentum=0.9)
        return [optimizer], [torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)]
"""
