"""What SupervisedModule takes besides a network: how the network learns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from lightning_modules.components import Component

Task = Literal["classification", "regression", "multilabel"]
Named = str | Mapping[str, Any]
"""A component: its name, or `{name: ..., parameters}` as in a study file."""
Resolved = tuple[Component, Mapping[str, Any]]
"""A component of no table, with all of its parameters."""
LEARNING = (
    "task", "loss", "optimizer", "schedule", "regularization", "objective", "goal",
)  # fmt: skip
