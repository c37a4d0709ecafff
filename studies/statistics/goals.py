"""What is better: larger values or smaller ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

Goal = Literal["maximize", "minimize"]


def sign_of(goal: Goal) -> int:
    """What values are multiplied by so that the larger one is the better one: 1 or -1."""
    return 1 if goal == "maximize" else -1


def best_of(goal: Goal) -> Callable[..., Any]:
    """The function that picks the best of several values: `max` or `min`."""
    return max if goal == "maximize" else min
