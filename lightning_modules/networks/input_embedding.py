"""What stands before a network whose inputs are not all numbers: embeddings of tokens or of
categories, learned with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

PADDING = 0
"""The token that fills rows up to the longest."""
UNSEEN = 0
"""The number of a category that the training part does not have."""


class EmbeddedNetwork(nn.Module):
    """A network that reads embedded inputs; the lengths of rows go past the embedding."""

    def __init__(
        self, input_embedding: TokenEmbedding | CategoryEmbedding, network: nn.Module
    ) -> None:
        super().__init__()
        self.front = input_embedding  # as checkpoints call its weights
        self.network = network

    def forward(self, inputs: Tensor, *others: Tensor) -> Tensor:
        outputs: Tensor = self.network(self.front(inputs), *others)
        return outputs


class TokenEmbedding(nn.Module):
    """Tokens (n, steps) to their embeddings (n, steps, width)."""

    def __init__(self, vocabulary: int, width: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width, padding_idx=PADDING)

    def shape(self, input_shape: Sequence[int]) -> tuple[int, ...]:
        """What the network reads of one row."""
        return (*input_shape, self.embedding.embedding_dim)

    def forward(self, tokens: Tensor) -> Tensor:
        embedded: Tensor = self.embedding(tokens.long())
        return embedded


class CategoryEmbedding(nn.Module):
    """Rows (n, numbers + categories) to (n, numbers + categories × width).

    The last columns hold category numbers, as many columns as there are `sizes` (Guo and Berkhahn
    2016, arXiv:1604.06737). Category 0 was not seen in training: it adds nothing.
    """

    def __init__(self, sizes: Sequence[int], width: int) -> None:
        super().__init__()
        self.embeddings = nn.ModuleList(
            nn.Embedding(size, width, padding_idx=UNSEEN) for size in sizes
        )
        self.width = width

    def shape(self, input_shape: Sequence[int]) -> tuple[int, ...]:
        """What the network reads of one row."""
        count = len(self.embeddings)
        return (input_shape[0] - count + count * self.width,)

    def forward(self, rows: Tensor) -> Tensor:
        numbers = rows.shape[1] - len(self.embeddings)
        codes = rows[:, numbers:].long()
        parts = [embed(codes[:, index]) for index, embed in enumerate(self.embeddings)]
        return torch.cat([rows[:, :numbers], *parts], dim=1)


INPUT_EMBEDDINGS: dict[str, type[TokenEmbedding | CategoryEmbedding]] = {
    "tokens": TokenEmbedding,
    "categories": CategoryEmbedding,
}


def build_input_embedding(description: Mapping[str, Any]) -> TokenEmbedding | CategoryEmbedding:
    """The module for `{kind: tokens, vocabulary, width}` or `{kind: categories, sizes, width}`."""
    given = {key: value for key, value in description.items() if key != "kind"}
    return INPUT_EMBEDDINGS[description["kind"]](**given)
