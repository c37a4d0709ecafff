"""What the repeats say of two arms: the evidence of one pair, before and after Holm's correction.

The unit is a repeat: one independent search of every arm, on a split that the arms share. Values
are those of the winners on fresh seeds, logarithms where losses are compared as ratios.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import special

from studies.statistics.arm_power import MOST, detectable_gap, repeats_needed, t_quantile, t_test_p
from studies.statistics.goals import Goal
from studies.statistics.intervals import ROUNDING, Array, Interval, differences, pair
from studies.statistics.levels import MIN_REPEATS
from studies.statistics.verdicts import seeds_for_a_verdict, smallest_p

Better = Literal["a", "b", "none"]

LOPSIDED = 1.0
"""Absolute skewness of the differences beyond which a t test of few repeats errs too often."""
LOPSIDED_BELOW = 15
"""Repeats from which on the mean of skewed differences is taken to be normal enough."""
EDGE = 1 + 1e-9
"""A difference of exactly the resolution, but for rounding errors, is not above it."""


@dataclass(frozen=True)
class ArmValues:
    """What an arm's searches found, by the number of the repeat, and the repeats it lost.

    A lost repeat has no value: the search had no winner, or the winner failed on all fresh seeds.
    A value that is not finite, or of a repeat in `lost`, counts as lost.
    """

    values: Mapping[int, float]
    lost: frozenset[int] = field(default_factory=frozenset)

    def finished(self) -> dict[int, float]:
        """{repeat: value} of the repeats that have one."""
        return {
            repeat: value
            for repeat, value in self.values.items()
            if repeat not in self.lost and math.isfinite(value)
        }

    def all_lost(self) -> frozenset[int]:
        """The repeats without a value that counts."""
        diverged = (r for r, value in self.values.items() if not math.isfinite(value))
        return self.lost.union(diverged)

    def first(self, repeats: int) -> ArmValues:
        """The same arm on the repeats up to this number."""
        values = {r: v for r, v in self.values.items() if r <= repeats}
        return ArmValues(values, frozenset(r for r in self.lost if r <= repeats))


@dataclass(frozen=True)
class ArmPair:
    """What the repeats say of two arms; differences are a - b.

    On the log scale where the values are logarithms.
    """

    repeats: int
    """Repeats in which both arms have a value."""
    difference: Interval
    """The mean of the differences, with Student's t at the level 1 - alpha."""
    deviation: float
    """The standard deviation of the differences; NaN below two repeats."""
    p: float
    """Two-sided, before Holm's correction; NaN where there is no test."""
    p_holm: float
    probability_a_better: float
    """The share of the judged repeats that a wins, ties half; NaN without any."""
    wins: int
    """Judged repeats that a wins; b wins judged - wins - ties."""
    ties: int
    better: Better
    reasons: tuple[str, ...]
    """What the verdict rests on; for "none" what is missing."""
    lopsided: bool
    """Skewed differences (|skewness| > 1) and fewer than 15 repeats: the t test errs more often."""
    lost_a: int
    lost_b: int
    test: str
    """`paired t`, `sign test`, `jackknife t` or `none`."""
    detectable: float
    """The smallest true difference shown with power 0.8 at Holm's first level; inf where none."""
    repeats_needed: int | None
    """For the observed difference and power 0.8 at Holm's first level; None beyond 1,000."""
    look: int | None = None
    """Of a sequential comparison: the repeats at which the pair was decided or closed."""
    judged: int = 0
    """Repeats that wins and ties are counted over: `repeats`, and in a test of unequal losses all
    repeats, a lost one being the worst value."""


def skewness(d: npt.ArrayLike) -> float:
    """The moment coefficient m3 / m2^(3/2) of d, shape (n,); 0 for equal values, NaN for n < 3.

    Not corrected for bias: of n values it cannot exceed (n - 2) / sqrt(n - 1), 1.15 for n = 4, and
    understates the skewness of few (Joanes and Gill 1998).
    """
    y = np.asarray(d, dtype=np.float64)
    if len(y) < 3:
        return math.nan
    if np.ptp(y) <= ROUNDING * float(np.abs(y).max()):
        return 0.0
    centred = y - y.mean()
    return float((centred**3).mean() / (centred**2).mean() ** 1.5)


