"""What SupervisedModule takes besides a network: how the network learns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import Tensor

from lightning_modules.components import Component

Task = Literal["classification", "regression", "multilabel"]
Named = str | Mapping[str, Any]
"""A component: its name, or `{name: ..., parameters}` as in a study file."""
Resolved = tuple[Component, Mapping[str, Any]]
"""A component of no table, with all of its parameters."""
LEARNING = (
    "task", "loss", "optimizer", "schedule", "regularization", "objective", "goal",
)  # fmt: skip
"""The keyword arguments of a network that say how it learns."""


def in_float32(outputs: Tensor) -> Tensor:
    """What a network gives, for losses and metrics: sums of many float16 or bfloat16 are wrong."""
    return outputs.float() if outputs.dtype in (torch.float16, torch.bfloat16) else outputs
