"""Resampled random search: one search of K trials per arm, read as what N trials would have found.

Every N of K exchangeable random trials are a search of N. The mean over all of them weighs the
trials by rank, and the jackknife over trials gives its error. Trials of two arms are matched: trial
i draws the same nuisance values, seed and split in both. Valid for random search without pruning
only. Best values are read from fresh seeds for the top trials; for the others, from the search less
the selection bias that the top ones showed.

Sources: Dodge et al. 2019 (arXiv 1909.03004) and Lourie et al. 2024 (arXiv 2311.09480) for the
unbiased estimate (a U-statistic); Efron and Tibshirani 1993, chapter 11, for the jackknife.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import special

from studies.statistics.arm_pairs import ArmPair, decide
from studies.statistics.arm_power import noncentrality, t_quantile, t_test_p
from studies.statistics.goals import Goal
from studies.statistics.intervals import ROUNDING, Array, Interval, holm
from studies.statistics.levels import ALPHA


@dataclass(frozen=True, eq=False)
class Searched:
    """A random search of one arm.

    `search`: shape (K,), the value of trial i in the search, NaN or infinite where it failed.
    `confirmed`: {i: value on fresh seeds} of the top trials (see `confirmed_top`); a trial whose
    fresh run failed is missing, or not finite, and is treated as an unconfirmed one.
    """

    search: npt.NDArray[np.float64]
    confirmed: Mapping[int, float]
    losses: npt.NDArray[np.float64] | None = None
    """Shape (K,): what ranks trials of equal value, the lower the better; else their number."""

    def completed(self) -> int:
        """Trials of the search that have a value."""
        return int(np.isfinite(self.search).sum())

    def without(self, trial: int) -> Searched:
        """The search as if this trial had not been made."""
        kept = {i - (i > trial): v for i, v in self.confirmed.items() if i != trial}
        losses = None if self.losses is None else np.delete(self.losses, trial)
        return Searched(np.delete(self.search, trial), kept, losses)


def rank_weights(k: int, n: int) -> Array:
    """The share of the subsets of n of k trials whose best is that of rank r = 0 (best) .. k - 1.

    C(k - 1 - r, n - 1) / C(k, n), shape (k,), sum 1; zero for the n - 1 worst. Raises ValueError
    unless 1 <= n <= k.
    """
    if not 1 <= n <= k:
        raise ValueError(f"n must be in [1, {k}], the number of trials, got {n}")
    worse = np.arange(k - 1, n - 2, -1, dtype=np.float64)
    logs = _log_choose(worse, n - 1) - _log_choose(np.float64(k), n)
    return np.concatenate([np.exp(logs), np.zeros(n - 1)])


def confirmed_top(k: int, n: int) -> int:
    """How many of k trials to run on fresh seeds: ceil(2 k / n), at most k.

    The best of n random trials is among these with probability of about 1 - e^-2, 86 %.
    """
    if not 1 <= n <= k:
        raise ValueError(f"n must be in [1, {k}], the number of trials, got {n}")
    return min(k, -(-2 * k // n))


def expected_best(
    search: Array,
    confirmed: Mapping[int, float],
    n: int,
    goal: Goal,
    losses: Array | None = None,
) -> float:
    """What n trials find on average: the mean, over all n of the K trials, of their best one.

    `search`, `confirmed`, `losses`: see `Searched`. The best is chosen by the search's value, ties
    by the loss and then by number,
    and valued as `trial_values` says. A failed trial ranks last; it is chosen only among n failed
    ones, and then counts as the worst value of the arm. NaN where no trial completed.
    """
    values = trial_values(search, confirmed)
    order = _ranked(search, goal, losses)
    if not np.isfinite(values).any():
        return math.nan
    worst = np.nanmin(values) if goal == "maximize" else np.nanmax(values)
    filled = np.where(np.isfinite(values), values, worst)
    return float(rank_weights(len(values), n) @ filled[order])


def trial_values(search: Array, confirmed: Mapping[int, float]) -> Array:
    """What every trial is worth, shape (K,): on fresh seeds where known; NaN where it failed.

    Else the search's value minus the mean of (search - confirmed) over the confirmed trials: too
    harsh on the middle ranks, which were hardly selected, but these have little weight. Without any
    confirmed trial the selection bias is unknown and the search's values stand as they are.
    """
    values = np.where(np.isfinite(search), search, np.nan)
    fresh = {i: v for i, v in confirmed.items() if math.isfinite(v) and math.isfinite(search[i])}
    if not fresh:
        return values
    trials = np.array(sorted(fresh))
    known = np.array([fresh[i] for i in trials])
    values -= (search[trials] - known).mean()
    values[trials] = known
    return values


def jackknife_pair(
    a: Searched,
    b: Searched,
    n: int,
    goal: Goal,
    *,
    alpha: float = ALPHA,
    resolution: float = 0.0,
) -> tuple[Interval, float, float]:
    """The difference a - b of what n trials find, its interval, p and degrees of freedom.

    The jackknife leaves one matched trial out of both arms at a time. Student's t with K / n
    degrees of freedom, the number of separate searches that K trials make: fewer than K - 1, as
    the estimate rests on the few best. Interval at the level 1 - alpha. Raises ValueError where the
    arms differ in length, where one completed fewer than n trials, or unless n < K.

    `resolution`: the smallest step of the values (one row of the part), 0 if unknown; the interval
    reaches at least that far to either side, and p is the one that such an interval has.

    A standard error of zero (arms apart by a constant on all trials): an interval of width zero,
    and p = 2^(-K / n), as of a sign test of K / n + 1 equal differences; 1 for equal arms.
    """
    k = len(a.search)
    if len(b.search) != k:
        raise ValueError(f"arms must be matched by trial, got {k} and {len(b.search)} trials")
    if not 1 <= n < k:
        raise ValueError(f"n must be in [1, {k}), below the number of trials, got {n}")
    if min(a.completed(), b.completed()) < _least(n):
        counts = f"{a.completed()} and {b.completed()}"
        raise ValueError(f"{_least(n)} trials must be completed, got {counts}")
    estimate, df = _difference(a, b, n, goal), k / n
    left_out = np.array([_difference(a.without(i), b.without(i), n, goal) for i in range(k)])
    error = math.sqrt((k - 1) / k * float(((left_out - left_out.mean()) ** 2).sum()))
    scale = max(float(np.nanmax(np.abs(x.search[np.isfinite(x.search)]))) for x in (a, b))
    error = max(error, resolution / t_quantile(df, alpha))
    if error <= ROUNDING * scale * k:
        same = abs(estimate) <= ROUNDING * scale * k
        exact = 0.0 if same else estimate
        return Interval(exact, exact, exact, "equal differences"), 1.0 if same else 2**-df, df
    half = t_quantile(df, alpha) * error
    interval = Interval(estimate, estimate - half, estimate + half, "jackknife t")
    return interval, t_test_p(estimate / error, df), df


def compare_searches(
    pairs: Sequence[tuple[Searched, Searched]],
    n: int,
    goal: Goal,
    *,
    alpha: float = ALPHA,
    resolution: float = 0.0,
) -> list[ArmPair]:
    """All pairs of arms, one search each, by what n trials find; one family for Holm's correction.

    No verdict where an arm completed fewer than n trials, or has no confirmed one. Wins and ties
    are counted over the K // n searches of n consecutive trials that the K trials make.
    """
    weighed = [_weigh(a, b, n, goal, alpha, len(pairs), resolution) for a, b in pairs]
    corrected = holm([1.0 if math.isnan(pair.p) else pair.p for pair in weighed])
    return [
        pair if pair.test == "none" else decide(pair, p_holm, goal, alpha=alpha, pairs=len(pairs))
        for pair, p_holm in zip(weighed, corrected, strict=True)
    ]


def _weigh(
    a: Searched, b: Searched, n: int, goal: Goal, alpha: float, pairs: int, resolution: float
) -> ArmPair:
    scores_a, scores_b = _block_bests(a, n, goal), _block_bests(b, n, goal)
    wins, ties = int((scores_a > scores_b).sum()), int((scores_a == scores_b).sum())
    judged = len(scores_a)
    undecided = ArmPair(
        repeats=0,
        difference=Interval(math.nan, math.nan, math.nan, "no values"),
        deviation=math.nan,
        p=math.nan,
        p_holm=1.0,
        probability_a_better=(wins + ties / 2) / judged if judged else math.nan,
        wins=wins,
        ties=ties,
        better="none",
        reasons=_missing(a, b, n),
        lopsided=False,
        lost_a=int(a.completed() < _least(n)),
        lost_b=int(b.completed() < _least(n)),
        test="none",
        detectable=math.inf,
        repeats_needed=None,
        judged=judged,
    )
    if undecided.reasons:
        return undecided
    difference, p, df = jackknife_pair(a, b, n, goal, alpha=alpha, resolution=resolution)
    half = (difference.high - difference.low) / 2
    shown = half / t_quantile(df, alpha) * noncentrality(df, alpha / pairs) if half else math.inf
    return replace(
        undecided, repeats=1, difference=difference, p=p, test="jackknife t", detectable=shown
    )


def _least(n: int) -> int:
    """Completed trials that a comparison needs: one has to remain when the jackknife takes one."""
    return max(n, 2)


def _missing(a: Searched, b: Searched, n: int) -> tuple[str, ...]:
    """Why there is no verdict, if there is none."""
    k, reasons = len(a.search), []
    if k <= n:
        reasons.append(f"{k} trials cannot be read as searches of {n}: more than {n} are needed")
    for name, arm in (("a", a), ("b", b)):
        if arm.completed() < _least(n):
            reasons.append(f"{name} completed {arm.completed()} trials, fewer than {_least(n)}")
        elif not any(math.isfinite(value) for value in arm.confirmed.values()):
            reasons.append(f"no trial of {name} was confirmed: its selection bias is unknown")
    return tuple(reasons)


def _block_bests(arm: Searched, n: int, goal: Goal) -> Array:
    """What each search of n consecutive trials found, higher is better; -inf where all failed."""
    values = trial_values(arm.search, arm.confirmed)
    bests = []
    for start in range(0, len(values) - n + 1, n):
        block = slice(start, start + n)
        losses = None if arm.losses is None else arm.losses[block]
        best = values[block][_ranked(arm.search[block], goal, losses)[0]]
        bests.append(-math.inf if math.isnan(best) else best if goal == "maximize" else -best)
    return np.array(bests, dtype=np.float64)


def _difference(a: Searched, b: Searched, n: int, goal: Goal) -> float:
    return expected_best(a.search, a.confirmed, n, goal, a.losses) - expected_best(
        b.search, b.confirmed, n, goal, b.losses
    )


def _ranked(search: Array, goal: Goal, losses: Array | None = None) -> npt.NDArray[np.intp]:
    """Trials from the best to the worst by the search's value, ties by the loss and then by number;
    failed ones last."""
    worse = -search if goal == "maximize" else search
    worse = np.where(np.isfinite(worse), worse, np.inf)
    if losses is None:
        return np.argsort(worse, kind="stable")
    order: npt.NDArray[np.intp] = np.lexsort((losses, worse))
    return order


def _log_choose(of: npt.ArrayLike, chosen: int) -> Array:
    above = np.asarray(of, dtype=np.float64)
    logs: Array = np.asarray(
        special.gammaln(above + 1)
        - special.gammaln(chosen + 1)
        - special.gammaln(above - chosen + 1)
    )
    return logs
