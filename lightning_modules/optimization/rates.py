"""Learning rates as the schedules plan them, by their formulas: seconds faster than loading torch.

They are those of `schedules`, which trains with torch's own schedulers, to the last digits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from lightning_modules.components import lookup
from lightning_modules.optimization.schedules import SCHEDULES, horizon

Rates = npt.NDArray[np.floating[Any]]
Steps = npt.NDArray[np.intp]
Curve = Callable[..., Rates]
"""The rates after so many steps of a schedule, of the rate, a horizon and parameters."""
SMALLEST_DROP = 1e-8
"""`plateau` leaves out smaller ones, as torch does."""


def simulate(
    name: str,
    parameters: dict[str, Any],
    epochs: int,
    steps_per_epoch: int,
    lr: float = 1.0,
    values: Sequence[float] | None = None,
    goal: str = "minimize",
) -> Rates:
    """The learning rate of every step, without training; shape (epochs * steps_per_epoch,).

    `values` are the objective after each epoch, for `plateau`; without them it never improves.
    """
    own = {**lookup(SCHEDULES, name, "schedule").defaults(), **parameters}
    warmup = float(own.pop("warmup"))
    warm = round(warmup * steps_per_epoch)
    steps = np.arange(epochs * steps_per_epoch)
    if name == "plateau":
        known = [0.0] * epochs if values is None else values
        by_epoch = _plateau(known, goal, lr, math.ceil(warm / steps_per_epoch), **own)
        rates = np.repeat(by_epoch, steps_per_epoch)
    elif name == "one_cycle":
        rates = _one_cycle(np.maximum(0, steps - warm), lr, max(1, len(steps) - warm), **own)
    else:
        after = steps // steps_per_epoch - math.ceil(warm / steps_per_epoch)
        rates = CURVES[name](np.maximum(0, after), lr, horizon(epochs, warmup), **own)
    rates[:warm] = rates[0] * (1 + steps[:warm]) / max(1, warm)
    return rates


def _constant(k: Steps, lr: float, end: int) -> Rates:
    return np.full(len(k), lr)


def _step(k: Steps, lr: float, end: int, step_size: int, gamma: float) -> Rates:
    return _exponential(k // step_size, lr, end, gamma)


def _multistep(
    k: Steps, lr: float, end: int, milestones: Sequence[int] | None, gamma: float
) -> Rates:
    if milestones is None:
        milestones = [max(1, end // 2), max(2, end * 3 // 4)]
    return _exponential(np.searchsorted(milestones, k, side="right"), lr, end, gamma)


def _exponential(k: Steps, lr: float, end: int, gamma: float) -> Rates:
    rates: Rates = lr * float(gamma) ** k
    return rates


def _linear(k: Steps, lr: float, end: int, start_factor: float, end_factor: float) -> Rates:
    rates: Rates = lr * (start_factor + (end_factor - start_factor) * k / end)
    return rates


def _polynomial(k: Steps, lr: float, end: int, power: float) -> Rates:
    rates: Rates = lr * (1 - k / end) ** float(power)
    return rates


def _cosine(k: Steps, lr: float, end: int, eta_min: float) -> Rates:
    return _by_cosine(lr, eta_min, k / end)


def _cosine_restarts(k: Steps, lr: float, end: int, T_0: int, T_mult: int, eta_min: float) -> Rates:
    length, place, shares = T_0, 0, []
    for _ in range(int(k.max()) + 1):
        shares.append(place / length)
        place += 1
        if place == length:
            place, length = 0, length * T_mult
    return _by_cosine(lr, eta_min, np.array(shares)[k])


def _by_cosine(start: float, end: float, share: Rates) -> Rates:
    rates: Rates = end + (start - end) * (1 + np.cos(np.pi * share)) / 2
    return rates


def _by_line(start: float, end: float, share: Rates) -> Rates:
    return start + (end - start) * share


def _one_cycle(
    k: Steps,
    lr: float,
    end: int,
    pct_start: float,
    div_factor: float,
    final_div_factor: float,
    anneal_strategy: str,
) -> Rates:
    """As torch has it, the rise is over at step `pct_start * end - 1`, the fall at the last."""
    between = _by_cosine if anneal_strategy == "cos" else _by_line
    first, top, last = lr / div_factor, pct_start * end - 1, end - 1
    falling = between(lr, first / final_div_factor, (k - top) / (last - top))
    return np.where(k <= top, between(first, lr, k / top), falling) if top > 0 else falling


def _plateau(
    values: Sequence[float],
    goal: str,
    lr: float,
    warm: int,
    factor: float,
    patience: int,
    threshold: float,
    cooldown: int,
    min_lr: float,
) -> Rates:
    """The rate of every epoch; those of the warm-up, which may end within one, tell nothing."""
    sign = -1.0 if goal == "maximize" else 1.0
    rates, rate, best, bad, resting = [], lr, math.inf, 0, 0
    for epoch, value in enumerate(values, 1):
        rates.append(rate)
        if epoch < warm:
            continue
        if sign * value < best * (1 - sign * threshold):
            best, bad = sign * value, 0
        else:
            bad += 1
        if resting:
            resting, bad = resting - 1, 0
        if bad > patience:
            lower = max(rate * factor, min_lr)
            rate = lower if rate - lower > SMALLEST_DROP else rate
            resting, bad = cooldown, 0
    return np.array(rates)


CURVES: dict[str, Curve] = {
    "constant": _constant,
    "step": _step,
    "multistep": _multistep,
    "exponential": _exponential,
    "linear": _linear,
    "polynomial": _polynomial,
    "cosine": _cosine,
    "cosine_restarts": _cosine_restarts,
}
