"""Learning-rate schedules: torch's own schedulers behind an optional linear warm-up.

step, multistep, exponential, linear, polynomial, cosine, cosine_restarts and plateau change the
rate between epochs; one_cycle and the warm-up change it at every step. Horizons are the epochs of
the training minus the warm-up, so the last epoch is the end of the curve. `build(optimizer, *,
epochs, steps_per_epoch, goal, **parameters)` gives a `schedule.Schedule`.
"""

from __future__ import annotations

import math

from lightning_modules.components import Component, Items, Number, Option, Parameter
from lightning_modules.components.reference import later

_BUILDERS = "lightning_modules.optimization.schedule"


def horizon(epochs: int, warmup: float) -> int:
    """The epochs of a schedule after its warm-up."""
    return max(1, epochs - math.ceil(warmup))


WARMUP: dict[str, Parameter] = {
    "warmup": Number(0.0, "epochs of linear growth from 0 at the start", low=0, tune=(0.0, 5.0))
}
_GAMMA = Number(0.1, "factor of every drop", low=0, open="low", tune=(0.05, 0.9))
_ETA_MIN = Number(0.0, "lowest learning rate", low=0)

SCHEDULES: dict[str, Component] = {
    "constant": Component("the same rate in every epoch", later(f"{_BUILDERS}:constant"), WARMUP),
    "step": Component(
        "drops by gamma every step_size epochs",
        later(f"{_BUILDERS}:by_epoch", "StepLR"),
        {
            **WARMUP,
            "step_size": Number(10, "epochs between drops", low=1, integer=True, tune=(2, 30)),
            "gamma": _GAMMA,
        },
    ),
    "multistep": Component(
        "drops by gamma at the milestones",
        later(f"{_BUILDERS}:multistep"),
        {
            **WARMUP,
            "milestones": Items(
                None,
                "epochs of the drops; at half and three quarters of the training where not given",
                item=Number(1, "", low=1, integer=True),
                increasing=True,
            ),
            "gamma": _GAMMA,
        },
    ),
    "exponential": Component(
        "shrinks by gamma after every epoch",
        later(f"{_BUILDERS}:by_epoch", "ExponentialLR"),
        {
            **WARMUP,
            "gamma": Number(0.95, "factor per epoch", low=0, open="low", tune=(0.7, 0.999)),
        },
    ),
    "linear": Component(
        "runs straight from start_factor to end_factor times the rate",
        later(f"{_BUILDERS}:over_training", "LinearLR", "total_iters"),
        {
            **WARMUP,
            "start_factor": Number(1.0, "factor at the start", low=0, high=1, open="low"),
            "end_factor": Number(0.0, "factor after the last epoch", low=0, high=1),
        },
    ),
    "polynomial": Component(
        "falls to zero as (1 - epoch / epochs) ** power",
        later(f"{_BUILDERS}:over_training", "PolynomialLR", "total_iters"),
        {**WARMUP, "power": Number(2.0, "exponent", low=0, open="low", tune=(0.5, 4.0))},
    ),
    "cosine": Component(
        "falls to eta_min along half a cosine",
        later(f"{_BUILDERS}:over_training", "CosineAnnealingLR", "T_max"),
        {**WARMUP, "eta_min": _ETA_MIN},
        source="Loshchilov and Hutter 2017, arXiv:1608.03983",
    ),
    "cosine_restarts": Component(
        "cosine that starts again after T_0 epochs, each time T_mult longer",
        later(f"{_BUILDERS}:by_epoch", "CosineAnnealingWarmRestarts"),
        {
            **WARMUP,
            "T_0": Number(10, "epochs of the first cycle", low=1, integer=True, tune=(2, 30)),
            "T_mult": Number(1, "growth of the cycles", low=1, integer=True),
            "eta_min": _ETA_MIN,
        },
        source="Loshchilov and Hutter 2017, arXiv:1608.03983",
    ),
    "one_cycle": Component(
        "rises to the optimizer's rate and falls far below its start, at every step",
        later(f"{_BUILDERS}:one_cycle"),
        {
            **WARMUP,
            "pct_start": Number(
                0.3, "share spent rising", low=0, high=1, open="high", tune=(0.1, 0.5)
            ),
            "div_factor": Number(25.0, "peak over first rate", low=1, tune=(5.0, 50.0)),
            "final_div_factor": Number(1e4, "first over last rate", low=1),
            "anneal_strategy": Option("cos", "shape of the curve", options=("cos", "linear")),
        },
        source="Smith and Topin 2019, arXiv:1708.07120",
    ),
    "plateau": Component(
        "drops by factor when the objective has not improved for more than `patience` epochs",
        later(f"{_BUILDERS}:plateau"),
        {
            **WARMUP,
            "factor": Number(0.1, "factor of a drop", low=0, high=1, open="both", tune=(0.05, 0.8)),
            "patience": Number(10, "epochs", low=0, integer=True, tune=(1, 10)),
            "threshold": Number(1e-4, "relative change that counts", low=0),
            "cooldown": Number(0, "epochs after a drop without a further one", low=0, integer=True),
            "min_lr": Number(0.0, "lowest learning rate", low=0),
        },
    ),
}
