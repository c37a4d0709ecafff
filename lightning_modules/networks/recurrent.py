"""Recurrent networks: Elman, LSTM and GRU over sequences of any length."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

from lightning_modules.components import apart, unknown
from lightning_modules.errors import UserError
from lightning_modules.networks.learning import LEARNING
from lightning_modules.networks.supervised_module import SupervisedModule

CELLS: dict[str, type[nn.RNN | nn.LSTM | nn.GRU]] = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


class RecurrentNetwork(nn.Module):
    """Reads a sequence and answers from the last state of every direction.

    An image (c, h, w) is h steps of c*w features, a signal (c, t) is t steps of c features, and
    with `sequence=True` the shape is (steps, features) already.
    """

    def __init__(
        self,
        input_shape: Sequence[int],
        outputs: int,
        cell: str = "gru",
        hidden_size: int = 64,
        num_layers: int = 1,
        bidirectional: bool = False,
        dropout: float = 0.0,
        sequence: bool = False,
    ) -> None:
        super().__init__()
        if cell not in CELLS:
            raise UserError(unknown("recurrent cell", cell, CELLS))
        self.sequence = sequence
        features = input_shape[-1] if sequence else math.prod(input_shape) // input_shape[1]
        self.cell = CELLS[cell](
            features,
            hidden_size,
            num_layers,
            batch_first=True,
            bidirectional=bidirectional,
            dropout=dropout if num_layers > 1 else 0.0,
        )
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(hidden_size * (2 if bidirectional else 1), outputs)

    def forward(self, inputs: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Inputs (n, *input_shape) to (n, outputs); steps beyond `lengths` (n,) are padding."""
        steps = inputs if self.sequence else inputs.transpose(1, 2).flatten(2)
        if lengths is None:
            _, state = self.cell(steps)
        else:
            packed = pack_padded_sequence(
                steps, lengths.cpu(), batch_first=True, enforce_sorted=False
            )
            _, state = self.cell(packed)
        hidden = state[0] if isinstance(state, tuple) else state
        directions = 2 if self.cell.bidirectional else 1
        last = torch.cat(list(hidden[-directions:]), dim=1)
        answer: Tensor = self.head(self.dropout(last))
        return answer


class Recurrent(SupervisedModule):
    """A recurrent network and how it learns."""

    def __init__(self, input_shape: Sequence[int], outputs: int, **given: Any) -> None:
        """`given` are parameters of `RecurrentNetwork` and of `SupervisedModule`."""
        parameters, learning = apart(given, LEARNING)
        super().__init__(RecurrentNetwork(input_shape, outputs, **parameters), **learning)
