"""Intervals and tests agree with enumeration, with scipy and with numbers computed by hand."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from studies.statistics import Interval
from studies.statistics.intervals import (
    differences,
    holm,
    mean_interval,
    pair,
    paired_difference,
    probability_better,
    selection_bias,
    sign_flip_test,
)

ACCURACIES = [0.91, 0.93, 0.90, 0.95, 0.92, 0.94, 0.93, 0.96]


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def bounds(interval: Interval) -> list[float]:
    return [interval.low, interval.high]


def test_few_values_have_student_s_interval(rng: np.random.Generator) -> None:
    interval = mean_interval(ACCURACIES, rng=rng)
    wanted = stats.ttest_1samp(ACCURACIES, 0).confidence_interval(0.95)
    np.testing.assert_allclose(bounds(interval), wanted)
    assert interval.method == "student t"
    assert interval.estimate == pytest.approx(0.93)


def test_the_difference_of_two_arms_is_paired(rng: np.random.Generator) -> None:
    other = [value - 0.01 * (i % 3) for i, value in enumerate(ACCURACIES)]
    interval = paired_difference(ACCURACIES, other, rng=rng)
    wanted = stats.ttest_rel(ACCURACIES, other).confidence_interval(0.95)
    np.testing.assert_allclose(bounds(interval), wanted)


def test_the_bootstrap_of_symmetric_values_is_as_wide_as_student_s(
    rng: np.random.Generator,
) -> None:
    for n in (30, 60):
        values = stats.norm.ppf((np.arange(n) + 0.5) / n)
        interval = mean_interval(values, rng=rng)
        assert interval.method == "BCa bootstrap"
        student = stats.ttest_1samp(values, 0).confidence_interval(0.95)
        np.testing.assert_allclose(bounds(interval), student, rtol=0.05)


def test_the_bootstrap_follows_the_skew_of_the_values(rng: np.random.Generator) -> None:
    interval = mean_interval(np.linspace(0, 2, 40) ** 4, rng=rng)
    assert interval.high - interval.estimate > 1.2 * (interval.estimate - interval.low)


def test_where_bca_is_undefined_the_interval_is_the_percentile_one(
    rng: np.random.Generator,
) -> None:
    losses = np.arange(40) * 1e120  # BCa needs their cubes, which overflow
    interval = mean_interval(losses, rng=rng)
    assert interval.method == "percentile bootstrap"
    assert 0 < interval.low < interval.estimate < interval.high < losses[-1]


def test_one_value_has_no_bounds(rng: np.random.Generator) -> None:
    interval = mean_interval([0.9], rng=rng)
    assert interval.estimate == 0.9
    assert np.isnan(bounds(interval)).all()
    assert interval.method == "one value"
    assert not interval.excludes_zero


def test_no_value_has_no_mean(rng: np.random.Generator) -> None:
    interval = mean_interval([], rng=rng)
    assert math.isnan(interval.estimate)
    assert interval.method == "no values"


@pytest.mark.parametrize("n", [2, 8, 30])
def test_equal_values_have_an_interval_of_width_zero(n: int, rng: np.random.Generator) -> None:
    interval = paired_difference([0.3] * n, [0.1] * n, rng=rng)
    assert bounds(interval) == [interval.estimate] * 2 == pytest.approx([0.2] * 2)
    assert interval.method == "equal values"


def test_rounding_errors_are_ties() -> None:
    assert differences([0.1 + 0.2, 0.5], [0.3, 0.4]).tolist() == [0.0, pytest.approx(0.1)]


def test_arms_of_unequal_length_are_not_paired() -> None:
    with pytest.raises(ValueError, match="paired by seed, got 3 and 2 values"):
        differences([1, 2, 3], [1, 2])


def test_a_diverged_value_is_not_averaged(rng: np.random.Generator) -> None:
    for value in (math.nan, math.inf):
        with pytest.raises(ValueError, match="must be finite"):
            mean_interval([1.0, value], rng=rng)


def test_pairs_are_the_seeds_that_both_arms_completed() -> None:
    paired = pair({3: 0.3, 1: 0.1, 2: 0.2, 5: 0.5}, {1: 1.1, 2: math.nan, 3: 1.3, 4: 1.4})
    assert paired.seeds == (1, 3)
    assert paired.a.tolist() == [0.1, 0.3]
    assert paired.b.tolist() == [1.1, 1.3]


@pytest.mark.parametrize("n", [1, 2, 5, 9])
def test_the_sign_flip_test_enumerates_all_flips(n: int, rng: np.random.Generator) -> None:
    for _ in range(10):
        d = rng.integers(-4, 6, n)
        flipped = [abs(np.dot(signs, d)) for signs in itertools.product((1, -1), repeat=n)]
        wanted = float(np.mean([total >= abs(d.sum()) for total in flipped]))
        assert sign_flip_test(d, rng) == pytest.approx(wanted), d


def test_the_sign_flip_test_agrees_with_scipy(rng: np.random.Generator) -> None:
    a, b = rng.normal(0.5, 1, 10), rng.normal(0, 1, 10)
    wanted = stats.permutation_test(
        (a, b), lambda x, y, axis: (x - y).mean(axis=axis), permutation_type="samples"
    )
    assert sign_flip_test(a - b, rng) == pytest.approx(wanted.pvalue)


def test_on_signed_ranks_the_sign_flip_test_is_wilcoxon_s(rng: np.random.Generator) -> None:
    d = rng.normal(0.4, 1, 12)
    ranks = np.sign(d) * stats.rankdata(np.abs(d))
    wanted = stats.wilcoxon(d, method="exact").pvalue
    assert sign_flip_test(ranks, rng) == pytest.approx(float(wanted))


def test_many_pairs_are_flipped_at_random(rng: np.random.Generator) -> None:
    d = rng.normal(0.3, 1, 24)
    wanted = stats.ttest_1samp(d, 0).pvalue
    sampled = sign_flip_test(d, rng)
    assert sampled == pytest.approx(wanted, abs=0.01)
    assert sign_flip_test(np.ones(40), rng, flips=999) == pytest.approx(1 / 1000)


def test_ties_change_no_p_value(rng: np.random.Generator) -> None:
    d = [0.2, 0.1, -0.05, 0.3, 0.25]
    assert sign_flip_test([*d, 0.0, 0.0], rng) == sign_flip_test(d, rng)
    assert sign_flip_test([0.0, 0.0, 0.0], rng) == 1.0
    assert sign_flip_test([], rng) == 1.0


def test_five_seeds_cannot_be_significant_and_six_can(rng: np.random.Generator) -> None:
    assert sign_flip_test([1.0] * 5, rng) == 0.0625
    assert sign_flip_test([1.0] * 6, rng) == 0.03125


def test_holm_steps_down() -> None:
    # by hand: .005 × 4, .01 × 3, .03 × 2, and .04 × 1, raised to the step before it
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9, 0.4]) == [1.0, 1.0, 1.0]
    assert holm([0.03]) == [0.03]
    assert holm([]) == []


def test_the_probability_of_being_better_counts_ties_half(rng: np.random.Generator) -> None:
    a, b = [3, 1, 2, 5, 4, 4, 1, 2], [1, 1, 3, 4, 4, 3, 0, 1]
    probability = probability_better(a, b, rng=rng)
    assert probability.estimate == (5 + 2 / 2) / 8
    assert probability_better(a, b, "minimize", rng=rng).estimate == 1 - 6 / 8
    scores = np.array([1, 0.5, 0, 1, 0.5, 1, 1, 1])
    wanted = stats.bootstrap((scores,), np.mean, method="percentile", rng=rng)
    np.testing.assert_allclose(bounds(probability), wanted.confidence_interval, atol=0.07)


def test_winning_every_seed_is_no_proof_of_always_winning(rng: np.random.Generator) -> None:
    probability = probability_better([2.0] * 8, [1.0] * 8, rng=rng)
    wanted = stats.binomtest(8, 8).proportion_ci(0.95, "exact")
    assert probability.estimate == 1
    np.testing.assert_allclose(bounds(probability), [wanted.low, wanted.high])
    probability = probability_better([1.0] * 8, [2.0] * 8, rng=rng)
    np.testing.assert_allclose(bounds(probability), [0, 1 - wanted.low])


def test_nothing_but_ties_says_nothing(rng: np.random.Generator) -> None:
    probability = probability_better([1.0, 2.0], [1.0, 2.0], rng=rng)
    assert probability.estimate == 0.5
    assert np.isnan(bounds(probability)).all()
    assert math.isnan(probability_better([], [], rng=rng).estimate)


def test_optimism_is_what_the_search_promised_too_much() -> None:
    assert selection_bias(0.95, 0.93) == pytest.approx(0.02)
    assert selection_bias(0.20, 0.25, "minimize") == pytest.approx(0.05)


def test_the_same_generator_state_gives_the_same_interval() -> None:
    values = np.random.default_rng(1).normal(size=30)
    first, second = (mean_interval(values, rng=np.random.default_rng(7)) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("n", [8, 10, 16, 30])
@pytest.mark.parametrize("kind", ["normal", "skewed", "tied"])
def test_intervals_contain_the_truth_in_95_percent(
    kind: str, n: int, rng: np.random.Generator
) -> None:
    draws = {
        "normal": lambda: rng.normal(0, 1, n),
        "skewed": lambda: rng.exponential(1, n),
        "tied": lambda: rng.binomial(200, 0.98, n) / 200,
    }
    repetitions, covered = 400, 0
    for _ in range(repetitions):
        a, b = draws[kind](), draws[kind]()
        interval = paired_difference(a + 0.5, b, rng=rng, resamples=500)
        covered += interval.low - 1e-12 <= 0.5 <= interval.high + 1e-12
    error = math.sqrt(0.95 * 0.05 / repetitions)
    assert covered / repetitions == pytest.approx(0.95, abs=0.02 + 2 * error)
