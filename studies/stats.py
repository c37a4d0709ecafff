"""Statistics of a fair comparison: intervals, tests and the verdict between two arms.

Arrays and an explicit random generator in, numbers or frozen records out. The unit of every value,
difference and interval is the unit of the objective. Runs are paired by seed: `a[i]` and `b[i]` are
two arms on the same seed. Values are finite: a failed run has no value (see `pair`).

Sources: Bouthillier et al. 2021 (arXiv 2103.03098) for the probability of outperforming and its
threshold; Efron 1987 for BCa; Hesterberg 2015 (arXiv 1411.5279), section 4, for the correction of
bootstrap intervals of few values; Holm 1979.
"""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import stats

Array = npt.NDArray[np.float64]
Goal = Literal["maximize", "minimize"]

ALPHA = 0.05
"""The family-wise share of false "better" that a study allows itself."""
BETTER = 0.75
"""The share of seeds in which the better arm wins, at least (Bouthillier 2021, section 5)."""
STUDENT_BELOW = 10
"""With fewer values than this, intervals are Student's t: resampling so few says little."""
EXACT_UP_TO = 20
"""Pairs up to which all sign flips are enumerated: half a million sums, in milliseconds."""
ROUNDING = 1e-12
"""Differences below this share of the values are rounding errors, that is, ties."""


@dataclass(frozen=True)
class Interval:
    """An estimate and its confidence interval; the bounds are NaN where there is none."""

    estimate: float
    low: float
    high: float
    method: str
    """How it was made: `student t`, `BCa bootstrap`, ..., or why there is none."""

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval exists and lies on one side of zero."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True)
class Paired:
    """The values of two arms on the seeds that both completed, in the order of the seeds."""

    seeds: tuple[int, ...]
    a: Array
    b: Array


@dataclass(frozen=True)
class Verdict:
    """Which arm is better, if any, and why."""

    better: Literal["a", "b", "none"]
    reasons: tuple[str, ...]
    """What the verdict rests on; for "none" the conditions that do not hold."""


@dataclass(frozen=True)
class Comparison:
    """What the confirmed runs say of two arms; differences are a - b."""

    seeds: int
    difference: Interval
    p: float
    p_holm: float
    probability_a_better: Interval
    verdict: Verdict


def pair(a: Mapping[int, float], b: Mapping[int, float]) -> Paired:
    """Pair two arms, {seed: value}, on the seeds where both have a finite value.

    Seeds that one arm lacks (a failed run) leave the comparison, and the difference is then one of
    completed runs only: show the failure rates beside it.
    """
    both = sorted(s for s in a.keys() & b.keys() if math.isfinite(a[s]) and math.isfinite(b[s]))
    return Paired(tuple(both), np.array([a[s] for s in both]), np.array([b[s] for s in both]))


def differences(a: npt.ArrayLike, b: npt.ArrayLike) -> Array:
    """a - b, shape (n,); rounding errors become exact ties. Unequal lengths raise ValueError."""
    left, right = _values(a), _values(b)
    if left.shape != right.shape:
        raise ValueError(f"arms must be paired by seed, got {len(left)} and {len(right)} values")
    d = left - right
    d[np.abs(d) <= ROUNDING * np.maximum(np.abs(left), np.abs(right))] = 0.0
    return d


