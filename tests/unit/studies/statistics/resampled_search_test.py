"""A random search of K trials, read as searches of N: what all subsets say, and how surely."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studies.statistics.intervals import Array
from studies.statistics.resampled_search import (
    Searched,
    compare_searches,
    confirmed_top,
    expected_best,
    jackknife_pair,
    rank_weights,
    trial_values,
)

OTHER = {"a": "b", "b": "a", "none": "none"}


def searched(values: Array, n: int, noise: Array | None = None) -> Searched:
    """An arm, maximized, whose top trials are confirmed with this noise on fresh seeds."""
    fresh = values if noise is None else values + noise
    top = np.argsort(-values)[: confirmed_top(len(values), n)]
    return Searched(values, {int(i): float(fresh[i]) for i in top})


def mean_of_subsets(values: Array, search: Array, n: int) -> float:
    """The mean value of the trial with the best search value, over all subsets of n."""
    subsets = itertools.combinations(range(len(values)), n)
    return float(np.mean([values[max(s, key=lambda i: search[i])] for s in subsets]))


@pytest.mark.parametrize(("k", "n"), [(1, 1), (5, 1), (5, 2), (8, 3), (9, 8), (9, 9)])
def test_weights_are_shares_of_all_subsets(k: int, n: int) -> None:
    best = [min(subset) for subset in itertools.combinations(range(k), n)]
    counted = np.bincount(best, minlength=k) / len(best)
    assert rank_weights(k, n) == pytest.approx(counted, abs=1e-12)


@pytest.mark.parametrize(("k", "n"), [(40, 10), (5_000, 50), (3, 3)])
def test_weights_sum_to_one_and_fall_with_the_rank(k: int, n: int) -> None:
    weights = rank_weights(k, n)
    assert weights.sum() == pytest.approx(1)
    assert weights[0] == pytest.approx(n / k)
    assert (np.diff(weights) <= 0).all() or n == 1


def test_weights_of_impossible_searches_are_errors() -> None:
    for n in (0, 6):
        with pytest.raises(ValueError, match=rf"n must be in \[1, 5\].*, got {n}"):
            rank_weights(5, n)
        with pytest.raises(ValueError, match=rf"n must be in \[1, 5\].*, got {n}"):
            confirmed_top(5, n)


def test_two_searches_worth_of_top_trials_are_confirmed() -> None:
    assert [confirmed_top(40, n) for n in (1, 2, 3, 10, 11, 40)] == [40, 40, 27, 8, 8, 2]
    assert rank_weights(400, 100)[: confirmed_top(400, 100)].sum() == pytest.approx(0.9, abs=0.01)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(-50, 50), min_size=2, max_size=8, unique=True), st.integers(1, 8))
def test_the_expected_best_is_the_mean_over_all_subsets(found: list[int], n: int) -> None:
    n = min(n, len(found))
    search = np.array(found, dtype=np.float64)
    confirmed = {int(np.argmax(search)): float(search.max() - 4)}
    values = trial_values(search, confirmed)
    assert values == pytest.approx(search - 4)
    expected = mean_of_subsets(values, search, n)
    assert expected_best(search, confirmed, n, "maximize") == pytest.approx(expected)
    minimized = expected_best(-search, {i: -v for i, v in confirmed.items()}, n, "minimize")
    assert minimized == pytest.approx(-expected)


def test_confirmed_values_replace_the_search_s_and_the_rest_lose_the_mean_optimism() -> None:
    search = np.array([0.9, 0.7, 0.8, math.nan, 0.6])
    confirmed = {0: 0.84, 2: 0.80, 1: math.nan}  # bias .06 and 0; the run of trial 1 failed
    values = trial_values(search, confirmed)
    assert values == pytest.approx([0.84, 0.67, 0.80, math.nan, 0.57], nan_ok=True)
    assert trial_values(search, {}) == pytest.approx(search, nan_ok=True)


def test_the_best_is_chosen_by_the_search_and_ties_by_number() -> None:
    search = np.array([1.0, 1.0])
    assert expected_best(search, {0: 0.2, 1: 0.9}, 2, "maximize") == 0.2
    assert expected_best(search, {0: 0.2, 1: 0.9}, 2, "minimize") == 0.2


def test_a_failed_trial_ranks_last_and_counts_as_the_worst() -> None:
    search = np.array([math.nan, 3.0, math.inf, 2.0])
    assert expected_best(search, {1: 3.0}, 3, "minimize") == pytest.approx((3 * 2 + 3) / 4)
    assert expected_best(search, {1: 3.0}, 1, "minimize") == pytest.approx((2 + 3 * 3) / 4)
    assert math.isnan(expected_best(np.array([math.nan]), {}, 1, "minimize"))


def test_with_n_of_one_the_jackknife_is_the_paired_t_interval_of_all_trials() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 12))
    interval, p, df = jackknife_pair(searched(a, 1), searched(b, 1), 1, "maximize", alpha=0.05)
    d = a - b
    error = d.std(ddof=1) / math.sqrt(12)
    assert interval.estimate == pytest.approx(d.mean()) and df == 12
    assert interval.high - interval.estimate == pytest.approx(2.178813 * error)  # t of 12, 97.5 %
    assert (p < 0.05) == interval.excludes_zero


def test_arms_apart_by_a_constant_have_no_error_and_no_certainty() -> None:
    values = np.random.default_rng(1).normal(size=40)
    a, b = searched(values + 0.5, 10), searched(values, 10)
    interval, p, df = jackknife_pair(a, b, 10, "maximize")
    assert interval.low == interval.high == pytest.approx(0.5)
    assert (p, df, interval.method) == (0.0625, 4.0, "equal differences")
    equal, p, _ = jackknife_pair(b, b, 10, "maximize")
    assert (equal.low, equal.estimate, equal.high, p) == (0, 0, 0, 1)


def test_arms_that_are_not_matched_are_errors() -> None:
    a, b = searched(np.arange(4.0), 2), searched(np.arange(5.0), 2)
    with pytest.raises(ValueError, match="matched by trial, got 4 and 5 trials"):
        jackknife_pair(a, b, 2, "maximize")
    with pytest.raises(ValueError, match=r"n must be in \[1, 4\), .* got 4"):
        jackknife_pair(a, a, 4, "maximize")
    failed = Searched(np.array([1.0, math.nan, math.nan, math.nan]), {0: 1.0})
    with pytest.raises(ValueError, match="2 trials must be completed, got 4 and 1"):
        jackknife_pair(a, failed, 2, "maximize")


def test_a_clearly_better_arm_is_found_and_counted_by_separate_searches() -> None:
    rng = np.random.default_rng(2)
    values, noise = rng.uniform(size=40), rng.normal(0, 0.02, (2, 40))
    a, b = searched(values + 1 + noise[0], 10), searched(values + noise[1], 10)
    (pair,) = compare_searches([(a, b)], 10, "maximize")
    assert (pair.better, pair.test, pair.repeats) == ("a", "jackknife t", 1)
    assert (pair.wins, pair.ties, pair.judged, pair.probability_a_better) == (4, 0, 4, 1.0)
    assert pair.reasons[0].startswith("p of a jackknife t is ")
    assert 0 < pair.detectable < pair.difference.estimate
    family = compare_searches([(a, b), (a, a), (b, a)], 10, "maximize")
    assert [p.better for p in family] == ["a", "none", "b"]
    assert family[0].p_holm == pytest.approx(3 * pair.p)
    assert family[0].detectable > pair.detectable


def test_what_cannot_be_judged_has_a_reason() -> None:
    fine = searched(np.arange(6.0), 3)
    failed = Searched(np.array([1.0, math.nan, math.nan, math.nan, math.nan, 2.0]), {5: 2.0})
    (pair,) = compare_searches([(fine, failed)], 3, "maximize")
    assert (pair.better, pair.test, pair.repeats) == ("none", "none", 0)
    assert (pair.lost_a, pair.lost_b) == (0, 1)
    assert pair.reasons == ("b completed 2 trials, fewer than 3",)
    assert (pair.wins, pair.ties) == (2, 0)
    single = Searched(np.array([math.nan, 2.0, math.nan]), {1: 1.5})
    (pair,) = compare_searches([(single, searched(np.arange(3.0), 1))], 1, "maximize")
    assert pair.reasons == ("a completed 1 trials, fewer than 2",)
    (pair,) = compare_searches([(Searched(np.arange(6.0), {}), fine)], 3, "maximize")
    assert pair.reasons == ("no trial of a was confirmed: its selection bias is unknown",)
    (pair,) = compare_searches([(fine, fine)], 6, "maximize")
    assert pair.reasons == ("6 trials cannot be read as searches of 6: more than 6 are needed",)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(-5, 5))
def test_swapped_mirrored_and_shifted_arms_give_the_same_verdict(seed: int, shift: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.normal([[1.0], [0.0]], 1, (2, 12))
    a, b = (searched(v, 3, rng.normal(0, 0.1, 12)) for v in values)

    def moved(arm: Searched, sign: float, by: float) -> Searched:
        return Searched(
            sign * arm.search + by, {i: sign * v + by for i, v in arm.confirmed.items()}
        )

    (pair,) = compare_searches([(a, b)], 3, "maximize")
    (swapped,) = compare_searches([(b, a)], 3, "maximize")
    (lower,) = compare_searches([(moved(a, -1, 0), moved(b, -1, 0))], 3, "minimize")
    (shifted,) = compare_searches([(moved(a, 1, shift), moved(b, 1, shift))], 3, "maximize")
    assert swapped.better == OTHER[pair.better]
    assert lower.better == shifted.better == pair.better
    assert swapped.p == pytest.approx(pair.p) and lower.p == pytest.approx(pair.p)
    assert shifted.p == pytest.approx(pair.p)
    assert swapped.wins == pair.judged - pair.wins - pair.ties == 4 - pair.wins


def test_equal_arms_are_called_better_in_at_most_5_percent() -> None:
    rng = np.random.default_rng(3)

    def arm(quantiles: Array) -> Searched:
        """Trials share half of their luck with the other arm; many are good, few are bad."""
        true = -3 * (0.5 * quantiles + 0.5 * rng.random(40))
        search = true + rng.normal(0, 0.1, 40)
        fresh = true + rng.normal(0, 0.1, 40)
        return Searched(search, {int(i): float(fresh[i]) for i in np.argsort(-search)[:8]})

    times, false, covered = 400, 0, 0
    for _ in range(times):
        quantiles = rng.random(40)
        (pair,) = compare_searches([(arm(quantiles), arm(quantiles))], 10, "maximize")
        false += pair.better != "none"
        covered += pair.difference.low <= 0 <= pair.difference.high
    assert false / times <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / times)
    assert covered == times - false


def test_the_optimism_is_taken_off() -> None:
    rng = np.random.default_rng(4)
    true = rng.normal(size=(500, 40))
    search, fresh = true + rng.normal(size=(2, 500, 40))
    naive, honest, actual = [], [], []
    for i in range(500):
        top = np.argsort(-search[i])[:8]
        naive.append(expected_best(search[i], {}, 10, "maximize"))
        confirmed = {int(t): float(fresh[i, t]) for t in top}
        honest.append(expected_best(search[i], confirmed, 10, "maximize"))
        actual.append(expected_best(search[i], dict(enumerate(true[i])), 10, "maximize"))
    assert np.mean(naive) - np.mean(actual) > 0.5
    assert abs(np.mean(honest) - np.mean(actual)) < 0.1


def test_less_than_a_row_of_the_part_is_no_verdict() -> None:
    rng = np.random.default_rng(3)
    search = rng.uniform(0.6, 0.9, 40)
    a = Searched(search + 0.0005, {i: float(search[i] + 0.0005) for i in range(10)})
    b = Searched(search, {i: float(search[i]) for i in range(10)})
    (exact,) = compare_searches([(a, b)], 8, "maximize")
    (coarse,) = compare_searches([(a, b)], 8, "maximize", resolution=1 / 300)
    assert exact.better == "a" and coarse.better == "none"
    assert coarse.difference.high - coarse.difference.estimate >= 1 / 300 - 1e-12


def test_trials_of_equal_value_are_ranked_by_their_loss() -> None:
    search = np.array([0.9, 0.9, 0.5, 0.4])
    fresh = {0: 0.7, 1: 0.8}
    by_number = expected_best(search, fresh, 4, "maximize")
    by_loss = expected_best(search, fresh, 4, "maximize", np.array([0.3, 0.1, 1.0, 1.0]))
    assert (by_number, by_loss) == (pytest.approx(0.7), pytest.approx(0.8))
