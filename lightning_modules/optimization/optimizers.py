"""Optimizers: torch's own, with torch's parameter names and torch's defaults.

Torch has no default momentum; where the name of the optimizer means momentum it is 0.9 here. Batch
gradient descent is `sgd` with `data.batch_size: full`. `build(weights, **parameters)` gives a
`torch.optim.Optimizer`. Adam's steps are fused: torch's default takes up to three times as long on
the CPU.
"""

from __future__ import annotations

from dataclasses import dataclass

from lightning_modules.components import Component, Flag, Items, Number, Option
from lightning_modules.components.reference import later


@dataclass(frozen=True)
class OptimizerRow(Component):
    """A row of the table of optimizers."""

    by_matrix: bool = False
    """Whether `build` takes `matrices` too: the weights of hidden layers that are matrices."""


def _lr(default: float, low: float, high: float) -> Number:
    return Number(default, "learning rate", low=0, open="low", tune=(low, high), log=True)


def _eps(default: float) -> Number:
    text = "added to the denominator"
    return Number(default, text, low=0, open="low", tune=(1e-10, 1e-3), log=True)


def _weight_decay(default: float, text: str) -> Number:
    return Number(default, text, low=0, tune=(1e-6, 1e-1), log=True)


COUPLED = _weight_decay(0.0, "strength of a penalty that is added to the gradient (torch's)")
MOMENTUM = Number(
    0.9, "share of the last update kept", low=0, high=1, open="high", tune=(0.5, 0.99)
)
BETAS = Items(
    [0.9, 0.999],
    "decay of the mean of the gradient and of its square",
    item=Number(0.9, "", low=0, high=1, open="high"),
    length=2,
)

