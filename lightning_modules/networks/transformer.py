"""A causal transformer: every step sees the steps before it, and the last one answers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from lightning_modules.components import apart
from lightning_modules.networks.learning import LEARNING
from lightning_modules.networks.supervised_module import SupervisedModule

WIDER = 4
"""Times as wide as a step that the layer between two attentions is."""


class TransformerNetwork(nn.Module):
    """Reads a sequence in blocks that normalize first, and answers from its last step.

    An image (c, h, w) is h steps of c*w features, a signal (c, t) is t steps of c features, and
    with `sequence=True` the shape is (steps, features) already. Positions are sines (Vaswani 2017,
    section 3.5), which any length has.
    """

    def __init__(
        self,
        input_shape: Sequence[int],
        outputs: int,
        num_layers: int = 2,
        num_heads: int = 4,
        head_size: int = 8,
        dropout: float = 0.0,
        sequence: bool = False,
    ) -> None:
        super().__init__()
        self.sequence = sequence
        features = input_shape[-1] if sequence else math.prod(input_shape) // input_shape[1]
        width = num_heads * head_size
        self.input = nn.Identity() if features == width else nn.Linear(features, width)
        self.blocks = nn.ModuleList(
            nn.TransformerEncoderLayer(
                width,
                num_heads,
                WIDER * width,
                dropout,
                activation="gelu",
                batch_first=True,
                norm_first=True,
            )
            for _ in range(num_layers)
        )
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, outputs)

    def forward(self, inputs: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Inputs (n, *input_shape) to (n, outputs); steps beyond `lengths` (n,) are padding."""
        steps = self.input(inputs if self.sequence else inputs.transpose(1, 2).flatten(2))
        count = steps.shape[1]
        hidden = steps + positions(count, steps.shape[2]).to(steps)
        mask = nn.Transformer.generate_square_subsequent_mask(count, steps.device, steps.dtype)
        for block in self.blocks:
            hidden = block(hidden, src_mask=mask, is_causal=True)
        last = torch.full((len(steps),), count) if lengths is None else lengths
        answered = hidden[
            torch.arange(len(steps), device=hidden.device), last.to(hidden.device) - 1
        ]
        answer: Tensor = self.head(self.norm(answered))
        return answer


def positions(count: int, width: int) -> Tensor:
    """Sines and cosines of every position, shape (count, width)."""
    rates = torch.exp(torch.arange(0, width, 2) * (-math.log(10_000.0) / width))
    angles = torch.arange(count)[:, None] * rates
    return torch.stack([angles.sin(), angles.cos()], dim=2).flatten(1)[:, :width]


class Transformer(SupervisedModule):
    """A causal transformer and how it learns."""

    def __init__(self, input_shape: Sequence[int], outputs: int, **given: Any) -> None:
        """`given` are parameters of `TransformerNetwork` and of `SupervisedModule`."""
        parameters, learning = apart(given, LEARNING)
        super().__init__(TransformerNetwork(input_shape, outputs, **parameters), **learning)
