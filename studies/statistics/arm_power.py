"""How large a true difference between two arms n repeats show, and how many repeats one needs.

The power of a paired t test at Holm's first level, alpha / pairs, from the noncentral t
distribution: the probability that the truly better arm is called so, for normal differences. Later
steps of Holm are easier, so that a family in which several pairs differ has a little more.

Source: Cohen 1988, chapter 2; Holm 1979.
"""

from __future__ import annotations

import functools
import math

from scipy import special

from studies.statistics.levels import ALPHA, MIN_REPEATS

MOST = 1_000
"""Repeats beyond which "how many are needed" has no useful answer."""


def detection_power(effect: float, n: int, *, alpha: float = ALPHA, pairs: int = 1) -> float:
    """The probability that n repeats call the truly better arm better.

    `effect`: true mean / standard deviation of the differences. 0 below MIN_REPEATS.
    """
    if n < MIN_REPEATS:
        return 0.0
    return _power(abs(effect) * math.sqrt(n), n - 1, _level(alpha, pairs))


def detectable_effect(n: int, *, alpha: float = ALPHA, pairs: int = 1, power: float = 0.8) -> float:
    """The smallest true effect that n repeats show with this power, in standard deviations.

    The standard deviation is that of the differences between repeats. Infinite below MIN_REPEATS.
    Of the observed effect Holm's first level asks t(1 - alpha / (2 pairs), n - 1) / sqrt(n).
    """
    if n < MIN_REPEATS:
        return math.inf
    return noncentrality(n - 1, _level(alpha, pairs), power) / math.sqrt(n)


def detectable_gap(
    sd: float, n: int, *, alpha: float = ALPHA, pairs: int = 1, power: float = 0.8
) -> float:
    """The smallest true difference that n repeats show with this power, in the unit of `sd`.

    `sd`: standard deviation of the paired differences. Estimated from n differences, it is itself
    uncertain by a share of about 1 / sqrt(2 (n - 1)): 41 % at 4, 27 % at 8. Infinite below
    MIN_REPEATS.
    """
    if n < MIN_REPEATS:
        return math.inf
    return sd * detectable_effect(n, alpha=alpha, pairs=pairs, power=power)


def repeats_needed(
    difference: float,
    sd: float,
    *,
    alpha: float = ALPHA,
    pairs: int = 1,
    power: float = 0.8,
    most: int = MOST,
) -> int | None:
    """The smallest number of repeats that shows a true difference of this size with this power.

    `difference` (either sign) and `sd` (of the paired differences) share a unit. At least
    MIN_REPEATS. None beyond `most`, where the difference is zero, and where either is not finite.
    """
    if difference == 0 or most < MIN_REPEATS or not math.isfinite(difference + sd):
        return None
    if sd == 0:
        return MIN_REPEATS
    effect = abs(difference) / sd

    def enough(n: int) -> bool:
        return effect >= detectable_effect(n, alpha=alpha, pairs=pairs, power=power)

    low, high = MIN_REPEATS - 1, most
    if not enough(high):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


@functools.lru_cache(maxsize=8192)
def noncentrality(df: float, level: float, power: float = 0.8) -> float:
    """The true difference in standard errors that a two-sided t test shows with this power.

    `df`: degrees of freedom of the standard error, real-valued. `level`: of this one test.
    """
    if not level < power < 1:
        raise ValueError(f"power must be in (alpha, 1), got {power}")
    most = 2.0 * t_quantile(df, level) + 10.0
    while _power(most, df, level) < power:
        most *= 2.0
    from scipy import optimize  # takes a quarter of a second

    return float(optimize.brentq(lambda d: _power(d, df, level) - power, 0.0, most, xtol=1e-10))


def t_quantile(df: float, level: float) -> float:
    """Student's two-sided critical value; scipy.special is 50 times faster than scipy.stats."""
    return float(special.stdtrit(df, 1 - level / 2))


def t_test_p(t: float, df: float) -> float:
    """The two-sided p value of Student's t."""
    return float(2 * special.stdtr(df, -abs(t)))


def _power(true_t: float, df: float, level: float) -> float:
    return float(1 - special.nctdtr(df, true_t, t_quantile(df, level)))


def _level(alpha: float, pairs: int) -> float:
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must be in (0, 1), got {alpha}")
    if pairs < 1:
        raise ValueError(f"pairs must be at least 1, got {pairs}")
    return alpha / pairs