def mean_interval(
    values: npt.ArrayLike,
    *,
    level: float = 0.95,
    rng: np.random.Generator,
    resamples: int = 9_999,
) -> Interval:
    """The mean of values, shape (n,), with a confidence interval.

    Student's t for n < 10, else the BCa bootstrap with the level expanded for few values: a plain
    bootstrap interval is too narrow by sqrt((n-1)/n) and uses normal in place of t quantiles
    (Hesterberg 2015, section 4.1.3), which at n = 10 covers 90 % in place of 95 %. Where BCa is
    undefined, the percentile interval at the same level. One value: no bounds. Equal values: an
    interval of width zero. No value: NaN.
    """
    y = _values(values)
    if len(y) < 2:
        mean, method = (float(y[0]), "one value") if len(y) else (math.nan, "no values")
        return Interval(mean, math.nan, math.nan, method)
    mean = float(y.mean())
    if np.ptp(y) <= ROUNDING * float(np.abs(y).max()):
        return Interval(mean, mean, mean, "equal values")
    quantile = float(stats.t.ppf((1 + level) / 2, len(y) - 1))
    if len(y) < STUDENT_BELOW:
        half = quantile * float(y.std(ddof=1)) / math.sqrt(len(y))
        return Interval(mean, mean - half, mean + half, "student t")
    expanded = 1 - 2 * float(stats.norm.cdf(-math.sqrt(len(y) / (len(y) - 1)) * quantile))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", stats.DegenerateDataWarning)
        made = stats.bootstrap(
            (y,), np.mean, n_resamples=resamples, confidence_level=expanded, method="BCa", rng=rng
        )
    low, high = made.confidence_interval
    if math.isfinite(low) and math.isfinite(high):
        return Interval(mean, float(low), float(high), "BCa bootstrap")
    tail = (1 - expanded) / 2
    low, high = np.quantile(made.bootstrap_distribution, [tail, 1 - tail])
    return Interval(mean, float(low), float(high), "percentile bootstrap")


def paired_difference(
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    *,
    level: float = 0.95,
    rng: np.random.Generator,
    resamples: int = 9_999,
) -> Interval:
    """The mean of a - b over seeds, shapes (n,), with the interval of `mean_interval`."""
    return mean_interval(differences(a, b), level=level, rng=rng, resamples=resamples)


def sign_flip_test(d: npt.ArrayLike, rng: np.random.Generator, *, flips: int = 100_000) -> float:
    """Two-sided p value of "the differences d, shape (n,), are symmetric around zero".

    The share of sign flips whose absolute sum reaches the observed one: over all 2^n for n <= 20,
    else over random flips, the observed one included ((k + 1) / (flips + 1), Phipson and Smyth
    2010). Ties stay in: they change no sum. All ties, or no pair: 1.
    """
    d = _values(d)
    if not d.any():
        return 1.0
    reach = abs(float(d.sum())) - 1e-9 * float(np.abs(d).sum())
    if len(d) <= EXACT_UP_TO:
        sums = d[:1]  # a flip and its mirror image have the same absolute sum: the first sign stays
        for value in d[1:]:
            sums = np.concatenate([sums + value, sums - value])
        return float((np.abs(sums) >= reach).mean())
    reached = 0
    for start in range(0, flips, 10_000):
        signs = rng.integers(0, 2, (min(10_000, flips - start), len(d)), dtype=np.int8) * 2 - 1
        reached += int((np.abs(signs @ d) >= reach).sum())
    return (reached + 1) / (flips + 1)


def smallest_p(n: int) -> float:
    """The smallest p value that a two-sided sign-flip test of n pairs can give: 2^(1-n)."""
    return min(1.0, 2.0 ** (1 - n))


