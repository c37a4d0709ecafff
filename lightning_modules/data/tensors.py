"""In-memory tensors as a LightningDataModule: split, standardized, batched by indexing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor

EVALUATION_BATCH = 4096
"""Rows per step where nothing is learned."""

Part = tuple[Tensor, Tensor]
"""Inputs (n, *input_shape) and targets, (n,) classes or (n, k) values in units of the data."""


@dataclass(frozen=True)
class Splits:
    """The three parts of a data set."""

    train: Part
    validation: Part
    test: Part
    outputs: int
    """Classes, or values to predict."""

    @cached_property
    def hash(self) -> str:
        """Identity of the data as the networks see it: 12 hexadecimal digits."""
        digest = hashlib.sha256()
        for part in (self.train, self.validation, self.test):
            for tensor in part:
                digest.update(str(tuple(tensor.shape)).encode())
                digest.update(tensor.contiguous().numpy().tobytes())
        return digest.hexdigest()[:12]


class TensorBatches:
    """Batches (inputs, targets) of tensors by indexing, several times faster than collating rows.

    A last batch of a single row is joined to the one before it, since one row has no variance that
    batch normalization could use.
    """

    def __init__(self, part: Part, batch_size: int, generator: torch.Generator | None) -> None:
        """Shuffles with `generator` anew in every epoch; in order where that is None."""
        self.inputs, self.targets = part
        self.batch_size = batch_size
        self.generator = generator

    def __len__(self) -> int:
        full, rest = divmod(len(self.targets), self.batch_size)
        return max(1, full + (rest > 1))

    def __iter__(self) -> Iterator[Part]:
        rows = len(self.targets)
        starts = [step * self.batch_size for step in range(len(self))]
        ends = [*starts[1:], rows]
        if self.generator is None:
            for start, end in zip(starts, ends, strict=True):
                yield self.inputs[start:end], self.targets[start:end]
            return
        order = torch.randperm(rows, generator=self.generator)
        for start, end in zip(starts, ends, strict=True):
            chosen = order[start:end]
            yield self.inputs[chosen], self.targets[chosen]


class TensorDataModule(pl.LightningDataModule):
    """Splits that fit in memory; `batch_size: "full"` is batch gradient descent."""

    def __init__(self, name: str, load: Callable[[], Splits], batch_size: int | str) -> None:
        super().__init__()
        self.name = name
        self.load = load
        self.batch_size = batch_size
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
    def target_scaling(self) -> tuple[Tensor, Tensor] | None:
        """Mean and deviation (k,) of the training targets of a regression, else None."""
        targets = self.splits.train[1]
        if not targets.is_floating_point():
            return None
        deviation = targets.std(0, correction=0)
        return targets.mean(0), torch.where(deviation > 0, deviation, 1.0)

    def train_dataloader(self) -> TensorBatches:
        part = self.splits.train
        size = len(part[1]) if isinstance(self.batch_size, str) else self.batch_size
        self._shuffling = torch.Generator().manual_seed(torch.initial_seed())
        if self._continued is not None:
            self._shuffling.set_state(self._continued)
            self._continued = None
        return TensorBatches(part, size, self._shuffling)

    def state_dict(self) -> dict[str, Any]:
        """Where the shuffling is, for Lightning's checkpoints."""
        return {} if self._shuffling is None else {"shuffling": self._shuffling.get_state()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """The next training shuffles on from there."""
        self._continued = state_dict["shuffling"]

    def val_dataloader(self) -> TensorBatches:
        return TensorBatches(self.splits.validation, EVALUATION_BATCH, None)

    def test_dataloader(self) -> TensorBatches:
        return TensorBatches(self.splits.test, EVALUATION_BATCH, None)

    def predict_dataloader(self) -> TensorBatches:
        return self.test_dataloader()


Array = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


def standardize(inputs: Array, fitted_on: Array, axes: tuple[int, ...]) -> Array:
    """Mean 0 and deviation 1 over `axes`, with the moments of `fitted_on`."""
    mean = fitted_on.mean(axes, keepdims=True)
    deviation = fitted_on.std(axes, keepdims=True)
    scaled: Array = (inputs - mean) / np.where(deviation > 0, deviation, 1.0)
    return scaled
