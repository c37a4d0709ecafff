"""Learning-rate schedules: torch's own schedulers behind an optional linear warm-up.

step, multistep, exponential, linear, polynomial, cosine, cosine_restarts and plateau change the
rate between epochs; one_cycle and the warm-up change it at every step. Horizons are the epochs of
the training minus the warm-up, so the last epoch is the end of the curve.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lightning_modules.components import Component, Items, Number, Option, Parameter

if TYPE_CHECKING:
    from torch.optim import Optimizer
    from torch.optim.lr_scheduler import LRScheduler

    Main = Callable[[Optimizer], LRScheduler]


class Schedule:
    """Drives the learning rate of an optimizer; Lightning takes it for a scheduler."""

    def __init__(
        self,
        optimizer: Optimizer,
        main: Main | None,
        *,
        steps_per_epoch: int,
        warmup: float = 0.0,
        every_step: bool = False,
        watches_metric: bool = False,
    ) -> None:
        self.optimizer = optimizer
        rates = [float(group["lr"]) for group in optimizer.param_groups]
        self.ratios = [rate / rates[0] for rate in rates]
        self.main = main(optimizer) if main else None
        self.period = 1 if every_step else steps_per_epoch
        self.warmup_steps = round(warmup * steps_per_epoch)
        self.watches_metric = watches_metric
        self.steps = 0
        self._keep_ratios()
        self.start_rates = [float(group["lr"]) for group in optimizer.param_groups]
        self._warm_up()

    @property
    def rate(self) -> float:
        """The learning rate of the next step."""
        return float(self.optimizer.param_groups[0]["lr"])

    def step(self) -> None:
        """An optimizer step was made."""
        self.steps += 1
        if self.steps <= self.warmup_steps:
            self._warm_up()
        elif self.main is not None and not self.watches_metric:
            after = self.steps - self.warmup_steps
            if self.steps % self.period == 0 and after >= self.period:
                self.main.step()
                self._keep_ratios()

    def epoch_end(self, value: float) -> None:
        """An epoch ended with this value of the objective; only `plateau` listens."""
        if self.watches_metric and self.main is not None and self.steps >= self.warmup_steps:
            self.main.step(value)  # type: ignore[arg-type]
            self._keep_ratios()

    def state_dict(self) -> dict[str, Any]:
        """Everything needed to continue."""
        main = self.main.state_dict() if self.main is not None else {}
        return {"steps": self.steps, "start_rates": self.start_rates, "main": main}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue where `state_dict` was taken; the optimizer's own state holds the rate."""
        self.steps = state["steps"]
        self.start_rates = state["start_rates"]
        if self.main is not None:
            self.main.load_state_dict(state["main"])

    def _keep_ratios(self) -> None:
        """Groups of weights keep the ratio of their rates, also where a curve ends above zero."""
        first, *others = self.optimizer.param_groups
        for group, ratio in zip(others, self.ratios[1:], strict=True):
            group["lr"] = first["lr"] * ratio

    def _warm_up(self) -> None:
        if not self.warmup_steps:
            return
        share = min(1.0, (self.steps + 1) / self.warmup_steps)
        for group, rate in zip(self.optimizer.param_groups, self.start_rates, strict=True):
            group["lr"] = rate * share


def _constant(
    optimizer: Optimizer, epochs: int, steps_per_epoch: int, goal: str, warmup: float
) -> Schedule:
    return Schedule(optimizer, None, steps_per_epoch=steps_per_epoch, warmup=warmup)


def _step(
    optimizer: Optimizer, epochs: int, steps_per_epoch: int, goal: str, warmup: float, **own: Any
) -> Schedule:
    from torch.optim.lr_scheduler import StepLR

    return Schedule(
        optimizer, lambda o: StepLR(o, **own), steps_per_epoch=steps_per_epoch, warmup=warmup
    )


