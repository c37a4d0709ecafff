"""Verdicts about arms are as rare as promised for equal arms, and follow from their numbers."""

import itertools
import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from studies.statistics import SECOND_LOOK_ALPHA
from studies.statistics.arm_pairs import ArmPair, ArmValues, sign_test, skewness
from studies.statistics.arm_power import (
    detectable_effect,
    detectable_gap,
    detection_power,
    noncentrality,
    repeats_needed,
)
from studies.statistics.arm_verdicts import compare_arms, sequential
from studies.statistics.levels import LOOK_ALPHA

A = [0.91, 0.93, 0.90, 0.92, 0.94, 0.95]
B = [0.88, 0.91, 0.88, 0.89, 0.90, 0.93]
PLANNED = (4, 6, 8)
"""Looks of a sequential comparison of three."""
OTHER = {"a": "b", "b": "a", "none": "none"}


def arm(values: Sequence[float], lost: Sequence[int] = ()) -> ArmValues:
    """An arm whose repeats 1, 2, ... have these values, or lost ones."""
    numbered = dict(enumerate((float(v) for v in values), start=1))
    return ArmValues({r: v for r, v in numbered.items() if r not in lost}, frozenset(lost))


def all_pairs(values: np.ndarray) -> list[tuple[ArmValues, ArmValues]]:
    return list(itertools.combinations([arm(row) for row in values], 2))


def compared(a: ArmValues, b: ArmValues, alpha: float = 0.05, resolution: float = 0.0) -> ArmPair:
    (pair,) = compare_arms([(a, b)], "maximize", alpha=alpha, resolution=resolution)
    return pair


def test_a_pair_is_judged_by_the_paired_t_test_of_scipy() -> None:
    pair = compared(arm(A), arm(B))
    known = stats.ttest_rel(A, B)
    interval = known.confidence_interval(0.95)
    assert pair.p == pytest.approx(known.pvalue)
    assert pair.difference.estimate == pytest.approx(0.16 / 6)
    assert (pair.difference.low, pair.difference.high) == pytest.approx(tuple(interval))
    assert pair.deviation == pytest.approx(np.std(np.subtract(A, B), ddof=1))
    assert (pair.better, pair.test, pair.repeats) == ("a", "paired t", 6)
    assert (pair.wins, pair.ties, pair.judged, pair.probability_a_better) == (6, 0, 6, 1.0)
    assert pair.reasons == (
        f"p is {known.pvalue:.3g}, not above 0.05",
        "the 95 % interval excludes zero",
    )
    assert compare_arms([(arm(A), arm(B))], "minimize")[0].better == "b"


def test_holm_divides_among_all_pairs_given() -> None:
    third = arm([0.90, 0.92, 0.91, 0.90, 0.93, 0.94])
    pairs = compare_arms(list(itertools.combinations([arm(A), arm(B), third], 2)), "maximize")
    p = sorted(pair.p for pair in pairs)
    adjusted = [3 * p[0], max(3 * p[0], 2 * p[1]), max(3 * p[0], 2 * p[1], p[2])]
    assert sorted(pair.p_holm for pair in pairs) == pytest.approx(adjusted)
    assert [pair.better == "none" for pair in pairs] == [pair.p_holm > 0.05 for pair in pairs]


def test_below_four_repeats_nothing_is_claimed() -> None:
    pair = compared(arm(A[:3]), arm(B[:3]))
    assert math.isnan(pair.p) and pair.p_holm == 1.0
    assert (pair.better, pair.test, pair.detectable) == ("none", "none", math.inf)
    assert pair.reasons == ("3 repeats allow no verdict about arms: add at least 1",)
    nothing = compared(arm([]), arm(B))
    assert nothing.repeats == 0 and math.isnan(nothing.probability_a_better)
    assert nothing.reasons == ("0 repeats allow no verdict about arms: add at least 4",)


def test_only_repeats_with_both_values_are_paired() -> None:
    pair = compared(ArmValues({1: 0.5, 2: 0.6, 9: 0.7}), ArmValues({2: 0.5, 9: 0.4, 10: 0.1}))
    assert (pair.repeats, pair.wins) == (2, 2)
    assert pair.difference.estimate == pytest.approx(0.2)


