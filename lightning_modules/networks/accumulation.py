"""Batches whose gradients make one step of the optimizer, as if they were one batch."""

from __future__ import annotations

from torch import Tensor
from torch.optim import Optimizer


class Accumulation:
    """Makes the gradient of a step the mean over the rows of its batches.

    Lightning divides every loss by the number of batches that make a step, also where the last one
    is smaller and where fewer are left at the end of an epoch.
    """

    def __init__(self, batches: int) -> None:
        """`batches` is how many make a step."""
        self.batches = batches
        self._rows: list[int] = []

    def weighted(self, loss: Tensor, rows: int) -> Tensor:
        """The loss of a batch of so many rows, in proportion to those of the step's first one."""
        if self.batches == 1:
            return loss
        self._rows.append(rows)
        return loss * (rows / self._rows[0])

    def average(self, optimizer: Optimizer) -> None:
        """Bring the gradients of a step, which is now made, to their mean."""
        if self.batches == 1 or not self._rows:
            return
        scale = self.batches * self._rows[0] / sum(self._rows)
        self._rows.clear()
        if scale == 1:
            return
        for group in optimizer.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    weight.grad.mul_(scale)
