"""A verdict is given rarely enough, never contradicts its numbers, and explains itself."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studies.statistics import Interval, seeds_for_a_verdict
from studies.statistics.verdicts import compare, smallest_p, verdict

CLEAR = Interval(0.02, 0.01, 0.03, "student t")
OFTEN = Interval(0.875, 0.6, 1.0, "percentile bootstrap")


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_the_smallest_number_of_seeds_for_a_verdict() -> None:
    assert [seeds_for_a_verdict(pairs) for pairs in (1, 3, 6, 10)] == [6, 7, 8, 9]
    for pairs in range(1, 60):
        n = seeds_for_a_verdict(pairs)
        assert smallest_p(n) * pairs <= 0.05 < smallest_p(n - 1) * pairs
    assert smallest_p(5) == 0.0625
    with pytest.raises(ValueError, match="pairs must be at least 1, got 0"):
        seeds_for_a_verdict(0)


def test_better_takes_all_three_conditions() -> None:
    decided = verdict(CLEAR, 0.016, OFTEN, seeds=8)
    assert decided.better == "a"
    assert decided.reasons == (
        "p is 0.016, not above 0.05",
        "the 95 % interval excludes zero",
        "the leading arm wins 87.5% of the seeds; 75% are asked",
    )
    assert verdict(CLEAR, 0.016, Interval(0.125, 0, 0.4, ""), "minimize", seeds=8).better == "b"


def test_each_condition_that_fails_is_named() -> None:
    assert verdict(CLEAR, 0.06, OFTEN, seeds=8, pairs=3).reasons == (
        "p after Holm is 0.06, above 0.05",
    )
    unclear = Interval(0.02, -0.01, 0.05, "student t")
    assert verdict(unclear, 0.01, OFTEN, seeds=8).reasons == (
        "the 95 % interval does not exclude zero",
    )
    rarely = Interval(0.6, 0.4, 0.8, "percentile bootstrap")
    assert verdict(CLEAR, 0.01, rarely, seeds=8).reasons == (
        "the leading arm wins 60.0% of the seeds; 75% are asked",
    )


def test_too_few_seeds_are_said_rather_than_hidden(rng: np.random.Generator) -> None:
    (alone,) = compare([([2, 3, 4, 5, 6], [1, 2, 3, 3, 4])], rng=rng)
    assert alone.verdict.better == "none"
    assert alone.verdict.reasons == (
        "5 seeds allow no verdict: p cannot go below 0.062; 6 seeds could",
    )
    six = ([2, 3, 4, 5, 6, 7], [1, 2, 3, 3, 4, 5])
    for among_three in compare([six] * 3, rng=rng):
        assert among_three.verdict.reasons == (
            "6 seeds allow no verdict: p cannot go below 0.031 before Holm's correction for "
            "3 pairs; 7 seeds could",
        )
    assert compare([six], rng=rng)[0].verdict.better == "a"


@pytest.mark.parametrize("n", [0, 1, 8])
def test_identical_arms_have_no_verdict(n: int, rng: np.random.Generator) -> None:
    (same,) = compare([([0.9] * n, [0.9] * n)], rng=rng)
    assert same.verdict.better == "none"
    assert same.p == same.p_holm == 1.0
    assert same.seeds == n
    if n == 0:
        assert same.verdict.reasons == ("no seed was completed by both arms",)


def test_a_few_lucky_seeds_do_not_make_an_arm_better(rng: np.random.Generator) -> None:
    a = [0.9] * 12 + [2.0] * 8
    b = [0.91] * 10 + [0.89] * 2 + [1.0] * 8
    (pair,) = compare([(a, b)], rng=rng)
    assert pair.p_holm <= 0.05 and pair.difference.excludes_zero
    assert pair.verdict.better == "none"
    assert pair.verdict.reasons == ("the leading arm wins 50.0% of the seeds; 75% are asked",)


values = st.integers(-20, 20).map(lambda tenths: tenths / 10)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(values, values, values), max_size=9))
def test_verdicts_never_contradict_their_numbers(rows: list[tuple[float, float, float]]) -> None:
    arms = [[row[arm] for row in rows] for arm in range(3)]
    pairs = list(itertools.combinations(arms, 2))
    compared = compare(pairs, rng=np.random.default_rng(0), resamples=200)
    swapped = compare([(b, a) for a, b in pairs], rng=np.random.default_rng(0), resamples=200)
    lower = compare(pairs, "minimize", rng=np.random.default_rng(0), resamples=200)
    other = {"a": "b", "b": "a", "none": "none"}
    for pair, mirror, minimized in zip(compared, swapped, lower, strict=True):
        assert mirror.verdict.better == minimized.verdict.better == other[pair.verdict.better]
        assert pair.p_holm >= pair.p
        assert pair.verdict.reasons
        if pair.verdict.better != "none":
            assert pair.p_holm <= 0.05 and pair.difference.excludes_zero
            sign = 1 if pair.verdict.better == "a" else -1
            assert sign * pair.difference.estimate > 0
            assert sign * (pair.probability_a_better.estimate - 0.5) >= 0.25


@pytest.mark.parametrize("kind", ["normal", "skewed", "tied"])
def test_equal_arms_are_rarely_called_better(kind: str, rng: np.random.Generator) -> None:
    draws = {
        "normal": lambda: rng.normal(size=(3, 8)),
        "skewed": lambda: rng.exponential(size=(3, 8)),
        "tied": lambda: rng.binomial(200, 0.98, (3, 8)) / 200,
    }
    comparisons = 500
    false = 0
    for _ in range(comparisons):
        pairs = list(itertools.combinations(draws[kind](), 2))
        false += any(c.verdict.better != "none" for c in compare(pairs, rng=rng, resamples=100))
    assert false / comparisons <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / comparisons)
