"""What the outputs of a network say, by the task that it learned."""

from __future__ import annotations

from torch import Tensor
from torch import cat as concatenated


def shaped(task: str, outputs: Tensor, targets: Tensor) -> Tensor:
    """Targets in the shape and, of labels, in the type of the outputs (n, k)."""
    if task != "classification" and targets.ndim == 1 and outputs.ndim == 2:
        targets = targets[:, None]  # beside (n, 1) it would be a row
    return targets.to(outputs.dtype) if task == "multilabel" else targets


def probabilities(task: str, loss: str, outputs: Tensor) -> Tensor:
    """Logits as probabilities (n, classes), or of each label (n, labels)."""
    if task == "multilabel":
        return outputs.sigmoid()
    if loss == "binary_cross_entropy":
        positive = outputs.sigmoid()
        return concatenated([1 - positive, positive], dim=1)
    return outputs.softmax(dim=1)


def decided(task: str, loss: str, outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Logits as class numbers (n,), or as 0 and 1 for each label (n, labels), and the targets in
    the same form; of mixed rows, the class of the larger share."""
    if task == "multilabel":
        return (outputs > 0).long(), targets.round().long()
    if targets.is_floating_point():
        targets = targets.argmax(dim=1)
    if loss == "binary_cross_entropy":
        return (outputs[:, 0] > 0).long(), targets
    return outputs.argmax(dim=1), targets
