"""Schedules follow their closed formulas, and the planned rates are those of torch."""

import math
from typing import Any

import numpy as np
import pytest
import torch

from lightning_modules.optimization import SCHEDULES
from lightning_modules.optimization.rates import simulate


def per_epoch(name: str, epochs: int = 10, **parameters: object) -> list[float]:
    rates: list[float] = simulate(name, dict(parameters), epochs, 3)[::3].tolist()
    return rates


def test_every_schedule_gives_one_finite_rate_per_step() -> None:
    for name in SCHEDULES:
        rates = simulate(name, {"warmup": 2}, 10, 3, lr=0.5)
        assert rates.shape == (30,), name
        assert np.isfinite(rates).all() and (rates <= 0.5 + 1e-12).all(), name


def test_cosine_ends_its_half_wave_with_the_training() -> None:
    wanted = [(1 + math.cos(math.pi * epoch / 10)) / 2 for epoch in range(10)]
    np.testing.assert_allclose(per_epoch("cosine"), wanted, atol=1e-12)


def test_linear_and_polynomial_fall_to_zero() -> None:
    np.testing.assert_allclose(per_epoch("linear"), [1 - e / 10 for e in range(10)], atol=1e-12)
    wanted = [(1 - epoch / 10) ** 2 for epoch in range(10)]
    np.testing.assert_allclose(per_epoch("polynomial"), wanted, atol=1e-12)


def test_step_drops_every_step_size_epochs() -> None:
    np.testing.assert_allclose(
        per_epoch("step", step_size=4, gamma=0.1), [0.1 ** (e // 4) for e in range(10)]
    )


def test_warm_up_grows_linearly_and_then_the_schedule_begins() -> None:
    rates = simulate("exponential", {"warmup": 2, "gamma": 0.5}, 4, 2)
    np.testing.assert_allclose(rates, [0.25, 0.5, 0.75, 1, 1, 1, 0.5, 0.5])


def test_plateau_drops_after_patience_epochs_without_improvement() -> None:
    rates = simulate(
        "plateau", {"patience": 1, "factor": 0.5}, 5, 1, values=[3, 2, 2, 2, 2], goal="minimize"
    )
    np.testing.assert_allclose(rates, [1, 1, 1, 1, 0.5])


def test_multistep_drops_at_its_milestones_and_by_default_at_half_and_three_quarters() -> None:
    np.testing.assert_allclose(per_epoch("multistep", milestones=[1, 9]), [1] + [0.1] * 8 + [0.01])
    np.testing.assert_allclose(per_epoch("multistep"), [1] * 5 + [0.1] * 2 + [0.01] * 3)
    np.testing.assert_allclose(per_epoch("multistep", milestones=[]), [1] * 10)


def test_one_cycle_rises_to_the_rate_and_falls_below_its_start() -> None:
    rates = simulate("one_cycle", {"pct_start": 0.25}, 20, 2, lr=0.5)
    assert rates[0] == pytest.approx(0.5 / 25)
    assert rates.argmax() == 9 and rates.max() == pytest.approx(0.5)
    assert rates[-1] == pytest.approx(0.5 / 25 / 1e4)


@pytest.mark.parametrize(
    ("epochs", "share"), [(10, 0.1), (4, 0.25), (2, 0.5), (1, 0.5), (10, 0), (3, 0.999)]
)
def test_one_cycle_has_a_rate_for_every_step_however_short_its_rise(
    epochs: int, share: float
) -> None:
    rates = simulate("one_cycle", {"pct_start": share}, epochs, 1)
    assert ((rates > 0) & (rates <= 1)).all()
    if share * epochs == 1:
        assert rates[0] == pytest.approx(1 if epochs > 1 else 1 / 25 / 1e4)


def test_after_a_warm_up_of_part_of_an_epoch_the_schedule_begins_with_the_next_epoch() -> None:
    rates = simulate("exponential", {"warmup": 1.5, "gamma": 0.5}, 4, 2)
    np.testing.assert_allclose(rates, [1 / 3, 2 / 3, 1, 1, 1, 1, 0.5, 0.5])
    ends = simulate("linear", {"warmup": 1.5, "end_factor": 0.0}, 4, 4)[::4]
    np.testing.assert_allclose(ends, [1 / 6, 5 / 6, 1, 0.5])


OWN: dict[str, list[dict[str, Any]]] = {
    "step": [{"step_size": 1}, {"step_size": 3, "gamma": 0.7}],
    "multistep": [{"milestones": [2, 3, 9]}, {"milestones": []}],
    "linear": [{"start_factor": 0.3, "end_factor": 1.0}],
    "polynomial": [{"power": 0.5}],
    "cosine": [{"eta_min": 0.01}],
    "cosine_restarts": [{"T_0": 1}, {"T_0": 2, "T_mult": 3, "eta_min": 0.1}],
    "one_cycle": [
        {"anneal_strategy": "linear", "div_factor": 5.0},
        {"pct_start": 0},
        {"pct_start": 0.99},
    ],
    "plateau": [
        {"patience": 0, "cooldown": 2, "factor": 0.5},
        {"patience": 1, "threshold": 0.3, "factor": 0.3, "min_lr": 0.04},
    ],
}


@pytest.mark.parametrize("warmup", [0.0, 0.1, 1, 1.5, 4])
@pytest.mark.parametrize("name", SCHEDULES)
def test_planned_rates_are_those_that_torch_steps_through(name: str, warmup: float) -> None:
    noise = np.random.default_rng(0).normal(1, 0.5, 40).tolist()
    for own in ({}, *OWN.get(name, [])):
        for epochs, steps in ((1, 1), (2, 3), (13, 4), (40, 2)):
            for goal in ("minimize", "maximize"):
                for values in (None, noise[:epochs]):
                    plan = ({"warmup": warmup, **own}, epochs, steps, 0.3, values, goal)
                    np.testing.assert_allclose(
                        simulate(name, *plan), stepped(name, *plan), rtol=1e-9, atol=1e-15
                    )


def stepped(
    name: str,
    parameters: dict[str, Any],
    epochs: int,
    steps_per_epoch: int,
    lr: float,
    values: list[float] | None,
    goal: str,
) -> list[float]:
    """The rates of an optimizer while its schedule drives it."""
    row = SCHEDULES[name]
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr)
    every = {**row.defaults(), **parameters}
    known = {"epochs": epochs, "steps_per_epoch": steps_per_epoch, "goal": goal}
    schedule = row.build(optimizer, **known, **every)
    rates = []
    for epoch in range(epochs):
        for _ in range(steps_per_epoch):
            rates.append(schedule.rate)
            optimizer.step()
            schedule.step()
        schedule.epoch_end(0.0 if values is None else values[epoch])
    return rates
