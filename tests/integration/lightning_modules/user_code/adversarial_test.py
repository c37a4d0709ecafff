"""A LightningModule with two optimizers that it steps itself, as adversarial networks have them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from lightning_modules.configuration import Configuration
from lightning_modules.errors import Interrupted
from lightning_modules.training.train import TrainingResult, train
from tests.conftest import WriteModule
from tests.support.own_code import LIGHTNING

ADVERSARIAL = (
    LIGHTNING.replace("import pytorch_lightning as pl", "import lightning.pytorch as pl")
    + """

class Adversarial(pl.LightningModule):
    def __init__(self, shape: tuple = (4,), latent: int = 3, lr: float = 0.01, b1: float = 0.5):
        super().__init__()
        self.save_hyperparameters()
        self.automatic_optimization = False
        self.generator = torch.nn.Linear(latent, 4)
        self.discriminator = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Linear(8, 1))
        self.fixed = torch.randn(8, latent)
        self.example_input_array = torch.zeros(2, latent)

    def forward(self, drawn):
        return self.generator(drawn)

    def loss(self, inputs, real):
        found = self.discriminator(inputs)
        wanted = torch.full_like(found, float(real))
        return torch.nn.functional.binary_cross_entropy_with_logits(found, wanted)

    def training_step(self, batch):
        inputs, _ = batch
        first, second = self.optimizers()
        drawn = torch.randn(len(inputs), self.hparams.latent).type_as(inputs)
        self.toggle_optimizer(first)
        g_loss = self.loss(self(drawn), True)
        first.zero_grad()
        self.manual_backward(g_loss)
        first.step()
        self.untoggle_optimizer(first)
        self.toggle_optimizer(second)
        d_loss = (self.loss(inputs, True) + self.loss(self(drawn).detach(), False)) / 2
        second.zero_grad()
        self.manual_backward(d_loss)
        second.step()
        self.untoggle_optimizer(second)
        self.log_dict({"d_loss": d_loss, "g_loss": g_loss})

    def configure_optimizers(self):
        betas = (self.hparams.b1, 0.999)
        return tuple(
            torch.optim.Adam(part.parameters(), lr=self.hparams.lr * factor, betas=betas)
            for part, factor in ((self.generator, 1), (self.discriminator, 2))
        )

    def on_train_epoch_end(self):
        image = self(self.fixed.type_as(self.generator.weight))[None].sigmoid()
        for logger in self.loggers:
            logger.experiment.add_image("generated", image, self.current_epoch)
"""
)
Epochs = list[dict[str, float]]
pytestmark = pytest.mark.usefixtures("own_folder")


def history(
    tree: dict[str, Any], last: int = 0, **options: Any
) -> tuple[TrainingResult | None, Epochs]:
    """The result of a training and its metrics by epoch; it is interrupted after `last`."""
    epochs: Epochs = []

    def on_epoch(epoch: int, metrics: Mapping[str, float]) -> bool:
        epochs.append({name: value for name, value in metrics.items() if name != "time/epoch_s"})
        if epoch == last:
            raise Interrupted
        return True

    try:
        return train(Configuration.resolve(tree), 1, on_epoch, **options), epochs
    except Interrupted:
        return None, epochs


def test_two_optimizers_are_trained_read_by_their_losses_and_continued_to_the_same_numbers(
    write_module: WriteModule, tmp_path: Path
) -> None:
    name = write_module("adversarial", ADVERSARIAL)
    tree = {
        "data": {"class": f"{name}:Rows"},
        "model": {"class": f"{name}:Adversarial", "latent": 2},
        "trainer": {"epochs": 4, "accelerator": "cpu"},
        "objective": {"metric": "g_loss", "goal": "minimize"},
    }
    checkpoint = tmp_path / "best.pt"
    result, whole = history(tree, checkpoint=checkpoint)
    assert result is not None and result.epochs == 4
    assert {"g_loss", "d_loss"} <= set(whole[0])
    assert result.best["g_loss"] == min(metrics["g_loss"] for metrics in whole)
    assert checkpoint.is_file()
    history(tree, last=2, resume_folder=tmp_path / "state")
    _, continued = history(tree, resume_folder=tmp_path / "state")
    assert continued == whole
