"""Muon for the matrices of a network, and AdamW for all of its other weights."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Muon, Optimizer

from lightning_modules.errors import UserError

EMBEDDINGS = (nn.Embedding, nn.EmbeddingBag)


def hidden_matrices(network: nn.Module) -> list[Tensor]:
    """The matrices that Muon turns: those of embeddings and of the output are none of them.

    Jordan 2024 (kellerjordan.github.io/posts/muon) leaves both to AdamW. The output is taken to be
    the matrix that stands last in the network.
    """
    embedded: set[int] = set()
    found: dict[int, Tensor] = {}
    for module in network.modules():
        matrices = [weight for weight in module.parameters(recurse=False) if weight.ndim == 2]
        if isinstance(module, EMBEDDINGS):
            embedded |= {id(weight) for weight in matrices}
        else:
            found |= {id(weight): weight for weight in matrices}
    *hidden, _ = found.values() if found else (None,)
    return [weight for weight in hidden if weight is not None and id(weight) not in embedded]


class MuonWithAdamW(Optimizer):
    """torch's Muon and AdamW as one optimizer, whose groups of weights are the groups of both.

    It has one state, so that it is stored and continued as any other.
    """

    def __init__(
        self,
        weights: Iterable[Any],
        *,
        matrices: Sequence[Tensor],
        lr: float,
        momentum: float,
        nesterov: bool,
        weight_decay: float,
        ns_steps: int,
        adjust_lr_fn: str,
        adamw_lr: float,
        adamw_betas: Sequence[float],
    ) -> None:
        """`weights` are tensors, or groups with learning rates of their own, which stay in the same
        ratio to `lr` and `adamw_lr`.

        Raises UserError where none of them is among the `matrices`.
        """
        turned, others = [], []
        chosen = {id(weight) for weight in matrices}
        for group in _groups(weights, lr):
            ratio = group["lr"] / lr
            mine = [weight for weight in group["params"] if id(weight) in chosen]
            rest = [weight for weight in group["params"] if id(weight) not in chosen]
            turned += [{"params": mine, "lr": lr * ratio}] if mine else []
            others += [{"params": rest, "lr": adamw_lr * ratio}] if rest else []
        if not turned:
            raise UserError(NO_MATRICES)
        self.muon = Muon(
            turned,
            lr=lr,
            weight_decay=weight_decay,
            momentum=momentum,
            nesterov=nesterov,
            ns_steps=ns_steps,
            adjust_lr_fn=adjust_lr_fn,
        )
        betas = (float(adamw_betas[0]), float(adamw_betas[1]))
        self.adamw = AdamW(others, lr=adamw_lr, betas=betas, weight_decay=weight_decay, fused=True)
        super().__init__([*self.muon.param_groups, *self.adamw.param_groups], {})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take a step with both; what `closure` gives is given back."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        count = len(self.muon.param_groups)  # a state that was loaded brings groups of its own
        self.muon.param_groups = self.param_groups[:count]
        self.adamw.param_groups = self.param_groups[count:]
        self.muon.state = self.adamw.state = self.state
        self.muon.step()  # type: ignore[no-untyped-call]
        self.adamw.step()
        return loss


NO_MATRICES = (
    "muon turns the matrices of hidden layers, and this network has none: a convolution is no "
    "matrix, and the output is left to AdamW; add a hidden layer, or write optimizer: adamw"
)


def _groups(weights: Iterable[Any], lr: float) -> list[dict[str, Any]]:
    given = list(weights)
    groups = given if given and isinstance(given[0], dict) else [{"params": given}]
    return [{"lr": lr, **group, "params": list(group["params"])} for group in groups]