def test_equal_arms_and_rounding_errors_are_ties() -> None:
    pair = compared(arm([0.1 + 0.2] * 5), arm([0.3] * 5))
    assert (pair.p, pair.better, pair.ties, pair.deviation) == (1.0, "none", 5, 0.0)
    assert pair.difference.low == pair.difference.high == 0.0
    assert pair.repeats_needed is None


def test_equal_differences_of_unknown_resolution_are_a_sign_test() -> None:
    five, six = (compared(arm(A[:n]), arm([v - 0.01 for v in A[:n]])) for n in (5, 6))
    assert (five.p, five.better, six.p, six.better) == (0.0625, "none", 0.03125, "a")
    assert six.difference.method == "equal differences" and six.test == "sign test"
    assert six.difference.low == six.difference.high == pytest.approx(0.01)
    assert five.reasons == ("p of a sign test of 5 repeats cannot go below 0.062; 6 repeats could",)
    assert five.repeats_needed == 6 and five.detectable == math.inf


def test_the_interval_is_never_narrower_than_the_resolution() -> None:
    b = [v - 0.01 for v in A]
    wide = compared(arm(A), arm(b), resolution=0.02)
    assert wide.difference.high - wide.difference.estimate == pytest.approx(0.02)
    assert wide.difference.method == "resolution" and wide.better == "none"
    assert 0.05 < wide.p < 1 and wide.detectable >= 0.02
    fine = compared(arm(A), arm(b), resolution=0.005)
    assert fine.better == "a" and fine.p < 0.05
    exactly = compared(arm(A), arm(b), resolution=0.01)
    assert exactly.better == "none" and exactly.p > 0.05 and exactly.repeats_needed is None
    noisy = compared(arm(A), arm(B), resolution=0.001)
    assert noisy == compared(arm(A), arm(B))


def test_an_arm_that_lost_more_is_never_better() -> None:
    values = [0.5 + i / 100 for i in range(12)]
    lower = [v - 0.1 - i / 1000 for i, v in enumerate(values)]
    pair = compared(arm(values, lost=[3]), arm(lower))
    assert (pair.lost_a, pair.lost_b, pair.repeats, pair.judged) == (1, 0, 11, 12)
    assert (pair.wins, pair.ties) == (11, 0)
    assert pair.p == pytest.approx(stats.binomtest(11, 12).pvalue) and pair.p < 0.05
    assert pair.better == "none" and pair.difference.excludes_zero
    assert pair.reasons == ("a lost 1 repeats, b 0: the arm that lost more is never called better",)


def test_a_lost_repeat_is_the_worst_value() -> None:
    pair = compared(arm(B, lost=[1, 2]), arm(A))
    assert (pair.repeats, pair.judged, pair.test, pair.better) == (4, 6, "sign test", "b")
    assert pair.p == 0.03125 and pair.probability_a_better == 0.0
    assert pair.reasons == ("p of a sign test is 0.0312, not above 0.05", "a lost 2 repeats, b 0")
    both = compared(arm(B, lost=[1, 2]), arm(A, lost=[1]))
    assert (both.p, both.ties, both.better) == (0.0625, 1, "none")


def test_lost_repeats_count_towards_the_four_only_where_they_are_judged() -> None:
    unequal = compared(arm(B[:4], lost=[1, 2, 3]), arm(A[:4]))
    assert unequal.repeats == 1 and unequal.p == 0.125
    equal = compared(arm(B[:4], lost=[1]), arm(A[:4], lost=[1]))
    assert equal.repeats == 3 and equal.test == "none"
    unknown = compared(ArmValues({1: 0.1}, frozenset({2, 3})), arm(A[:1]))
    assert unknown.judged == 1  # b has not done 2 and 3 yet


def test_a_value_that_is_not_finite_is_a_lost_repeat() -> None:
    assert compared(arm([*A[:5], math.inf]), arm(B)) == compared(arm(A, lost=[6]), arm(B))


def test_the_sign_test_is_that_of_scipy() -> None:
    for wins, losses in itertools.product(range(7), repeat=2):
        expected = stats.binomtest(wins, wins + losses).pvalue if wins + losses else 1.0
        assert sign_test(wins, losses) == pytest.approx(expected)


def test_skewed_differences_of_few_repeats_are_said() -> None:
    d = [0.0, 0.1, 0.2, 0.1, 3.0, 0.0]
    assert skewness(d) == pytest.approx(stats.skew(d)) and skewness(d) > 1
    assert skewness([2.0] * 5) == 0.0 and math.isnan(skewness([1.0, 2.0]))
    assert compared(arm(d), arm([0.0] * 6)).lopsided
    assert not compared(arm(d * 3), arm([0.0] * 18)).lopsided
    assert not compared(arm(A), arm(B)).lopsided