def sign_test(wins: int, losses: int) -> float:
    """The exact two-sided p value of "a win is as likely as a loss"; ties are left out."""
    return min(1.0, 2 * float(special.bdtr(min(wins, losses), wins + losses, 0.5)))


def weigh(
    a: ArmValues, b: ArmValues, goal: Goal, *, alpha: float, pairs: int, resolution: float
) -> ArmPair:
    """The evidence of one pair of a family of `pairs`, not yet corrected and decided.

    `resolution`: the smallest step of the values (one row of the evaluation part), 0 if unknown;
    the interval's half-width is at least that, and p is the one that such an interval has.
    """
    paired = pair(a.finished(), b.finished())
    d = differences(paired.a, paired.b)
    n, lost_a, lost_b = len(d), len(a.all_lost()), len(b.all_lost())
    equal = n > 0 and np.ptp(d) <= ROUNDING * max(np.abs(paired.a).max(), np.abs(paired.b).max())
    deviation = (0.0 if equal else float(d.std(ddof=1))) if n > 1 else math.nan
    signs = d if goal == "maximize" else -d
    if lost_a != lost_b:
        signs = np.concatenate([signs, _signs_of_lost(a, b)])
    wins, ties, judged = int((signs > 0).sum()), int((signs == 0).sum()), len(signs)
    difference, p, test = _paired_t(d, deviation, alpha, resolution)
    if judged < MIN_REPEATS:
        p, test = math.nan, "none"
    elif test == "sign test" or lost_a != lost_b:
        p, test = sign_test(wins, judged - wins - ties), "sign test"
    gap = _detectable(deviation, n, alpha, pairs, resolution) if test == "paired t" else math.inf
    needed = _needed(difference.estimate, deviation, alpha, pairs, resolution)
    return ArmPair(
        repeats=n,
        difference=difference,
        deviation=deviation,
        p=p,
        p_holm=1.0,
        probability_a_better=(wins + ties / 2) / judged if judged else math.nan,
        wins=wins,
        ties=ties,
        better="none",
        reasons=(),
        lopsided=n < LOPSIDED_BELOW and abs(skewness(d)) > LOPSIDED,
        lost_a=lost_a,
        lost_b=lost_b,
        test=test,
        detectable=gap,
        repeats_needed=needed if lost_a == lost_b else None,
        judged=judged,
    )


def decide(pair: ArmPair, p_holm: float, goal: Goal, *, alpha: float, pairs: int) -> ArmPair:
    """The pair with its corrected p value, its verdict and the reasons for it."""
    if pair.test == "none":
        missing = MIN_REPEATS - pair.judged
        reason = f"{pair.judged} repeats allow no verdict about arms: add at least {missing}"
        return replace(pair, p_holm=p_holm, reasons=(reason,))
    significant = (p_holm <= alpha, _significance(pair, p_holm, alpha, pairs))
    judge = _by_mean if pair.lost_a == pair.lost_b else _by_signs
    leader, conditions = judge(pair, goal, alpha)
    conditions = [significant, *conditions]
    if all(holds for holds, _ in conditions):
        reasons = tuple(reason for _, reason in conditions)
        return replace(pair, p_holm=p_holm, better=leader, reasons=reasons)
    reasons = tuple(reason for holds, reason in conditions if not holds)
    return replace(pair, p_holm=p_holm, reasons=reasons)


