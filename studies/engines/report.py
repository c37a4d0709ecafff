"""How a Python function that trains tells what it has reached."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class Report(Protocol):
    """What a trial says after every epoch."""

    def __call__(
        self, epoch: int, metrics: Mapping[str, float] | None = None, /, **named: float
    ) -> bool:
        """Say the metrics of an epoch, which are counted from 1; whether the training goes on.

        `_` in a keyword after val, train or test becomes `/`: `val_accuracy=0.9` is
        `val/accuracy`.
        """
        ...