values = st.one_of(st.none(), st.integers(-20, 20).map(lambda tenths: tenths / 10))


def arms_of(rows: list[tuple[float | None, ...]]) -> list[ArmValues]:
    """Three arms; None is a lost repeat."""
    columns = list(zip(*rows, strict=True)) or [(), (), ()]
    return [
        arm([v if v is not None else 0.0 for v in c], [i + 1 for i, v in enumerate(c) if v is None])
        for c in columns
    ]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(values, values, values), max_size=10),
    st.sampled_from([0.0, 0.1, 1.0]),
)
def test_verdicts_never_contradict_their_numbers(
    rows: list[tuple[float | None, ...]], resolution: float
) -> None:
    pairs = list(itertools.combinations(arms_of(rows), 2))
    found = compare_arms(pairs, "maximize", resolution=resolution)
    swapped = compare_arms([(b, a) for a, b in pairs], "maximize", resolution=resolution)
    lower = compare_arms(pairs, "minimize", resolution=resolution)
    order = sorted(range(3), key=lambda i: 1.0 if math.isnan(found[i].p) else found[i].p)
    assert sorted(pair.p_holm for pair in found) == [found[i].p_holm for i in order]
    for pair, mirror, minimized in zip(found, swapped, lower, strict=True):
        assert mirror.better == OTHER[pair.better] and pair.reasons
        assert mirror.difference.low == pytest.approx(-pair.difference.high, nan_ok=True)
        assert (mirror.p, mirror.p_holm) == pytest.approx((pair.p, pair.p_holm), nan_ok=True)
        assert mirror.wins == pair.judged - pair.wins - pair.ties
        assert (mirror.detectable, mirror.repeats_needed) == (pair.detectable, pair.repeats_needed)
        if all(each.lost_a == each.lost_b for each in found):
            # else a lost repeat is the worst value under both goals, and Holm looks at all pairs
            assert minimized.better == OTHER[pair.better]
        if pair.better == "none":
            continue
        sign = 1 if pair.better == "a" else -1
        assert pair.p <= pair.p_holm <= 0.05
        assert sign * (pair.lost_a - pair.lost_b) <= 0
        if pair.lost_a == pair.lost_b:
            assert pair.difference.excludes_zero
            assert sign * pair.difference.estimate > resolution
        else:
            assert sign * (pair.probability_a_better - 0.5) > 0


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(values, values, values), max_size=10), st.integers(-8, 8))
def test_a_constant_added_to_all_arms_changes_nothing(
    rows: list[tuple[float | None, ...]], shift: int
) -> None:
    moved = [tuple(None if v is None else v + shift for v in row) for row in rows]
    before, after = (
        compare_arms(list(itertools.combinations(arms_of(r), 2)), "maximize") for r in (rows, moved)
    )
    for one, other in zip(before, after, strict=True):
        assert (one.better, one.wins, one.ties) == (other.better, other.wins, other.ties)
        assert one.p == pytest.approx(other.p, nan_ok=True)


def test_arguments_out_of_range_are_errors() -> None:
    with pytest.raises(ValueError, match="resolution must be at least 0, got -1"):
        compare_arms([], "maximize", resolution=-1)
    with pytest.raises(ValueError, match=r"alpha must be in \(0, 1\), got 5"):
        compare_arms([], "maximize", alpha=5)
    with pytest.raises(ValueError, match=r"looks must increase from 4 or more, got \(6, 4\)"):
        sequential([], "maximize", looks=(6, 4), done=6)


# power


@pytest.mark.parametrize(("n", "pairs"), [(4, 1), (6, 1), (6, 3), (8, 6)])
def test_the_detectable_effect_is_detected_in_80_percent(n: int, pairs: int) -> None:
    rng = np.random.default_rng(n)
    d = rng.normal(detectable_effect(n, pairs=pairs), 1, (20_000, n))
    found = (stats.ttest_1samp(d, 0, axis=1).pvalue <= 0.05 / pairs) & (d.mean(axis=1) > 0)
    assert found.mean() == pytest.approx(0.8, abs=0.01)


