"""SupervisedModule: how any network learns from inputs and targets."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from typing import Any, Literal

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn
from torch.optim import Optimizer

from lightning_modules.components import resolve_component
from lightning_modules.data.tensors import TensorDataModule
from lightning_modules.errors import UserError
from lightning_modules.lightning_internals import CURRENT_HOOK
from lightning_modules.networks.accumulation import Accumulation
from lightning_modules.networks.answers import decided, probabilities, shaped
from lightning_modules.networks.learning import Named, Resolved, Task, in_float32
from lightning_modules.optimization import LOSSES, REGULARIZATION, SCHEDULES, goal_of, regularizers
from lightning_modules.optimization.loss_functions import OwnLoss, misread
from lightning_modules.optimization.losses import DEFAULT_LOSS, misfit
from lightning_modules.optimization.metrics import computed_metrics
from lightning_modules.optimization.muon import hidden_matrices
from lightning_modules.optimization.optimizers import OPTIMIZERS, OptimizerRow
from lightning_modules.optimization.schedule import Schedule


class SupervisedModule(pl.LightningModule):
    """A network with its loss, metrics, optimizer, schedule and regularization.

    Batches are (inputs, targets), or (inputs, lengths, targets) for padded sequences. After every
    epoch `train/...` and `val/...` of the loss and of each metric are logged, and `optim/lr`, the
    learning rate of the epoch's first step; metrics on request only where the objective names one.
    The logged loss has neither penalties nor label smoothing nor weights of classes, so that it can
    be compared between regularizations.
    """

    task: str
    loss: Callable[..., Tensor]
    target_mean: Tensor
    target_scale: Tensor
    weights_hash = ""
    """Identity of the file of weights that the network started from."""
    architecture: Mapping[str, Any] | None = None
    """What a checkpoint must say of the network besides its configuration, in plain values."""

    def __init__(
        self,
        network: nn.Module,
        *,
        task: Task | None = None,
        loss: Named | OwnLoss | None = None,
        optimizer: Named | Resolved = "adam",
        schedule: Named = "constant",
        regularization: Mapping[str, Any] | None = None,
        objective: str = "val/loss",
        goal: Literal["minimize", "maximize"] | None = None,
    ) -> None:
        """`objective` is what `plateau` and `early_stopping` watch. Without a `task` it is that of
        the `loss`, and without a loss that of the data, where it is one of fairtune's.

        Raises UserError for an unknown component or a parameter that a component does not take.
        """
        super().__init__()
        self.network = network
        self.follows_data = task is None and loss is None
        """Whether the task is that of the data."""
        self._learn(task, loss)
        if not isinstance(optimizer, tuple):
            optimizer = resolve_component(OPTIMIZERS, optimizer, "optimizer")
        self.optimizer: Resolved = optimizer
        self.schedule = resolve_component(SCHEDULES, schedule, "schedule")
        self.regularization = {
            name: resolve_component(REGULARIZATION, {"name": name, **parameters}, "regularization")
            for name, parameters in regularizers(regularization or {}).items()
        }
        if given := [name for name, _ in self._built("network")]:
            raise UserError(f"{given[0]} belongs to the network; give it to the network itself")
        self.penalties = [penalty for _, penalty in self._built("penalty")]
        self.step_hooks = [hook for _, hook in self._built("step")]
        self.label_smoothing = next((share for _, share in self._built("loss")), 0.0)
        self.class_weights: Tensor | None = None  # of the training loss, (classes,)
        self.reads_lengths = False  # whether batches have lengths
        self.objective = objective
        self.goal = goal or goal_of(objective)
        self.diverged: str | None = None  # what became infinite or not a number, and where
        self.register_buffer("target_mean", torch.zeros(1))
        self.register_buffer("target_scale", torch.ones(1))
        self.value_names: tuple[str, ...] = ()  # of a regression; each has metrics of its own
        self.remark = ""
        """What seems wrong with the network, by its outputs of the first epoch."""
        self.epoch_metrics: dict[str, float] = {}
        """The latest value of every metric that is logged."""
        self.logged: Container[str] | None = None
        """Metrics that go to Lightning's loggers and callbacks, None for all: each costs time."""
        self._losses: list[Tensor] = []
        self._seen: dict[str, list[tuple[Tensor, Tensor]]] = {"train": [], "val": [], "test": []}
        self.learning_rate = 0.0  # of the first step of the current epoch
        self._accumulation, self._every, self._is_reported = Accumulation(1), 1, True

    def __setattr__(self, name: str, value: Any) -> None:
        """Lightning notes the hook that it calls some fifty times a step; torch's own setter would
        ask each time whether that is a parameter, which takes longer than a small network."""
        if name == CURRENT_HOOK:
            object.__setattr__(self, name, value)
        else:
            super().__setattr__(name, value)

    def _learn(self, task: Task | None, loss: Named | OwnLoss | None) -> None:
        """Take the task and its loss, the one by the other where only one is given."""
        if isinstance(loss, OwnLoss):
            self.task, self.loss, self.loss_name = task or "classification", loss, loss.name
            return
        loss = loss or DEFAULT_LOSS[task or "classification"]
        row, parameters = resolve_component(LOSSES, loss, "loss")
        self.task = task or row.tasks[0]
        self.loss = row.build(**parameters)
        self.loss_name = loss if isinstance(loss, str) else str(loss["name"])

    def forward(self, *inputs: Tensor) -> Tensor:
        """Inputs (n, ...) to logits (n, classes or labels), or to values (n, k) in units of the
        data."""
        outputs: Tensor = self.network(*inputs)
        return self._in_units(outputs) if self.task == "regression" else outputs

    def predict(self, *inputs: Tensor) -> Tensor:
        """Inputs (n, ...) to probabilities (n, classes or labels), or to what `forward` gives."""
        outputs = self(*inputs)
        if self.task == "regression":
            return outputs  # type: ignore[no-any-return]
        return probabilities(self.task, self.loss_name, outputs)

    def setup(self, stage: str) -> None:
        """Take from the data the scale of the targets, so that the network learns deviations, the
        weights of the classes, and the task where none was named.

        Raises UserError where the loss is of another task than the data.
        """
        data = getattr(self.trainer, "datamodule", None)
        if not isinstance(data, TensorDataModule):
            self.class_weights = None
            return
        if data.task != self.task:
            if not self.follows_data:
                targets = f"the targets of {data.name}"
                raise UserError(misfit(self.loss_name, self.task, targets, data.task))
            self._learn(data.task, None)
        self.value_names = data.splits.values
        if stage == "fit" and (scaling := data.target_scaling) is not None:
            self.target_mean, self.target_scale = (part.to(self.device) for part in scaling)
        weights = data.class_weights
        self.class_weights = None if weights is None else weights.to(self.device)

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """The optimizer and its schedule, which is stepped after every optimizer step."""
        row, parameters = self.optimizer
        if "weight_decay" in self.regularization and "weight_decay" in parameters:
            parameters = {**parameters, "weight_decay": 0.0}  # takes the place of the optimizer's
        if isinstance(row, OptimizerRow) and row.by_matrix:
            parameters = {**parameters, "matrices": hidden_matrices(self.network)}
        weights = self.learning_weights(float(parameters["lr"]))
        optimizer: Optimizer = row.build(weights, **parameters)
        epochs = max(1, self.trainer.max_epochs or 1)
        row, parameters = self.schedule
        schedule: Schedule = row.build(
            optimizer,
            epochs=epochs,
            steps_per_epoch=max(1, int(self.trainer.estimated_stepping_batches) // epochs),
            goal=self.goal,
            **parameters,
        )
        scheduling: Any = {"scheduler": schedule, "interval": "step"}
        return {"optimizer": optimizer, "lr_scheduler": scheduling}

    def learning_weights(self, lr: float) -> Iterable[Any]:
        """The weights that the optimizer gets, or groups of them with learning rates of their own;
        the first group has the rate `lr`."""
        return [weight for weight in self.parameters() if weight.requires_grad]

    def configure_callbacks(self) -> list[Callback]:
        """Early stopping, where the regularization asks for it."""
        return [
            row.build(monitor=self.objective, goal=self.goal, **parameters)
            for row, parameters in self.regularization.values()
            if row.role == "callback"
        ]

    def lr_scheduler_step(self, scheduler: Any, metric: Any) -> None:
        """Advance the schedule by one optimizer step."""
        scheduler.step()

    def on_train_epoch_start(self) -> None:
        self.learning_rate = self._schedule().rate
        self._every = self.trainer.check_val_every_n_epoch or 1
        self._is_reported = (self.current_epoch + 1) % self._every == 0
        self._accumulation = Accumulation(self.trainer.accumulate_grad_batches)

    def training_step(self, batch: tuple[Tensor, ...], _: int) -> Tensor:
        outputs, targets = self._answer("train", batch)
        weighted = () if self.class_weights is None else (self.class_weights,)
        loss: Tensor = self.loss(outputs, targets, self.label_smoothing, *weighted)
        if self.penalties:
            weights = [w for w in self.parameters() if w.ndim > 1 and w.requires_grad]
            loss = torch.stack([loss, *(penalty(weights) for penalty in self.penalties)]).sum()
        self._losses.append(loss.detach())
        return self._accumulation.weighted(loss, len(targets))

    def on_before_optimizer_step(self, optimizer: Optimizer) -> None:
        self._accumulation.average(optimizer)
        for hook in self.step_hooks:
            hook(optimizer)

    def on_train_epoch_end(self) -> None:
        finite = torch.stack(self._losses).isfinite()
        self._losses.clear()
        if not finite.all():
            step = int((~finite).nonzero()[0]) // self._accumulation.batches + 1
            where = f"step {step} of epoch {self.current_epoch + 1}"
            self.diverged = f"the training loss is no longer finite at {where}"
        if not self._is_reported:
            return
        self._log_part("train")
        self._log({"optim/lr": self.learning_rate})
        schedule = self._schedule()
        if schedule.watches_metric:
            if self.objective not in self.epoch_metrics:
                raise UserError(f"plateau watches {self.objective}, which was not logged")
            schedule.epoch_end(self.epoch_metrics[self.objective])

    def validation_step(self, batch: tuple[Tensor, ...], _: int) -> None:
        self._answer("val", batch)

    def on_validation_epoch_end(self) -> None:
        self._log_part("val")

    def test_step(self, batch: tuple[Tensor, ...], _: int) -> None:
        self._answer("test", batch)

    def on_test_epoch_end(self) -> None:
        self._log_part("test")

    def predict_step(self, batch: tuple[Tensor, ...], _: int) -> Tensor:
        return self.predict(*batch[:-1])

    def _answer(self, part: str, batch: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
        """The network's outputs and the targets on its scale, both kept for the metrics."""
        *inputs, targets = batch
        outputs = in_float32(self.network(*inputs))
        targets = shaped(self.task, outputs, targets)
        if self.task == "regression":
            targets = (targets - self.target_mean) / self.target_scale
        if self._is_reported or part != "train":
            self._seen[part].append((outputs.detach(), targets))
        return outputs, targets

    def _log_part(self, part: str) -> None:
        """Log the loss and the metrics of a whole pass over a part of the data."""
        outputs, targets = (torch.cat(column) for column in zip(*self._seen[part], strict=True))
        self._seen[part].clear()
        if part == "val" and self.current_epoch < self._every:
            self.remark = misread(self.loss_name, outputs)
        values = {"loss": self.loss(outputs, targets, 0.0)}
        if self.task == "regression":
            predictions, truth = self._in_units(outputs), self._in_units(targets)
        else:
            predictions, truth = decided(self.task, self.loss_name, outputs, targets)
        values |= computed_metrics(
            self.task,
            self.objective,
            predictions,
            lambda: probabilities(self.task, self.loss_name, outputs),
            truth,
            classes=max(2, outputs.shape[1]),
            names=() if part == "train" else self.value_names,
        )
        self._log({f"{part}/{name}": value.item() for name, value in values.items()})

    def _log(self, values: Mapping[str, float]) -> None:
        self.epoch_metrics |= values
        for name, value in values.items():
            if self.logged is None or name in self.logged:
                self.log(name, value)

    def _in_units(self, values: Tensor) -> Tensor:
        return values * self.target_scale + self.target_mean

    def _schedule(self) -> Schedule:
        schedule = self.lr_schedulers()
        assert isinstance(schedule, Schedule)
        return schedule

    def _built(self, role: str) -> list[tuple[str, Any]]:
        return [
            (name, row.build(**parameters))
            for name, (row, parameters) in self.regularization.items()
            if row.role == role
        ]
