"""In-memory tensors as a LightningDataModule: split, standardized, batched by indexing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, Protocol

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor

from lightning_modules.data.augmentation.data_statistics import DataStatistics
from lightning_modules.data.augmentation.table import build_augmentation

EVALUATION_BATCH = 4096
"""Rows per step where nothing is learned."""


class Column(Protocol):
    """Rows that become tensors when they are asked for, such as images in files."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows first."""
        ...

    def __getitem__(self, rows: Any) -> Tensor:
        """The rows of a slice or of a tensor of indices."""
        ...

    def digest(self) -> bytes:
        """Identity of the content."""
        ...


Part = tuple[Any, ...]
"""Inputs (n, *input_shape), then the lengths (n,) where rows are padded sequences, then targets:
(n,) classes or (n, k) values in units of the data. Each is a tensor, the inputs may be a Column."""


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


class TensorBatches:
    """Batches of a part's columns by indexing, several times faster than collating rows.

    A last batch of a single row is joined to the one before it, since one row has no variance that
    batch normalization could use.
    """

    def __init__(
        self,
        part: Part,
        batch_size: int,
        generator: torch.Generator | None,
        change: Callable[[Part], Part] | None = None,
        balanced: bool = False,
    ) -> None:
        """Shuffles with `generator` anew in every epoch; in order where that is None.

        Shuffled batches are passed through `change`. Where `balanced`, rows are drawn with
        replacement, so that classes are equally frequent in every epoch.
        """
        self.columns = part
        self.balanced = balanced
        self.change = change
        self.rows = len(part[-1])
        self.batch_size = batch_size
        self.generator = generator

    def __len__(self) -> int:
        full, rest = divmod(self.rows, self.batch_size)
        return max(1, full + (rest > 1))

    def __iter__(self) -> Iterator[tuple[Tensor, ...]]:
        rows = self.rows
        starts = [step * self.batch_size for step in range(len(self))]
        ends = [*starts[1:], rows]
        if self.generator is None:
            for start, end in zip(starts, ends, strict=True):
                yield tuple(column[start:end] for column in self.columns)
            return
        if self.balanced:
            order = balanced_order(self.columns[-1], self.generator)
        else:
            order = torch.randperm(rows, generator=self.generator)
        for start, end in zip(starts, ends, strict=True):
            chosen = order[start:end]
            batch = tuple(column[chosen] for column in self.columns)
            yield batch if self.change is None else self.change(batch)


def balanced_order(classes: Tensor, generator: torch.Generator) -> Tensor:
    """As many rows as `classes` (n,), drawn with replacement: every class equally often, or once
    more."""
    found = classes.bincount().nonzero()[:, 0]
    least, more = divmod(len(classes), len(found))
    counts = torch.full((len(found),), least)
    counts[torch.randperm(len(found), generator=generator)[:more]] += 1
    drawn = []
    for number, count in zip(found.tolist(), counts.tolist(), strict=True):
        rows = (classes == number).nonzero()[:, 0]
        drawn.append(rows[torch.randint(len(rows), (count,), generator=generator)])
    return torch.cat(drawn)[torch.randperm(len(classes), generator=generator)]


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
    ) -> None:
        """`augment` maps names of `AUGMENTATIONS` to parameters; it changes training batches.

        `balance` makes classes count the same: by `weights` of the training loss, or by `sampling`.
        """
        super().__init__()
        self.name = name
        self.load = load
        self.batch_size = batch_size
        self.augment = augment or {}
        self.balance = balance
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
        part = self.splits.train
        size = len(part[-1]) if isinstance(self.batch_size, str) else self.batch_size
        self._shuffling = torch.Generator().manual_seed(torch.initial_seed())
        if self._continued is not None:
            self._shuffling.set_state(self._continued)
            self._continued = None
        mean, deviation = (torch.tensor(moment) for moment in self.splits.scaling)
        change = build_augmentation(self.augment, DataStatistics(self.outputs, mean, deviation))
        return TensorBatches(part, size, self._shuffling, change, self.balance == "sampling")

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
    mean, deviation = moments(fitted_on, axes)
    scaled: Array = (inputs - mean) / deviation
    return scaled


def moments(inputs: Array, axes: tuple[int, ...]) -> tuple[Array, Array]:
    """Mean and deviation over `axes`, which are kept; 1 in place of a deviation of 0."""
    deviation = inputs.std(axes, keepdims=True)
    return inputs.mean(axes, keepdims=True), np.where(deviation > 0, deviation, 1.0)