def test_the_detectable_effect_of_known_tables() -> None:
    assert detectable_effect(34) == pytest.approx(0.495, abs=0.002)  # G*Power: 34 for dz = 0.5
    assert repeats_needed(0.5, 1.0) == 34
    assert repeats_needed(-0.8, 1.0) == 15  # G*Power: 15 for dz = 0.8
    assert repeats_needed(0.08, 0.1) == 15


def test_what_a_gap_needs_and_shows() -> None:
    assert detectable_gap(0.5, 6) == pytest.approx(0.5 * detectable_effect(6))
    assert detectable_gap(1.0, 3) == math.inf and detection_power(9.0, 3) == 0.0
    assert detectable_gap(1.0, 6, pairs=15) > detectable_gap(1.0, 6, pairs=3)
    assert repeats_needed(9.0, 1.0) == 4 == repeats_needed(0.1, 0.0)
    assert repeats_needed(0.0, 1.0) is None and repeats_needed(0.01, 1.0) is None
    assert repeats_needed(1.0, math.nan) is None and repeats_needed(1.0, 1.0, most=3) is None
    for pairs, effect in itertools.product((1, 15, 780), (0.3, 1.0, 2.0)):
        n = repeats_needed(effect, 1.0, pairs=pairs)
        assert n is not None
        assert detection_power(effect, n, pairs=pairs) >= 0.8
        assert detection_power(effect, n - 1, pairs=pairs) < 0.8
    with pytest.raises(ValueError, match=r"power must be in \(alpha, 1\), got 0.01"):
        noncentrality(3, 0.05, 0.01)


# sequential


def test_a_clear_pair_is_decided_at_the_first_look_and_keeps_it() -> None:
    a = [1.0, 1.1, 0.9, 1.05, -9, -9, -9, -9]
    b = [0.0, 0.05, 0.0, 0.1, 5, 5, 5, 5]
    found = sequential([(arm(a), arm(b))], "maximize", done=8, looks=PLANNED)
    alone = compared(arm(a[:4]), arm(b[:4]), alpha=LOOK_ALPHA)
    assert found.pairs[0].better == "a" and found.pairs[0].look == 4
    assert found.pairs[0].difference == alone.difference and found.pairs[0].p_holm == alone.p
    assert found.pairs[0].reasons[1] == "the 97.76 % interval excludes zero"
    assert (found.look, found.open) == (4, frozenset())


def test_a_hopeless_pair_is_closed_at_the_first_look_only() -> None:
    equal = arm([1, 2, 1, 2, 9, 9, 9, 9.5]), arm([2, 1, 2, 1, 0, 0, 0.1, 0])
    found = sequential([equal], "maximize", done=8, looks=PLANNED)
    assert (found.pairs[0].better, found.pairs[0].look) == ("none", 4)
    assert found.pairs[0].reasons[0] == "p at the first look is 1, above 0.5: closed"
    assert found.open == frozenset()
    kept = sequential([equal], "maximize", futile=1.0, done=6, looks=PLANNED)
    assert (kept.look, kept.open, kept.pairs[0].look) == (6, frozenset({0}), None)
    last = sequential([equal], "maximize", futile=1.0, done=8, looks=PLANNED)
    assert (last.look, last.open, last.pairs[0].look) == (8, frozenset(), 8)


def test_before_the_first_look_arms_are_described_and_not_tested() -> None:
    for done in (3, 5):
        found = sequential([(arm(A), arm(B))], "maximize", looks=(6, 9), done=done)
        assert (found.look, found.open) == (0, frozenset({0}))
        assert math.isnan(found.pairs[0].p) and found.pairs[0].repeats == done
        assert found.pairs[0].reasons == (f"the first look is at 6 repeats, {done} are there",)