def _paired_t(
    d: Array, deviation: float, alpha: float, resolution: float
) -> tuple[Interval, float, str]:
    if len(d) < 2:
        mean, method = (float(d[0]), "one value") if len(d) else (math.nan, "no values")
        return Interval(mean, math.nan, math.nan, method), math.nan, "none"
    mean = float(d.mean())
    if deviation == 0 and resolution == 0:
        return Interval(mean, mean, mean, "equal differences"), math.nan, "sign test"
    quantile = t_quantile(len(d) - 1, alpha)
    sampling, smallest = deviation / math.sqrt(len(d)), resolution * EDGE / quantile
    error = max(sampling, smallest)
    half = quantile * error
    method = "student t" if sampling >= smallest else "resolution"
    interval = Interval(mean, mean - half, mean + half, method)
    return interval, t_test_p(mean / error, len(d) - 1), "paired t"


def _signs_of_lost(a: ArmValues, b: ArmValues) -> Array:
    """1 for every repeat that only b lost, -1 where only a did, 0 where both did."""
    lost_a, lost_b = a.all_lost(), b.all_lost()
    known = (lost_a | a.finished().keys()) & (lost_b | b.finished().keys())
    lost = sorted((lost_a | lost_b) & known)
    return np.array([float(r in lost_b) - float(r in lost_a) for r in lost])


def _floor(n: int, alpha: float, pairs: int, resolution: float) -> float:
    """What a difference has to exceed at Holm's first level, however small the noise."""
    if resolution == 0:
        return 0.0
    return resolution * EDGE * t_quantile(n - 1, alpha / pairs) / t_quantile(n - 1, alpha)


def _detectable(deviation: float, n: int, alpha: float, pairs: int, resolution: float) -> float:
    gap = detectable_gap(deviation, n, alpha=alpha, pairs=pairs)
    return max(gap, _floor(n, alpha, pairs, resolution))


def _needed(
    difference: float, deviation: float, alpha: float, pairs: int, resolution: float
) -> int | None:
    if not abs(difference) > resolution:
        return None
    if deviation == 0 and resolution == 0:
        return max(MIN_REPEATS, seeds_for_a_verdict(pairs, alpha))
    needed = repeats_needed(difference, deviation, alpha=alpha, pairs=pairs)
    if needed is None or resolution == 0:
        return needed
    while needed <= MOST and abs(difference) <= _floor(needed, alpha, pairs, resolution):
        needed += 1
    return needed if needed <= MOST else None


def _by_mean(pair: ArmPair, goal: Goal, alpha: float) -> tuple[Better, list[tuple[bool, str]]]:
    leader: Better = "a" if (pair.difference.estimate > 0) == (goal == "maximize") else "b"
    excludes = pair.difference.excludes_zero
    does = "excludes" if excludes else "does not exclude"
    return leader, [(excludes, f"the {100 * (1 - alpha):.4g} % interval {does} zero")]


def _by_signs(pair: ArmPair, goal: Goal, alpha: float) -> tuple[Better, list[tuple[bool, str]]]:
    leader: Better = "a" if 2 * pair.wins + pair.ties > pair.judged else "b"
    fewer: Better = "a" if pair.lost_a < pair.lost_b else "b"
    never = "" if leader == fewer else ": the arm that lost more is never called better"
    return leader, [(leader == fewer, f"a lost {pair.lost_a} repeats, b {pair.lost_b}{never}")]


def _significance(pair: ArmPair, p_holm: float, alpha: float, pairs: int) -> str:
    decisive = pair.judged - pair.ties
    if pair.test == "sign test" and 0 < decisive < seeds_for_a_verdict(pairs, alpha):
        family = f" before Holm's correction for {pairs} pairs" if pairs > 1 else ""
        return (
            f"p of a sign test of {decisive} repeats cannot go below {smallest_p(decisive):.2g}"
            f"{family}; {seeds_for_a_verdict(pairs, alpha)} repeats could"
        )
    after = " after Holm" if pairs > 1 else ""
    tested = f" of a {pair.test}" if pair.test != "paired t" else ""
    side = "not above" if p_holm <= alpha else "above"
    return f"p{tested}{after} is {p_holm:.3g}, {side} {alpha}"
