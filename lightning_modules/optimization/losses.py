"""Losses: what a training minimizes, beside its penalties.

`build(**parameters)` gives a function of (outputs, targets), the label smoothing (0 for none) and,
of those for classification, the weights of the classes (classes,), to a scalar tensor: a mean in
which a row counts as much as its class.

Shapes: classification outputs (n, classes) and targets (n,) of class numbers, or (n, classes) of
shares where rows are mixed; `binary_cross_entropy` outputs (n, 1); regression outputs and targets
(n, k).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from lightning_modules.components import Loss, Number

if TYPE_CHECKING:
    from torch import Tensor

    LossFunction = Callable[..., Tensor]


def _cross_entropy() -> LossFunction:
    from torch.nn.functional import cross_entropy

    def loss(
        outputs: Tensor, targets: Tensor, smoothing: float, weights: Tensor | None = None
    ) -> Tensor:
        if weights is None or not targets.is_floating_point():
            return cross_entropy(outputs, targets, weights, label_smoothing=smoothing)
        # torch would divide by the number of rows, whatever they weigh
        total = cross_entropy(outputs, targets, weights, reduction="sum", label_smoothing=smoothing)
        return total / (targets @ weights).sum()

    return loss


def _binary_cross_entropy() -> LossFunction:
    from torch.nn.functional import binary_cross_entropy_with_logits, softplus

    def loss(
        outputs: Tensor, targets: Tensor, smoothing: float, weights: Tensor | None = None
    ) -> Tensor:
        positive = targets[:, 1] if targets.is_floating_point() else targets
        wanted = positive.unsqueeze(1).to(outputs.dtype) * (1 - smoothing) + smoothing / 2
        if weights is None:
            return binary_cross_entropy_with_logits(outputs, wanted)
        # the weights of the two terms of every row
        terms = wanted * weights[1] * softplus(-outputs)
        terms = terms + (1 - wanted) * weights[0] * softplus(outputs)
        share = positive.to(outputs.dtype)
        return terms.sum() / (share * weights[1] + (1 - share) * weights[0]).sum()

    return loss


def _mse() -> LossFunction:
    from torch.nn.functional import mse_loss

    return lambda outputs, targets, _: mse_loss(outputs, targets)


def _mae() -> LossFunction:
    from torch.nn.functional import l1_loss

    return lambda outputs, targets, _: l1_loss(outputs, targets)


def _huber(delta: float) -> LossFunction:
    from torch.nn.functional import huber_loss

    return lambda outputs, targets, _: huber_loss(outputs, targets, delta=delta)


LOSSES: dict[str, Loss] = {
    "cross_entropy": Loss(
        "minus the log probability of the right class", _cross_entropy, tasks=("classification",)
    ),
    "binary_cross_entropy": Loss(
        "cross entropy of two classes from a single output",
        _binary_cross_entropy,
        tasks=("classification",),
    ),
    "mse": Loss("mean squared error", _mse, tasks=("regression",)),
    "mae": Loss("mean absolute error", _mae, tasks=("regression",)),
    "huber": Loss(
        "squared up to delta, absolute beyond: outliers weigh less",
        _huber,
        {"delta": Number(1.0, "where it turns", low=0, open="low", tune=(0.1, 10.0), log=True)},
        source="Huber 1964",
        tasks=("regression",),
    ),
}

DEFAULT_LOSS = {"classification": "cross_entropy", "regression": "mse"}
