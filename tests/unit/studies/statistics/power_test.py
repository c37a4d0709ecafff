"""The power that is claimed is the power that verdicts have."""

import math

import numpy as np
import pytest

from studies.statistics import power
from studies.statistics.intervals import sign_flip_test
from studies.statistics.power import (
    SMALLEST_EFFECT,
    detectable_difference,
    detection_power,
    seeds_needed,
)
from studies.statistics.verdicts import ALPHA, compare, verdict


def measured_power(effect: float, n: int, pairs: int, comparisons: int = 1_000) -> float:
    """The share of verdicts for the better of two arms, by the rule itself."""
    rng = np.random.default_rng(99)
    found = 0
    for _ in range(comparisons):
        d = rng.normal(effect, 1, n)
        (c,) = compare([(d, np.zeros(n))], rng=rng, resamples=500)
        p = min(1.0, pairs * c.p)
        decided = verdict(c.difference, p, c.probability_a_better, seeds=n, pairs=pairs)
        found += decided.better == "a"
    return found / comparisons


@pytest.mark.parametrize(("n", "pairs"), [(6, 1), (8, 1), (8, 3), (9, 6), (14, 1), (16, 3)])
def test_the_detectable_difference_is_detected_in_80_percent(n: int, pairs: int) -> None:
    effect = detectable_difference(1.0, n, pairs=pairs)
    assert measured_power(effect, n, pairs) == pytest.approx(0.8, abs=0.05)


@pytest.mark.parametrize("pairs", [1, 3])
def test_the_effect_that_a_simulation_needs_is_that_of_the_test_itself(pairs: int) -> None:
    rng = np.random.default_rng(1)
    noise = rng.standard_normal((50, 7))
    needed = power._needed_by_sign_flips(noise, ALPHA / pairs)
    for row, effect in zip(noise, needed, strict=True):
        at = max(effect, 0.05 - row.mean())  # with a mean above zero
        assert sign_flip_test(row + at + 1e-4, rng) <= ALPHA / pairs
        if at == effect:
            assert sign_flip_test(row + at - 1e-4, rng) > ALPHA / pairs


def test_the_detectable_difference_scales_with_the_noise() -> None:
    assert detectable_difference(0.5, 8) == pytest.approx(0.5 * detectable_difference(1.0, 8))
    assert detectable_difference(0.0, 8) == 0.0


def test_too_few_seeds_detect_nothing() -> None:
    assert detectable_difference(1.0, 5) == math.inf
    assert detectable_difference(1.0, 6, pairs=3) == math.inf
    assert detection_power(50.0, 5) == 0.0


def test_more_pairs_need_a_larger_difference() -> None:
    one, three, six = (detectable_difference(1.0, 9, pairs=pairs) for pairs in (1, 3, 6))
    assert one < three < six


@pytest.mark.parametrize("effect", [0.8, 1.0, 1.5])
def test_the_seeds_needed_have_the_power_and_fewer_do_not(effect: float) -> None:
    n = seeds_needed(effect, 1.0)
    assert n is not None
    assert detection_power(effect, n) >= 0.8 > detection_power(effect, n - 1)
    assert seeds_needed(-effect, 1.0) == n
    assert seeds_needed(effect / 100, 0.01) == n


def test_no_number_of_seeds_finds_an_arm_that_wins_too_seldom() -> None:
    assert seeds_needed(0.99 * SMALLEST_EFFECT, 1.0, most=10**9) is None
    assert seeds_needed(0.0, 0.0) is None
    assert detection_power(0.5, 200) < detection_power(0.5, 20) < 0.8


def test_more_than_the_cap_is_not_a_number() -> None:
    assert seeds_needed(0.8, 1.0, most=20) is None
    assert seeds_needed(5.0, 1.0, most=3) is None


def test_without_noise_the_first_possible_number_of_seeds_suffices() -> None:
    assert seeds_needed(0.1, 0.0) == 6
    assert seeds_needed(0.1, 0.0, pairs=3) == 7


def test_of_780_pairs_a_larger_difference_never_needs_more_seeds() -> None:
    needed = [seeds_needed(float(x), 1.0, pairs=780) for x in np.linspace(0.7, 3, 780)]
    known = [n for n in needed if n is not None]
    assert known == sorted(known, reverse=True)
    assert len(known) > 700
