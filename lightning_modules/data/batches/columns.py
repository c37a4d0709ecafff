"""What a part of the data is made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from lightning_modules.data.batches.loader_workers import LoaderWorkers

CPU = torch.device("cpu")
Bounds = Sequence[tuple[int, int]]
"""Where each batch begins and ends, in an order of the rows."""


class Column(Protocol):
    """Rows that become tensors when they are asked for, such as images in files."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows first."""
        ...

    @property
    def nbytes(self) -> int:
        """Bytes of memory that the rows take."""
        ...

    def to(self, device: torch.device) -> Column:
        """The same rows, whose tensors are on a device."""
        ...

    def __getitem__(self, rows: Any) -> Tensor:
        """The rows of a slice or of a tensor of indices."""
        ...

    def batches(
        self, order: Tensor | None, bounds: Bounds, workers: LoaderWorkers
    ) -> Iterator[Tensor]:
        """The rows of every batch, in an `order` (n,) that is on the CPU; None is their own."""
        ...

    def digest(self) -> bytes:
        """Identity of the content."""
        ...


Part = tuple[Any, ...]
"""Inputs (n, *input_shape), then the lengths (n,) where rows are padded sequences, then targets:
(n,) classes or (n, k) values in units of the data. Each is a tensor, the inputs may be a Column."""


def indexed(column: Any, order: Tensor | None, bounds: Bounds) -> Iterator[Tensor]:
    """The batches of rows that are in memory, on the device that `column.device` says."""
    if order is not None:
        order = order.to(column.device)
    for start, end in bounds:
        yield column[start:end] if order is None else column[order[start:end]]
