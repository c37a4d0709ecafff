"""What a LightningModule of the user's logs, epoch by epoch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from lightning_modules.components import suggestion
from lightning_modules.errors import UserError
from lightning_modules.networks.learning import in_float32
from lightning_modules.user_code.trial_logging.logged import Logged

NOTHING: Mapping[str, Tensor] = {}


class UserMetrics(pl.Callback):
    """What a LightningModule of the user's logs, epoch by epoch; what an epoch did not log has no
    value in it.

    The mean of the losses that `training_step` returns is `train/loss`, and the rate of the first
    optimizer is `optim/lr`, where the module logs nothing by these names.
    """

    def __init__(self, logged: Logged) -> None:
        """`logged` is what the module logs beside `self.log`."""
        self._logged_itself = logged
        self._losses: list[Tensor] = []
        self._rate: float | None = None
        self._before: dict[str, Tensor] = {}
        """What was logged before this epoch; Lightning keeps it among the metrics."""

    def on_train_start(self, trainer: Any, pl_module: pl.LightningModule) -> None:
        # such as LearningRateMonitor, which logs every so many steps, once an epoch at least
        most = min(trainer.log_every_n_steps, trainer.num_training_batches)
        trainer.log_every_n_steps = max(1, int(most))

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._losses.clear()
        self._before = dict(trainer.callback_metrics)
        groups = [group for optimizer in trainer.optimizers for group in optimizer.param_groups]
        self._rate = float(groups[0]["lr"]) if groups and "lr" in groups[0] else None

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        loss = outputs.get("loss") if isinstance(outputs, Mapping) else outputs
        if isinstance(loss, Tensor):
            # Lightning has divided it by the batches that make a step
            self._losses.append(loss.detach() * trainer.accumulate_grad_batches)

    def epoch(
        self, trainer: pl.Trainer, objective: str, number: int
    ) -> tuple[dict[str, float], str | None]:
        """The metrics of the epoch `number` that has ended, and the loss among them that is not
        finite.

        Raises UserError where the objective is not among those of the first epoch.
        """
        metrics: dict[str, float] = {}
        if self._losses:
            metrics["train/loss"] = self._mean_loss()
        if self._rate is not None:
            metrics["optim/lr"] = self._rate
        metrics |= self._logged_itself.take()
        metrics |= logged_metrics(trainer, self._before)
        if objective not in metrics and number == 1:
            hint = suggestion(objective, metrics) or "; logged are " + ", ".join(sorted(metrics))
            raise UserError(f"the objective {objective} was not logged in epoch 1{hint}")
        for name, value in metrics.items():
            if "loss" in name and not math.isfinite(value):
                return metrics, f"{name} is {value!r} after epoch {number}"
        return metrics, None

    def diverged(self, number: int) -> str | None:
        """What to say of a pass in the epoch `number`, which goes on, whose loss is not finite."""
        loss = self._mean_loss() if self._losses else 0.0
        return None if math.isfinite(loss) else f"train/loss is {loss!r} in epoch {number}"

    def _mean_loss(self) -> float:
        return float(in_float32(torch.stack(self._losses)).mean())


def logged_metrics(trainer: pl.Trainer, before: Mapping[str, Tensor] = NOTHING) -> dict[str, float]:
    """The numbers that a module has logged last, without those that it had logged `before`."""
    found = trainer.callback_metrics
    new = [name for name, value in found.items() if value is not before.get(name)]
    return {name: float(found[name]) for name in new if found[name].numel() == 1}