def test_pairs_called_better_leave_the_family_and_closed_ones_stay() -> None:
    noise = np.array([0.3, -0.2, 0.1, -0.25, 0.2, 0.05, -0.1, 0.15])
    zero, clear = arm(np.zeros(8)), arm(10 + noise)
    hopeless = arm([1, -1, 1, -1, 1, -1, 1, -1])
    slow = arm([0.9, 0.3, 0.2, 0.6, 0.4, 0.5, 0.3, 0.6])
    family = [(clear, zero), (hopeless, zero), (slow, zero)]
    at_4 = sequential(family, "maximize", done=4, looks=PLANNED)
    assert [pair.look for pair in at_4.pairs] == [4, 4, None]
    at_6 = sequential(family, "maximize", done=6, looks=PLANNED)
    assert at_6.pairs[:2] == at_4.pairs[:2]
    assert at_6.pairs[2].p_holm == pytest.approx(2 * at_6.pairs[2].p)
    assert at_6.pairs[2].better == "a" and at_6.pairs[2].look == 6


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(values, values, values), min_size=8, max_size=8))
def test_a_sequential_comparison_grows_as_if_it_had_been_interrupted(
    rows: list[tuple[float | None, ...]],
) -> None:
    pairs = list(itertools.combinations(arms_of(rows), 2))
    states = [sequential(pairs, "maximize", done=done, looks=PLANNED) for done in range(9)]
    for done in range(9):
        short = list(itertools.combinations(arms_of(rows[:done]), 2))
        assert sequential(short, "maximize", done=done, looks=PLANNED).open == states[done].open
    for before, after in itertools.pairwise(states[4:]):
        assert after.open <= before.open
        for i, pair in enumerate(before.pairs):
            if i not in before.open:
                assert repr(after.pairs[i]) == repr(pair)  # NaN is not equal to itself
            assert (pair.better != "none") <= (pair.p_holm <= LOOK_ALPHA)
    assert states[8].open == frozenset()


# calibration: shares of families of equal arms in which any pair is called better


def false_share(family: Callable[[], Sequence[ArmPair]], times: int) -> float:
    return sum(any(pair.better != "none" for pair in family()) for _ in range(times)) / times


def two_errors(share: float, times: int) -> float:
    return 2 * math.sqrt(share * (1 - share) / times)


@pytest.mark.parametrize("n", [4, 6, 8])
@pytest.mark.parametrize("arms", [2, 3])
def test_equal_arms_are_called_better_in_5_percent(n: int, arms: int) -> None:
    rng = np.random.default_rng(n)
    times = 3_000
    share = false_share(
        lambda: compare_arms(all_pairs(rng.normal(size=(arms, n))), "maximize"), times
    )
    assert share <= 0.05 + two_errors(0.05, times)
    assert share >= 0.035, "a test that never finds anything is calibrated too"


def test_equal_skewed_arms_are_called_better_in_at_most_5_percent() -> None:
    rng = np.random.default_rng(0)
    share = false_share(
        lambda: compare_arms(all_pairs(rng.exponential(size=(2, 6))), "maximize"), 2_000
    )
    assert share <= 0.05 + two_errors(0.05, 2_000)


@pytest.mark.parametrize(("arms", "measured"), [(2, 0.051), (3, 0.052)])
def test_looks_at_equal_arms_call_one_better_in_5_percent(arms: int, measured: float) -> None:
    rng = np.random.default_rng(arms)
    times = 3_000
    share = false_share(
        lambda: (
            sequential(
                all_pairs(rng.normal(size=(arms, 8))), "maximize", looks=PLANNED, done=8
            ).pairs
        ),
        times,
    )
    assert share == pytest.approx(measured, abs=two_errors(measured, times))


def test_the_same_looks_at_the_full_level_would_err_twice_as_often() -> None:
    rng = np.random.default_rng(5)
    share = false_share(
        lambda: (
            sequential(
                all_pairs(rng.normal(size=(2, 8))), "maximize", looks=PLANNED, alpha=0.05, done=8
            ).pairs
        ),
        2_000,
    )
    assert share > 0.08


def test_repeats_added_after_a_verdict_are_judged_more_strictly() -> None:
    def extended() -> list[ArmPair]:
        d = rng.normal(size=(2, 9))
        first = compare_arms(all_pairs(d[:, :6]), "maximize")
        second = compare_arms(all_pairs(d), "maximize", alpha=SECOND_LOOK_ALPHA)
        return [*first, *second]

    rng = np.random.default_rng(1)
    times = 3_000
    assert false_share(extended, times) <= 0.0524 + two_errors(0.0524, times)


def test_losses_at_random_do_not_make_an_arm_better() -> None:
    def family() -> list[ArmPair]:
        pairs = [
            arm(rng.normal(size=8), (np.flatnonzero(rng.random(8) < 0.2) + 1).tolist())
            for _ in range(2)
        ]
        return compare_arms([(pairs[0], pairs[1])], "maximize")

    rng = np.random.default_rng(2)
    assert false_share(family, 2_000) <= 0.05 + two_errors(0.05, 2_000)
