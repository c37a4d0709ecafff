"""The convolutional network for sequences of different lengths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from lightning_modules.networks.activations import build_activation


class SequenceCNN(nn.Module):
    """Blocks of convolution, normalization, activation and pooling over the steps of a sequence,
    then pooling over all that is left, then one linear layer (Kim 2014, arXiv:1408.5882).

    Sequences (n, steps, features) with lengths (n,) to (n, outputs). Padding is 0 to every
    convolution, as what lies beyond the ends is, and takes no part in normalization and pooling:
    a row has the same answer however far it is padded. Pooling `none` ends with the mean.
    """

    def __init__(
        self,
        features: int,
        outputs: int,
        channels: Sequence[int] = (16, 32),
        kernel_size: int = 3,
        pooling: str = "max",
        activation: str | Mapping[str, Any] = "relu",
        batch_norm: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        widths = [features, *channels]
        self.convolutions = nn.ModuleList(
            nn.Conv1d(width, count, kernel_size)
            for width, count in zip(widths[:-1], channels, strict=True)
        )
        self.norms = nn.ModuleList(nn.BatchNorm1d(count) for count in channels if batch_norm)
        self.activations = nn.ModuleList(build_activation(activation) for _ in channels)
        self.sides = (kernel_size - 1) // 2, kernel_size // 2
        self.pooling = pooling
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(widths[-1], outputs)

    def forward(self, inputs: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Inputs (n, steps, features) to (n, outputs); steps beyond `lengths` (n,) are padding."""
        signals = inputs.transpose(1, 2)
        if lengths is None:
            lengths = torch.full((len(inputs),), inputs.shape[1])
        lengths = lengths.to(inputs.device)
        for place, convolution in enumerate(self.convolutions):
            real = _real(signals, lengths)
            signals = convolution(functional.pad(signals * real, self.sides))
            if self.norms:
                signals = self._normalized(self.norms[place], signals, real)
            signals = self.activations[place](signals)
            if self.pooling != "none":
                signals = _pooled(signals, lengths, 2, self.pooling)
                lengths = (lengths + 1) // 2
        whole = _pooled(signals, lengths, signals.shape[2], self.pooling).squeeze(2)
        answer: Tensor = self.head(self.dropout(whole))
        return answer

    def _normalized(self, norm: nn.Module, signals: Tensor, real: Tensor) -> Tensor:
        """Over the real steps of the batch only."""
        steps = signals.transpose(1, 2)
        chosen = real.squeeze(1)
        filled = torch.zeros_like(steps)
        filled[chosen] = norm(steps[chosen])
        return filled.transpose(1, 2)


def _real(signals: Tensor, lengths: Tensor) -> Tensor:
    """Which steps are no padding: (n, 1, steps)."""
    return (torch.arange(signals.shape[2], device=signals.device) < lengths[:, None]).unsqueeze(1)


def _pooled(signals: Tensor, lengths: Tensor, size: int, pooling: str) -> Tensor:
    """The largest, or the mean, of every `size` real steps; a last few are pooled as they are."""
    real = _real(signals, lengths)
    if pooling == "max":
        kept = signals.masked_fill(~real, -torch.inf)
        pooled = functional.max_pool1d(kept, size, ceil_mode=True)
        return pooled.masked_fill(pooled == -torch.inf, 0.0)
    missing = -signals.shape[2] % size
    sums, counts = (
        functional.pad(each, (0, missing)).reshape(*each.shape[:2], -1, size).sum(3)
        for each in (signals * real, real)
    )
    return sums / counts.clamp(min=1)
