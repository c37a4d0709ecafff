"""What augmentation does to batches of signals (n, c, t) and of sequences (n, t, c) with lengths,
with other random numbers for each row.

The functions take a batch, (inputs, targets) or (inputs, lengths, targets), and the
`DataStatistics` of its data and give the new batch. The padding of sequences stays 0.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from lightning_modules.data.augmentation.data_statistics import DataStatistics

Batch = tuple[Tensor, ...]
BatchChange = Callable[[Batch, DataStatistics], Batch]


def jitter(sigma: float) -> BatchChange:
    """Add normal noise to every real value."""

    def change(batch: Batch, facts: DataStatistics) -> Batch:
        inputs, *others = batch
        noise = sigma * torch.randn(inputs.shape)
        inputs += noise * _on_steps(batch, _before(batch, _lengths(batch)))
        return inputs, *others

    return change


def scaling(sigma: float) -> BatchChange:
    """Multiply every channel by a normal factor about 1."""

    def change(batch: Batch, facts: DataStatistics) -> Batch:
        inputs, *others = batch
        rows, one, two = inputs.shape
        factors = 1 + sigma * torch.randn(rows, two if _padded(batch) else one)
        inputs *= factors.unsqueeze(1 if _padded(batch) else 2)
        return inputs, *others

    return change


def time_mask(share: float) -> BatchChange:
    """Set a stretch of steps to 0, of a length up to `share` of the row."""

    def change(batch: Batch, facts: DataStatistics) -> Batch:
        inputs, *others = batch
        lengths = _lengths(batch)
        masked = _up_to((share * lengths).long())
        begin = _up_to(lengths - masked)
        stretch = _before(batch, begin + masked) & ~_before(batch, begin)
        return inputs.masked_fill_(_on_steps(batch, stretch), 0.0), *others

    return change


def window(share: float) -> BatchChange:
    """Keep a window of `share` of the steps: of sequences as it is, of signals stretched."""

    def change(batch: Batch, facts: DataStatistics) -> Batch:
        lengths = _lengths(batch)
        kept = (share * lengths).round().long().clamp(min=1)
        begin = _up_to(lengths - kept)
        if _padded(batch):
            return _cut(batch, begin, kept)
        return _stretched(batch, begin, kept)

    return change


def _cut(batch: Batch, begin: Tensor, kept: Tensor) -> Batch:
    inputs, _, targets = batch
    last = inputs.shape[1] - 1
    places = (begin[:, None] + torch.arange(last + 1)).clamp(max=last)
    pieces = inputs[torch.arange(len(inputs))[:, None], places]
    return pieces * _on_steps(batch, _before(batch, kept)), kept, targets


def _stretched(batch: Batch, begin: Tensor, kept: Tensor) -> Batch:
    inputs, targets = batch
    steps = inputs.shape[2]
    places = begin[:, None] + torch.linspace(0, 1, steps) * (kept[:, None] - 1)
    before = places.long()
    after = (before + 1).clamp(max=steps - 1)
    weight = (places - before).unsqueeze(1)
    low, high = (inputs.gather(2, at.unsqueeze(1).expand(inputs.shape)) for at in (before, after))
    return low + weight * (high - low), targets


def _padded(batch: Batch) -> bool:
    return len(batch) == 3


def _lengths(batch: Batch) -> Tensor:
    if _padded(batch):
        return batch[1]
    return torch.full((len(batch[0]),), batch[0].shape[2])


def _before(batch: Batch, ends: Tensor) -> Tensor:
    """Which steps come before the end of each row: (n, t)."""
    steps = batch[0].shape[1 if _padded(batch) else 2]
    return torch.arange(steps) < ends[:, None]


def _on_steps(batch: Batch, chosen: Tensor) -> Tensor:
    """Chosen steps (n, t) in a shape that goes with the inputs."""
    return chosen.unsqueeze(2 if _padded(batch) else 1)


def _up_to(largest: Tensor) -> Tensor:
    """Whole numbers from 0 to `largest`, each as likely."""
    drawn = (torch.rand(len(largest)) * (largest + 1)).long()
    return torch.minimum(drawn, largest)
