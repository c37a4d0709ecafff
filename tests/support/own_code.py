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
LEARNING = """
import torch
from torch import nn
from torch.nn import functional

class Focal(nn.Module):
    def __init__(self, gamma: float = 2.0):
        super().__init__()
        self.gamma = gamma
        self.bias = nn.Parameter(torch.zeros(3))
        self.register_buffer("seen", torch.zeros(1))

    def forward(self, outputs, targets):
        logs = functional.log_softmax(outputs + self.bias, 1)[torch.arange(len(targets)), targets]
        return -((1 - logs.exp()) ** self.gamma * logs).mean()

class Tasked(nn.Module):
    def __init__(self, task):
        super().__init__()
        self.task = task

    def forward(self, outputs, targets):
        return (outputs - targets).square().mean()

def squared(outputs, targets, scale=1.0):
    return scale * (outputs - targets).square().mean()

def make_squared(scale=2.0):
    return lambda outputs, targets: scale * (outputs - targets).square().mean()

def rows(outputs, targets):
    return (outputs - targets).square()

class NoLoss:
    pass

class Sign(torch.optim.Optimizer):
    def __init__(self, parameters, lr=0.01, beta=0.9):
        if lr <= 0:
            raise ValueError("lr must be > 0")
        super().__init__(parameters, {"lr": lr, "beta": beta})

    @torch.no_grad()
    def step(self, closure=None):
        loss = None if closure is None else torch.enable_grad()(closure)()
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    mean = self.state[weight].setdefault("mean", torch.zeros_like(weight))
                    mean.lerp_(weight.grad, 1 - group["beta"])
                    weight.sub_(group["lr"] * mean.sign())
        return loss

class Unrated(torch.optim.Optimizer):
    def __init__(self, parameters):
        super().__init__(parameters, {})

class NoOptimizer:
    def __init__(self, parameters, lr=0.1):
        pass
"""
