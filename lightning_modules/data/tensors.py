"""In-memory tensors as a LightningDataModule: split, standardized, batched by indexing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor

from lightning_modules.data.augmentation.data_statistics import DataStatistics
from lightning_modules.data.augmentation.table import build_augmentation
from lightning_modules.data.batches import gpu
from lightning_modules.data.batches.columns import CPU, Part
from lightning_modules.data.batches.loader_workers import LoaderWorkers
from lightning_modules.data.batches.tensor_batches import TensorBatches

EVALUATION_BATCH = 4096
"""Rows per step where nothing is learned."""


@dataclass(frozen=True)
class Splits:
    """The three parts of a data set, and what else a prediction for new rows needs."""

    train: Part
    validation: Part
    test: Part
    outputs: int
    """Classes, or values to predict."""
    classes: tuple[str, ...] = ()
    """What the classes are called, where they have names; of targets that are numbers, the labels
    of which each says whether a row has it."""
    preparation: Mapping[str, Any] = field(default_factory=dict)
    """How new rows become inputs: what was fitted on the training part, in plain values."""
    input_embedding: Mapping[str, Any] | None = None
    """What embeds the inputs before the network reads them, for
    `networks.input_embedding.build_input_embedding`."""
    scaling: tuple[Sequence[float], Sequence[float]] = ((0.0,), (1.0,))
    """Mean and deviation per channel, see `augmentation.DataStatistics`."""
    names: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    """Columns that name the rows of the test part: `row` is their number in the file, from 1.
    Empty where the part is a whole file or set, in its order."""
    values: tuple[str, ...] = ()
    """What the values of a regression are called, where there are several."""

    @cached_property
    def hash(self) -> str:
        """Identity of the data as the networks see it: 12 hexadecimal digits."""
        digest = hashlib.sha256()
        for part in (self.train, self.validation, self.test):
            for column in part:
                digest.update(str(tuple(column.shape)).encode())
                if isinstance(column, Tensor):
                    digest.update(column.contiguous().numpy().tobytes())
                else:
                    digest.update(column.digest())
        return digest.hexdigest()[:12]


class TensorDataModule(pl.LightningDataModule):
    """Splits that fit in memory; `batch_size: "full"` is batch gradient descent."""

    def __init__(
        self,
        name: str,
        load: Callable[[], Splits],
        batch_size: int | str,
        *,
        augment: Mapping[str, Any] | None = None,
        balance: str = "none",
        workers: LoaderWorkers | None = None,
    ) -> None:
        """`augment` maps names of `AUGMENTATIONS` to parameters; it changes training batches.

        `balance` makes classes count the same: by `weights` of the training loss, or by `sampling`.
        `workers` decode rows that are not in memory, until the `teardown` of a training or test.
        """
        super().__init__()
        self.name = name
        self.load = load
        self.batch_size = batch_size
        self.augment = augment or {}
        self.balance = balance
        self.workers = workers or LoaderWorkers()
        self._placed: dict[tuple[str, torch.device], Part] = {}
        self._shuffling: torch.Generator | None = None
        self._continued: Tensor | None = None

    @cached_property
    def splits(self) -> Splits:
        """The data, loaded when first asked for."""
        return self.load()

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one row."""
        return tuple(self.splits.train[0].shape[1:])

    @property
    def outputs(self) -> int:
        """Classes, or values to predict."""
        return self.splits.outputs

    @property
    def task(self) -> Literal["classification", "regression", "multilabel"]:
        """What there is to learn: numbers, classes, or which labels a row has."""
        if not self.splits.train[-1].is_floating_point():
            return "classification"
        return "multilabel" if self.splits.classes else "regression"

    @property
    def target_scaling(self) -> tuple[Tensor, Tensor] | None:
        """Mean and deviation (k,) of the training targets of a regression, else None."""
        targets = self.splits.train[-1]
        if self.task != "regression":
            return None
        deviation = targets.std(0, correction=0)
        return targets.mean(0), torch.where(deviation > 0, deviation, 1.0)

    @property
    def class_weights(self) -> Tensor | None:
        """What a row of each class counts in the training loss, (classes,), 1 on average over the
        rows; None where all count the same."""
        if self.balance != "weights":
            return None
        counts = self.splits.train[-1].bincount(minlength=self.outputs)
        there = counts > 0
        return torch.where(there, counts.sum() / (there.sum() * counts.clamp(min=1)), 0.0)

    def train_dataloader(self) -> TensorBatches:
        rows = len(self.splits.train[-1])
        size = rows if isinstance(self.batch_size, str) else self.batch_size
        self._shuffling = torch.Generator().manual_seed(torch.initial_seed())
        if self._continued is not None:
            self._shuffling.set_state(self._continued)
            self._continued = None
        mean, deviation = (torch.tensor(moment) for moment in self.splits.scaling)
        change = build_augmentation(self.augment, DataStatistics(self.outputs, mean, deviation))
        return self._batches("train", size, self._shuffling, change, self.balance == "sampling")

    def state_dict(self) -> dict[str, Any]:
        """Where the shuffling is, for Lightning's checkpoints."""
        return {} if self._shuffling is None else {"shuffling": self._shuffling.get_state()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """The next training shuffles on from there."""
        self._continued = state_dict["shuffling"]

    def val_dataloader(self) -> TensorBatches:
        return self._batches("validation", EVALUATION_BATCH)

    def test_dataloader(self) -> TensorBatches:
        return self._batches("test", EVALUATION_BATCH)

    def predict_dataloader(self) -> TensorBatches:
        return self.test_dataloader()

    def teardown(self, stage: str) -> None:
        """End the processes that decode."""
        self.workers.close()

    def _batches(
        self,
        name: str,
        size: int,
        shuffling: torch.Generator | None = None,
        change: Callable[[Part], Part] | None = None,
        balanced: bool = False,
    ) -> TensorBatches:
        """Batches of a part, which is moved to the GPU of the trainer once, if it has one.

        Rows that are to change stay on the CPU: random numbers must not depend on the device.
        """
        device = gpu.device_of(self.trainer)
        home = device if change is None else CPU
        if (name, home) not in self._placed:
            self._placed[name, home] = gpu.placed(getattr(self.splits, name), home)
        part = self._placed[name, home]
        pinned = device != CPU and part[-1].device == CPU
        return TensorBatches(part, size, shuffling, change, balanced, self.workers, pinned)


Array = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


def standardize(inputs: Array, fitted_on: Array, axes: tuple[int, ...]) -> Array:
    """Mean 0 and deviation 1 over `axes`, with the moments of `fitted_on`."""
    mean, deviation = moments(fitted_on, axes)
    scaled: Array = (inputs - mean) / deviation
    return scaled


def moments(inputs: Array, axes: tuple[int, ...]) -> tuple[Array, Array]:
    """Mean and deviation over `axes`, which are kept; 1 in place of a deviation of 0."""
    deviation = inputs.std(axes, keepdims=True)
    return inputs.mean(axes, keepdims=True), np.where(deviation > 0, deviation, 1.0)