def _multistep(
    optimizer: Optimizer,
    epochs: int,
    steps_per_epoch: int,
    goal: str,
    warmup: float,
    milestones: list[int] | None,
    gamma: float,
) -> Schedule:
    from torch.optim.lr_scheduler import MultiStepLR

    total = horizon(epochs, warmup)
    if milestones is None:
        milestones = [max(1, total // 2), max(2, total * 3 // 4)]
    return Schedule(
        optimizer,
        lambda o: MultiStepLR(o, milestones, gamma),
        steps_per_epoch=steps_per_epoch,
        warmup=warmup,
    )


def _exponential(
    optimizer: Optimizer, epochs: int, steps_per_epoch: int, goal: str, warmup: float, gamma: float
) -> Schedule:
    from torch.optim.lr_scheduler import ExponentialLR

    return Schedule(
        optimizer,
        lambda o: ExponentialLR(o, gamma),
        steps_per_epoch=steps_per_epoch,
        warmup=warmup,
    )


def _linear(
    optimizer: Optimizer, epochs: int, steps_per_epoch: int, goal: str, warmup: float, **own: Any
) -> Schedule:
    from torch.optim.lr_scheduler import LinearLR

    total = horizon(epochs, warmup)
    return Schedule(
        optimizer,
        lambda o: LinearLR(o, total_iters=total, **own),
        steps_per_epoch=steps_per_epoch,
        warmup=warmup,
    )


def _polynomial(
    optimizer: Optimizer, epochs: int, steps_per_epoch: int, goal: str, warmup: float, power: float
) -> Schedule:
    from torch.optim.lr_scheduler import PolynomialLR

    total = horizon(epochs, warmup)
    return Schedule(
        optimizer,
        lambda o: PolynomialLR(o, total_iters=total, power=power),
        steps_per_epoch=steps_per_epoch,
        warmup=warmup,
    )


def _cosine(
    optimizer: Optimizer, epochs: int, steps_per_epoch: int, goal: str, warmup: float, **own: Any
) -> Schedule:
    from torch.optim.lr_scheduler import CosineAnnealingLR

    total = horizon(epochs, warmup)
    return Schedule(
        optimizer,
        lambda o: CosineAnnealingLR(o, T_max=total, **own),
        steps_per_epoch=steps_per_epoch,
        warmup=warmup,
    )


def _cosine_restarts(
    optimizer: Optimizer, epochs: int, steps_per_epoch: int, goal: str, warmup: float, **own: Any
) -> Schedule:
    from torch.optim.lr_scheduler import CosineAnnealingWarmRestarts

    return Schedule(
        optimizer,
        lambda o: CosineAnnealingWarmRestarts(o, **own),
        steps_per_epoch=steps_per_epoch,
        warmup=warmup,
    )


def _one_cycle(
    optimizer: Optimizer,
    epochs: int,
    steps_per_epoch: int,
    goal: str,
    warmup: float,
    pct_start: float,
    **own: Any,
) -> Schedule:
    from torch.optim.lr_scheduler import OneCycleLR

    peak = [float(group["lr"]) for group in optimizer.param_groups]
    total = max(1, epochs * steps_per_epoch - round(warmup * steps_per_epoch))
    if pct_start * total == 1:  # a rise that ends at the first step: torch divides by its length
        pct_start *= 1 - 1e-9
    return Schedule(
        optimizer,
        lambda o: OneCycleLR(
            o, peak, total, pct_start=float(pct_start), cycle_momentum=False, **own
        ),
        steps_per_epoch=steps_per_epoch,
        warmup=warmup,
        every_step=True,
    )


def _plateau(
    optimizer: Optimizer, epochs: int, steps_per_epoch: int, goal: str, warmup: float, **own: Any
) -> Schedule:
    from torch.optim.lr_scheduler import ReduceLROnPlateau

    mode = "max" if goal == "maximize" else "min"
    return Schedule(
        optimizer,
        lambda o: ReduceLROnPlateau(o, mode=mode, **own),  # type: ignore[arg-type]
        steps_per_epoch=steps_per_epoch,
        warmup=warmup,
        watches_metric=True,
    )


def horizon(epochs: int, warmup: float) -> int:
    """The epochs of a schedule after its warm-up."""
    return max(1, epochs - math.ceil(warmup))


WARMUP: dict[str, Parameter] = {
    "warmup": Number(0.0, "epochs of linear growth from 0 at the start", low=0, tune=(0.0, 5.0))
}
_GAMMA = Number(0.1, "factor of every drop", low=0, open="low", tune=(0.05, 0.9))
_ETA_MIN = Number(0.0, "lowest learning rate", low=0)

SCHEDULES: dict[str, Component] = {
    "constant": Component("the same rate in every epoch", _constant, WARMUP),
    "step": Component(
        "drops by gamma every step_size epochs",
        _step,
        {
            **WARMUP,
            "step_size": Number(10, "epochs between drops", low=1, integer=True, tune=(2, 30)),
            "gamma": _GAMMA,
        },
    ),
    "multistep": Component(
        "drops by gamma at the milestones",
        _multistep,
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
        _exponential,
        {
            **WARMUP,
            "gamma": Number(0.95, "factor per epoch", low=0, open="low", tune=(0.7, 0.999)),
        },
    ),
    "linear": Component(
        "runs straight from start_factor to end_factor times the rate",
        _linear,
        {
            **WARMUP,
            "start_factor": Number(1.0, "factor at the start", low=0, high=1, open="low"),
            "end_factor": Number(0.0, "factor after the last epoch", low=0, high=1),
        },
    ),
    "polynomial": Component(
        "falls to zero as (1 - epoch / epochs) ** power",
        _polynomial,
        {**WARMUP, "power": Number(2.0, "exponent", low=0, open="low", tune=(0.5, 4.0))},
    ),
    "cosine": Component(
        "falls to eta_min along half a cosine",
        _cosine,
        {**WARMUP, "eta_min": _ETA_MIN},
        source="Loshchilov and Hutter 2017, arXiv:1608.03983",
    ),
    "cosine_restarts": Component(
        "cosine that starts again after T_0 epochs, each time T_mult longer",
        _cosine_restarts,
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
        _one_cycle,
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
        _plateau,
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