OPTIMIZERS: dict[str, OptimizerRow] = {
    "sgd": OptimizerRow(
        "stochastic gradient descent",
        later("torch.optim:SGD"),
        {"lr": _lr(1e-3, 1e-3, 1.0), "weight_decay": COUPLED},
        source="Robbins and Monro 1951",
    ),
    "momentum": OptimizerRow(
        "sgd with a running sum of past updates (heavy ball)",
        later("torch.optim:SGD"),
        {
            "lr": _lr(1e-3, 1e-4, 1.0),
            "momentum": MOMENTUM,
            "dampening": Number(0.0, "share of the gradient left out", low=0, high=1),
            "weight_decay": COUPLED,
        },
        source="Polyak 1964",
    ),
    "nesterov": OptimizerRow(
        "momentum that looks ahead before it takes the gradient",
        later("torch.optim:SGD", nesterov=True),
        {
            "lr": _lr(1e-3, 1e-4, 1.0),
            "momentum": Number(0.9, MOMENTUM.summary, low=0, high=1, open="both", tune=(0.5, 0.99)),
            "weight_decay": COUPLED,
        },
        source="Nesterov 1983; Sutskever 2013",
    ),
    "adagrad": OptimizerRow(
        "step sizes shrink with the sum of squared gradients",
        later("torch.optim:Adagrad"),
        {
            "lr": _lr(1e-2, 1e-4, 1.0),
            "lr_decay": Number(0.0, "further decay of the rate", low=0),
            "eps": _eps(1e-10),
            "weight_decay": COUPLED,
        },
        source="Duchi 2011",
    ),
    "adadelta": OptimizerRow(
        "step sizes from the ratio of past updates to past gradients",
        later("torch.optim:Adadelta"),
        {
            "lr": _lr(1.0, 1e-2, 10.0),
            "rho": Number(0.9, "decay of the means", low=0, high=1, tune=(0.8, 0.99)),
            "eps": _eps(1e-6),
            "weight_decay": COUPLED,
        },
        source="Zeiler 2012, arXiv:1212.5701",
    ),
    "rmsprop": OptimizerRow(
        "gradient divided by the running mean of its magnitude",
        later("torch.optim:RMSprop"),
        {
            "lr": _lr(1e-2, 1e-5, 1e-1),
            "alpha": Number(
                0.99, "decay of the mean", low=0, high=1, open="high", tune=(0.9, 0.999)
            ),
            "eps": _eps(1e-8),
            "momentum": Number(0.0, MOMENTUM.summary, low=0, high=1, open="high", tune=(0.0, 0.99)),
            "centered": Flag(False, "divide by the standard deviation instead"),
            "weight_decay": COUPLED,
        },
        source="Tieleman and Hinton 2012",
    ),
    "adam": OptimizerRow(
        "momentum and rmsprop together, with bias correction",
        later("torch.optim:Adam", fused=True),
        {
            "lr": _lr(1e-3, 1e-5, 1e-1),
            "betas": BETAS,
            "eps": _eps(1e-8),
            "amsgrad": Flag(False, "never let step sizes grow again (arXiv:1904.09237)"),
            "weight_decay": COUPLED,
        },
        source="Kingma and Ba 2015, arXiv:1412.6980",
    ),
    "adamw": OptimizerRow(
        "adam whose weight decay is decoupled from the gradient",
        later("torch.optim:AdamW", fused=True),
        {
            "lr": _lr(1e-3, 1e-5, 1e-1),
            "betas": BETAS,
            "eps": _eps(1e-8),
            "amsgrad": Flag(False, "never let step sizes grow again (arXiv:1904.09237)"),
            "weight_decay": _weight_decay(1e-2, "decoupled weight decay"),
        },
        source="Loshchilov and Hutter 2019, arXiv:1711.05101",
    ),
    "nadam": OptimizerRow(
        "adam with Nesterov's look-ahead",
        later("torch.optim:NAdam"),
        {
            "lr": _lr(2e-3, 1e-5, 1e-1),
            "betas": BETAS,
            "eps": _eps(1e-8),
            "momentum_decay": Number(4e-3, "growth of the momentum", low=0),
            "weight_decay": COUPLED,
        },
        source="Dozat 2016",
    ),
    "radam": OptimizerRow(
        "adam that waits until its variance estimate can be trusted",
        later("torch.optim:RAdam"),
        {"lr": _lr(1e-3, 1e-5, 1e-1), "betas": BETAS, "eps": _eps(1e-8), "weight_decay": COUPLED},
        source="Liu 2020, arXiv:1908.03265",
    ),
    "adamax": OptimizerRow(
        "adam with the largest instead of the mean squared gradient",
        later("torch.optim:Adamax"),
        {"lr": _lr(2e-3, 1e-5, 1e-1), "betas": BETAS, "eps": _eps(1e-8), "weight_decay": COUPLED},
        source="Kingma and Ba 2015, arXiv:1412.6980, section 7.1",
    ),
    "muon": OptimizerRow(
        "momentum turned into an orthogonal matrix, for the matrices of hidden layers; embeddings, "
        "the output (the last matrix), biases and convolutions by adamw",
        later("lightning_modules.optimization.muon:MuonWithAdamW"),
        {
            "lr": Number(
                1e-3,
                "learning rate of the matrices",
                low=0,
                open="low",
                tune=(1e-3, 1e-1),
                log=True,
            ),
            "momentum": Number(
                0.95, MOMENTUM.summary, low=0, high=1, open="high", tune=(0.8, 0.99)
            ),
            "nesterov": Flag(True, "look ahead before the gradient is taken"),
            "weight_decay": _weight_decay(0.1, "decoupled weight decay of all weights"),
            "ns_steps": Number(5, "Newton-Schulz steps", low=1, high=99, integer=True),
            "adjust_lr_fn": Option(
                "original",
                "how the rate follows the shape of a matrix; match_rms_adamw gives steps as large "
                "as those of adamw",
                options=("original", "match_rms_adamw"),
            ),
            "adamw_lr": Number(
                1e-3, "learning rate of adamw", low=0, open="low", tune=(1e-5, 1e-1), log=True
            ),
            "adamw_betas": BETAS,
        },
        source="Jordan 2024, kellerjordan.github.io/posts/muon; Liu 2025, arXiv:2502.16982",
        by_matrix=True,
    ),
    "adafactor": OptimizerRow(
        "adam that stores the squares of a matrix's gradient by row and column, without momentum",
        later("torch.optim:Adafactor"),
        {
            "lr": _lr(1e-2, 1e-4, 1e-1),
            "beta2_decay": Number(
                -0.8, "exponent of the decay of the squares", high=0, open="high", tune=(-1.0, -0.5)
            ),
            "d": Number(1.0, "largest root mean square of a step", low=1, tune=(1.0, 2.0)),
            "weight_decay": _weight_decay(0.0, "decoupled weight decay"),
        },
        source="Shazeer and Stern 2018, arXiv:1804.04235",
    ),
}
