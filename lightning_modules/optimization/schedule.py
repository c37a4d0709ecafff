"""What drives the learning rate of an optimizer, and the functions that build it from a row of the
table of schedules.

Every builder takes the optimizer and, by keyword, the `epochs` of the training, `steps_per_epoch`,
the `goal` of the objective (`maximize` or `minimize`), the `warmup` in epochs and parameters of its
own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch.optim import Optimizer, lr_scheduler
from torch.optim.lr_scheduler import LRScheduler

from lightning_modules.optimization.schedules import horizon

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
        progress = min(1.0, (self.steps + 1) / self.warmup_steps)
        for group, rate in zip(self.optimizer.param_groups, self.start_rates, strict=True):
            group["lr"] = rate * progress


def constant(
    optimizer: Optimizer, *, epochs: int, steps_per_epoch: int, goal: str, warmup: float
) -> Schedule:
    """The same rate in every epoch, after the warm-up."""
    return Schedule(optimizer, None, steps_per_epoch=steps_per_epoch, warmup=warmup)


def by_epoch(
    scheduler: str,
    optimizer: Optimizer,
    *,
    epochs: int,
    steps_per_epoch: int,
    goal: str,
    warmup: float,
    **parameters: Any,
) -> Schedule:
    """One of torch's schedulers by name, stepped after every epoch."""
    build = getattr(lr_scheduler, scheduler)
    return Schedule(
        optimizer,
        lambda each: build(each, **parameters),
        steps_per_epoch=steps_per_epoch,
        warmup=warmup,
    )


def over_training(
    scheduler: str,
    length: str,
    optimizer: Optimizer,
    *,
    epochs: int,
    warmup: float,
    **others: Any,
) -> Schedule:
    """The same, where the parameter `length` is the number of epochs after the warm-up."""
    given = {**others, length: horizon(epochs, warmup)}
    return by_epoch(scheduler, optimizer, epochs=epochs, warmup=warmup, **given)


def multistep(
    optimizer: Optimizer,
    *,
    epochs: int,
    warmup: float,
    milestones: list[int] | None,
    **others: Any,
) -> Schedule:
    """Drops at the milestones; at half and three quarters of the training where not given."""
    if milestones is None:
        total = horizon(epochs, warmup)
        milestones = [max(1, total // 2), max(2, total * 3 // 4)]
    return by_epoch(
        "MultiStepLR", optimizer, epochs=epochs, warmup=warmup, milestones=milestones, **others
    )


def one_cycle(
    optimizer: Optimizer,
    *,
    epochs: int,
    steps_per_epoch: int,
    goal: str,
    warmup: float,
    pct_start: float,
    **parameters: Any,
) -> Schedule:
    """Rises to the optimizer's rate and falls far below its start, at every step."""
    peak = [float(group["lr"]) for group in optimizer.param_groups]
    total = max(1, epochs * steps_per_epoch - round(warmup * steps_per_epoch))
    if pct_start * total == 1:  # a rise that ends at the first step: torch divides by its length
        pct_start *= 1 - 1e-9
    return Schedule(
        optimizer,
        lambda each: lr_scheduler.OneCycleLR(
            each, peak, total, pct_start=float(pct_start), cycle_momentum=False, **parameters
        ),
        steps_per_epoch=steps_per_epoch,
        warmup=warmup,
        every_step=True,
    )


def plateau(
    optimizer: Optimizer,
    *,
    epochs: int,
    steps_per_epoch: int,
    goal: str,
    warmup: float,
    **parameters: Any,
) -> Schedule:
    """Drops when the objective has not improved for some epochs."""
    mode = "max" if goal == "maximize" else "min"
    return Schedule(
        optimizer,
        lambda each: lr_scheduler.ReduceLROnPlateau(
            each,
            mode=mode,  # type: ignore[arg-type]
            **parameters,
        ),
        steps_per_epoch=steps_per_epoch,
        warmup=warmup,
        watches_metric=True,
    )
