"""Schedules follow their closed formulas."""

import math

import numpy as np

from lightning_modules.schedules import SCHEDULES, simulate


def per_epoch(name: str, epochs: int = 10, **parameters: object) -> list[float]:
    return simulate(name, dict(parameters), epochs, 3)[::3].tolist()


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
