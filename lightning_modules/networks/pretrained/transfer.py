"""Networks with a backbone that has learned elsewhere: which layers learn, and how fast."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from torch import nn

from lightning_modules.networks.supervised_module import SupervisedModule

EVALUATED = 64
"""Images at once where nothing is learned: large networks need some 10 MB for each."""


class GradualUnfreezing(nn.Module):
    """A network with a head that is new and a backbone, `body`, of which layers may be frozen.

    A frozen layer has no gradient and is in evaluation mode: its batch normalization keeps the
    moments that it has learned, and nothing is dropped in it.
    """

    body: Any

    def __init__(
        self,
        body: nn.Module,
        heads: Sequence[nn.Module],
        frozen: Sequence[str],
        unfreeze_every: int,
        backbone_lr: float,
    ) -> None:
        super().__init__()
        self.body = body
        self.unfreeze_every = unfreeze_every
        self.backbone_lr = backbone_lr
        self._heads = tuple(heads)
        self._layers = tuple(body.get_submodule(name) for name in frozen)
        self._frozen = self._layers
        self.unfreeze(0)

    def unfreeze(self, epoch: int) -> None:
        """Let learn what learns in this epoch, counted from 0."""
        unfrozen = epoch // self.unfreeze_every if self.unfreeze_every else 0
        self._frozen = self._layers[: max(0, len(self._layers) - unfrozen)]
        for layer in self._layers:
            layer.requires_grad_(layer not in self._frozen)
        self.train(self.training)

    def train(self, mode: bool = True) -> GradualUnfreezing:
        """As torch's, but frozen layers stay in evaluation mode."""
        super().train(mode)
        for layer in self._frozen:
            layer.eval()
        return self

    def parameter_groups(self, lr: float) -> list[dict[str, Any]]:
        """The head at the learning rate `lr`, the backbone at its share; what never learns is left
        out."""
        head = [weight for layer in self._heads for weight in layer.parameters()]
        other = {id(weight) for weight in head}
        if not self.unfreeze_every:
            other |= {id(weight) for layer in self._layers for weight in layer.parameters()}
        backbone = [weight for weight in self.parameters() if id(weight) not in other]
        groups = [{"params": head, "lr": lr}]
        return [*groups, {"params": backbone, "lr": lr * self.backbone_lr}] if backbone else groups


class TransferModule(SupervisedModule):
    """How a network learns whose backbone may be frozen; `learning` is what SupervisedModule takes.

    Gradual unfreezing follows Howard and Ruder 2018, arXiv:1801.06146.
    """

    network: GradualUnfreezing

    def on_train_epoch_start(self) -> None:
        self.network.unfreeze(self.current_epoch)
        super().on_train_epoch_start()

    def learning_weights(self, lr: float) -> Iterable[Any]:
        return self.network.parameter_groups(lr)
