"""The losses that are rows of the table, as functions of tensors; see `losses` for the shapes."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn
from torch.nn import functional

from lightning_modules.errors import UserCodeError


def cross_entropy(
    outputs: Tensor, targets: Tensor, smoothing: float, weights: Tensor | None = None
) -> Tensor:
    """Minus the mean log probability of the right class; `weights` are of the classes."""
    if weights is None or not targets.is_floating_point():
        return functional.cross_entropy(outputs, targets, weights, label_smoothing=smoothing)
    # torch would divide by the number of rows, whatever they weigh
    total = functional.cross_entropy(
        outputs, targets, weights, reduction="sum", label_smoothing=smoothing
    )
    return total / (targets @ weights).sum()


def binary_cross_entropy(
    outputs: Tensor, targets: Tensor, smoothing: float, weights: Tensor | None = None
) -> Tensor:
    """Cross entropy of two classes from the logit (n, 1) of the second one, or the mean of that of
    every label from logits (n, labels)."""
    if targets.is_floating_point() and targets.shape == outputs.shape:
        return functional.binary_cross_entropy_with_logits(outputs, targets)
    positive = targets[:, 1] if targets.is_floating_point() else targets
    wanted = positive.unsqueeze(1).to(outputs.dtype) * (1 - smoothing) + smoothing / 2
    if weights is None:
        return functional.binary_cross_entropy_with_logits(outputs, wanted)
    # the weights of the two terms of every row
    terms = wanted * weights[1] * functional.softplus(-outputs)
    terms = terms + (1 - wanted) * weights[0] * functional.softplus(outputs)
    second = positive.to(outputs.dtype)
    return terms.sum() / (second * weights[1] + (1 - second) * weights[0]).sum()


def mse(outputs: Tensor, targets: Tensor, smoothing: float) -> Tensor:
    """Mean squared error."""
    return functional.mse_loss(outputs, targets)


def mae(outputs: Tensor, targets: Tensor, smoothing: float) -> Tensor:
    """Mean absolute error."""
    return functional.l1_loss(outputs, targets)


def huber(outputs: Tensor, targets: Tensor, smoothing: float, delta: float) -> Tensor:
    """Squared up to `delta`, absolute beyond (Huber 1964)."""
    return functional.huber_loss(outputs, targets, delta=delta)


class OwnLoss(nn.Module):
    """A loss of the user's that is called with (outputs, targets); one that is a module learns, is
    moved and is stored with the network."""

    def __init__(self, function: Callable[[Tensor, Tensor], Tensor], name: str) -> None:
        super().__init__()
        self.function = function
        self.name = name

    def forward(
        self, outputs: Tensor, targets: Tensor, smoothing: float, weights: Tensor | None = None
    ) -> Tensor:
        """The loss of all rows together, of shape ().

        Raises UserCodeError where it is no single number, and for label smoothing and weights of
        classes, which it does not know.
        """
        if smoothing or weights is not None:
            raise UserCodeError(f"{self.name}: {OWN_LOSS_ALONE}")
        loss = self.function(outputs, targets)
        if not isinstance(loss, Tensor) or loss.numel() != 1:
            is_a = f"shape {tuple(loss.shape)}" if isinstance(loss, Tensor) else type(loss).__name__
            raise UserCodeError(
                f"{self.name}: gave {is_a}, and a loss is one number: take the mean"
            )
        return loss.reshape(())


OWN_LOSS_ALONE = "a loss of your own gets outputs and targets only; do it inside"


def misread(loss: str, outputs: Tensor) -> str:
    """What is wrong with outputs (n, classes) that a loss takes for logits although they are
    probabilities; empty where nothing is."""
    are_shares = bool(((outputs >= 0) & (outputs <= 1)).all()) and len(outputs) > 1
    if loss == "cross_entropy" and outputs.ndim == 2 and outputs.shape[1] > 1:
        sums = outputs.sum(dim=1)
        if are_shares and bool(((sums - 1).abs() <= 1e-3).all()):
            return (
                "the network's outputs are probabilities already, and cross_entropy takes logits: "
                "take the softmax at its end out"
            )
    if loss in ("binary_cross_entropy", "multilabel_soft_margin") and are_shares:
        return (
            "the network's outputs all lie between 0 and 1, as probabilities do, and "
            f"{loss} takes logits: take the sigmoid at its end out, if there is one"
        )
    return ""