def seeds_for_a_verdict(pairs: int, alpha: float = ALPHA) -> int:
    """The smallest n at which a verdict is possible after Holm: 2^(1-n) <= alpha / pairs."""
    if pairs < 1:
        raise ValueError(f"pairs must be at least 1, got {pairs}")
    return next(n for n in itertools.count(1) if smallest_p(n) <= alpha / pairs)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down adjusted p values, in the order given (Holm 1979)."""
    adjusted = [1.0] * len(p_values)
    largest = 0.0
    for rank, i in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[i]))
        adjusted[i] = largest
    return adjusted


def probability_better(
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    goal: Goal = "maximize",
    *,
    level: float = 0.95,
    rng: np.random.Generator,
    resamples: int = 9_999,
) -> Interval:
    """The probability that arm a beats arm b on a seed, ties counting half (Bouthillier 2021).

    With the percentile bootstrap over pairs: a resample of wins, ties and losses is a multinomial
    draw. Where one arm wins every pair, resampling would give a width of zero; the interval is
    then Clopper and Pearson's. Nothing but ties: no bounds.
    """
    d = differences(a, b) if goal == "maximize" else differences(b, a)
    n, counts = len(d), np.array([(d < 0).sum(), (d == 0).sum(), (d > 0).sum()])
    scores = np.array([0.0, 0.5, 1.0])
    if n == 0:
        return Interval(math.nan, math.nan, math.nan, "no values")
    estimate = float(counts @ scores / n)
    if counts[1] == n:
        return Interval(estimate, math.nan, math.nan, "only ties")
    if counts[0] == n or counts[2] == n:
        bound = ((1 - level) / 2) ** (1 / n)
        low, high = (bound, 1.0) if counts[2] == n else (0.0, 1 - bound)
        return Interval(estimate, low, high, "Clopper-Pearson")
    resampled = rng.multinomial(n, counts / n, size=resamples) @ scores / n
    low, high = np.quantile(resampled, [(1 - level) / 2, (1 + level) / 2])
    return Interval(estimate, float(low), float(high), "percentile bootstrap")


def verdict(
    difference: Interval, p_holm: float, probability_a_better: Interval, goal: Goal = "maximize"
) -> Verdict:
    """Which arm is better: the one for which all three conditions hold, else none.

    1. p_holm <= 0.05: the sign-flip test, corrected for all pairs of the study;
    2. the printed 95 % interval of this pair's difference excludes zero;
    3. the arm wins at least 75 % of the seeds, ties counting half.

    The interval is the plain one, so the correction acts through p_holm alone: an interval beyond
    zero beside "no detectable difference" is explained by one of the reasons, and a "better" never
    stands beside an interval that contains zero or a p_holm above 0.05.
    """
    a_leads = difference.estimate > 0 if goal == "maximize" else difference.estimate < 0
    wins = probability_a_better.estimate if a_leads else 1 - probability_a_better.estimate
    significant, excludes = p_holm <= ALPHA, difference.excludes_zero
    conditions = [
        (significant, f"p after Holm is {p_holm:.2g}, {_side(significant)} {ALPHA}"),
        (excludes, f"the 95 % interval {'excludes' if excludes else 'does not exclude'} zero"),
        (wins >= BETTER, f"the leading arm wins {wins:.0%} of the seeds, {BETTER:.0%} are asked"),
    ]
    if all(holds for holds, _ in conditions):
        return Verdict("a" if a_leads else "b", tuple(reason for _, reason in conditions))
    return Verdict("none", tuple(reason for holds, reason in conditions if not holds))


def compare(
    pairs: Sequence[tuple[npt.ArrayLike, npt.ArrayLike]],
    goal: Goal = "maximize",
    *,
    rng: np.random.Generator,
    resamples: int = 9_999,
) -> list[Comparison]:
    """All pairs of a study's arms, each (a, b) of shape (n,): one family for Holm's correction."""
    p_values = [sign_flip_test(differences(a, b), rng) for a, b in pairs]
    compared = []
    for (a, b), p, p_holm in zip(pairs, p_values, holm(p_values), strict=True):
        difference = paired_difference(a, b, rng=rng, resamples=resamples)
        probability = probability_better(a, b, goal, rng=rng, resamples=resamples)
        decided = verdict(difference, p_holm, probability, goal)
        seeds = len(_values(a))
        compared.append(Comparison(seeds, difference, p, p_holm, probability, decided))
    return compared


def optimism(search_best: float, confirmed_mean: float, goal: Goal = "maximize") -> float:
    """How much better the best trial of the search looked than its confirmation; positive."""
    return search_best - confirmed_mean if goal == "maximize" else confirmed_mean - search_best


def _values(values: npt.ArrayLike) -> Array:
    y = np.asarray(values, dtype=np.float64)
    if y.ndim != 1 or not np.isfinite(y).all():
        raise ValueError(f"values must be finite and one-dimensional, got {y.tolist()}")
    return y


def _side(below: bool) -> str:
    return "not above" if below else "above"
