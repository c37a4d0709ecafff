"""What is used of Lightning's private members is there; where not, the test says what to mend."""

from collections.abc import Iterator
from pathlib import Path

import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader, TensorDataset

from lightning_modules.configuration import Configuration
from lightning_modules.lightning_internals import (
    CURRENT_HOOK,
    ask_for_batches_again,
    keep_hyperparameters_apart,
)
from lightning_modules.training.trainer import build_trainer, quiet
from lightning_modules.user_code.trial_logging.trial_logger import TrialLogger

CONFIGURATION = Configuration.resolve({"data": "iris", "model": "mlp", "trainer": {"epochs": 1}})
BROKE = f"pytorch-lightning {pl.__version__}: {{}}; mend lightning_modules/lightning_internals.py"


class Shuffled(DataLoader[tuple[torch.Tensor, ...]]):
    """Counts how often its rows are asked for."""

    asked = 0

    def __iter__(self) -> Iterator[tuple[torch.Tensor, ...]]:  # type: ignore[override]
        self.asked += 1
        return super().__iter__()


class Module(pl.LightningModule):
    """Learns nothing, and begins its first epoch anew."""

    def __init__(self) -> None:
        super().__init__()
        self.hooks: set[str] = set()
        self.rows: list[float] = []
        self.weight = torch.nn.Parameter(torch.ones(1))

    def __setattr__(self, name: str, value: object) -> None:
        if name == CURRENT_HOOK and value:
            self.hooks.add(str(value))
        super().__setattr__(name, value)

    def on_train_start(self) -> None:
        torch.manual_seed(7)
        ask_for_batches_again(self.trainer)

    def training_step(self, batch: tuple[torch.Tensor], _: int) -> torch.Tensor:
        self.rows += batch[0].tolist()
        return self.weight.sum()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.0)


def trained() -> tuple[Module, Shuffled]:
    """A module after one epoch over eight rows, and what it was trained on."""
    module, rows = Module(), Shuffled(TensorDataset(torch.arange(8.0)), batch_size=2, shuffle=True)
    with quiet():
        build_trainer(CONFIGURATION).fit(module, rows)
    return module, rows


def test_the_first_batches_are_asked_for_once_more() -> None:
    module, rows = trained()
    said = BROKE.format("the fit loop has no fetcher that `iter` restarts at on_train_start")
    assert rows.asked == 2, said
    torch.manual_seed(7)
    wanted = [row for batch in Shuffled(rows.dataset, 2, shuffle=True) for row in batch[0].tolist()]
    assert module.rows == wanted, said


def test_lightning_notes_the_hook_that_it_calls() -> None:
    module, _ = trained()
    assert "training_step" in module.hooks, BROKE.format("the current hook is noted elsewhere")


class Named(Module):
    """Logs by itself and by `self.log`, and has a hyperparameter that its data has too."""

    def __init__(self, size: int = 1) -> None:
        super().__init__()
        self.save_hyperparameters()

    def on_train_epoch_end(self) -> None:
        assert isinstance(self.logger, TrialLogger)
        self.logger.log_metrics({"mine": 1.0})
        self.log("theirs", 2.0)


class Rows(pl.LightningDataModule):
    def __init__(self, size: int = 2) -> None:
        super().__init__()
        self.save_hyperparameters()

    def train_dataloader(self) -> Shuffled:
        return Shuffled(TensorDataset(torch.arange(8.0)), batch_size=2)


def test_a_logger_is_given_what_the_module_logs_by_itself_alone(tmp_path: Path) -> None:
    logger, data = TrialLogger(tmp_path), Rows()
    keep_hyperparameters_apart(data)
    with quiet():
        trainer = build_trainer(CONFIGURATION, logger=logger)
        trainer.fit(Named(), datamodule=data)  # with hyperparameters that differ
    said = BROKE.format("the connector hands metrics to loggers in another way")
    assert logger.logged.take() == {"mine": 1.0}, said
    assert trainer.logged_metrics["theirs"] == 2.0, said
