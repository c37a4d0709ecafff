"""Regularization: what keeps a network from fitting noise.

A study file maps names to strengths (`l2: 1e-4`); a bare value is the row's first parameter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from lightning_modules.components import Component, Flag, Number, switched_on

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim import Optimizer

    from lightning_modules.optimization.early_stopping import EarlyStopping

    Penalty = Callable[[Iterable[Tensor]], Tensor]
    StepHook = Callable[[Optimizer], None]


@dataclass(frozen=True)
class Regularizer(Component):
    """A row of the regularization table; what `build(**parameters)` gives follows from `role`.

    `penalty`: a function of the weights, added to the training loss; `step`: a function of the
    optimizer, called between the gradient and its step; `network`: keywords of the network;
    `loss`: the label smoothing; `callback`: one of Lightning's, built with `monitor` and `goal`.
    """

    role: Literal["penalty", "step", "network", "loss", "callback"] = "penalty"


def _l1(strength: float) -> Penalty:
    import torch

    return lambda weights: strength * torch.stack([w.abs().sum() for w in weights]).sum()


def _l2(strength: float) -> Penalty:
    import torch

    return lambda weights: strength * torch.stack([w.square().sum() for w in weights]).sum()


def _weight_decay(strength: float) -> StepHook:
    import torch

    def decay(optimizer: Optimizer) -> None:
        with torch.no_grad():
            for group in optimizer.param_groups:
                for weight in filter(_learns, group["params"]):
                    weight.mul_(1 - float(group["lr"]) * strength)

    return decay


def _learns(weight: Tensor) -> bool:
    return weight.requires_grad


def _gradient_clip(norm: float) -> StepHook:
    from torch.nn.utils import clip_grad_norm_

    def clip(optimizer: Optimizer) -> None:
        clip_grad_norm_([w for group in optimizer.param_groups for w in group["params"]], norm)

    return clip


def _early_stopping(monitor: str, goal: str, patience: int, min_delta: float) -> EarlyStopping:
    from lightning_modules.optimization.early_stopping import EarlyStopping

    return EarlyStopping(
        monitor,
        mode="max" if goal == "maximize" else "min",
        patience=patience,
        min_delta=min_delta,
        check_finite=False,  # non-finite values are noticed, and named, elsewhere
    )


def _strength(low: float, high: float) -> Number:
    return Number(1e-4, "strength", low=0, tune=(low, high), log=True)


REGULARIZATION: dict[str, Regularizer] = {
    "l1": Regularizer(
        "strength times the sum of absolute weights, added to the loss",
        _l1,
        {"strength": _strength(1e-7, 1e-2)},
        source="Tibshirani 1996",
    ),
    "l2": Regularizer(
        "strength times the sum of squared weights, added to the loss",
        _l2,
        {"strength": _strength(1e-6, 1e-1)},
        source="Hoerl and Kennard 1970",
    ),
    "weight_decay": Regularizer(
        "decoupled decay: weights shrink by lr * strength at every step, for any optimizer",
        _weight_decay,
        {"strength": Number(1e-2, "strength", low=0, tune=(1e-4, 1.0), log=True)},
        source="Loshchilov and Hutter 2019, arXiv:1711.05101",
        role="step",
    ),
    "dropout": Regularizer(
        "hidden units are switched off at random while training",
        lambda p: {"dropout": p},
        {"p": Number(0.5, "probability", low=0, high=1, open="high", tune=(0.0, 0.7))},
        source="Srivastava 2014",
        role="network",
    ),
    "batch_norm": Regularizer(
        "hidden layers are normalized over the batch",
        lambda enabled: {"batch_norm": enabled},
        {"enabled": Flag(True, "switch")},
        source="Ioffe and Szegedy 2015, arXiv:1502.03167",
        role="network",
    ),
    "label_smoothing": Regularizer(
        "the training loss sees targets mixed with the uniform distribution",
        lambda epsilon: epsilon,
        {"epsilon": Number(0.1, "share of it", low=0, high=1, open="high", tune=(0.0, 0.3))},
        source="Szegedy 2016, arXiv:1512.00567",
        role="loss",
    ),
    "gradient_clip": Regularizer(
        "the gradient is scaled down to at most this length",
        _gradient_clip,
        {"norm": Number(1.0, "greatest norm", low=0, open="low", tune=(0.1, 10.0), log=True)},
        source="Pascanu 2013, arXiv:1211.5063",
        role="step",
    ),
    "early_stopping": Regularizer(
        "training ends when the objective has not improved for `patience` epochs",
        _early_stopping,
        {
            "patience": Number(5, "epochs", low=0, integer=True),
            "min_delta": Number(0.0, "what counts as improvement", low=0),
        },
        source="Prechelt 1998",
        role="callback",
    ),
}


def regularizers(given: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The regularizers that are on, by name, with the parameters that were given."""
    return switched_on(REGULARIZATION, given)
