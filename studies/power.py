"""How large a difference n seeds can detect, and how many seeds a difference needs.

Power is that of the decision rule of `verdicts.verdict`, not of a textbook test. It is simulated on
normal differences with a fixed seed, in units of the differences' standard deviation (the rule
does not depend on the scale), so it is one deterministic number per (n, alpha, power), cached.

The rule asks that the better arm wins 75 % of the seeds. An arm whose true share is below that
gets ever less of a chance as seeds are added: no number of seeds detects a difference smaller than
`SMALLEST_EFFECT` standard deviations.
"""

from __future__ import annotations

import functools
import itertools
import math

import numpy as np
import numpy.typing as npt
from scipy import stats

from studies.stats import Array
from studies.verdicts import ALPHA, BETTER, seeds_for_a_verdict

SIMULATIONS = 4_000
"""Monte Carlo error of a power of 0.8: 0.006."""
ENUMERATE_UP_TO = 12
"""Pairs up to which the simulation enumerates sign flips; beyond, Student's t stands for them."""
SMALLEST_EFFECT = float(stats.norm.ppf(BETTER))
"""Difference / standard deviation at which normal differences are positive in 75 %: 0.674."""


def detection_power(effect: float, n: int, pairs: int = 1, alpha: float = ALPHA) -> float:
    """The probability of a verdict for the truly better arm.

    `effect`: true mean / standard deviation of the differences. `n`: seeds. `pairs`: pairs of arms
    in the study; the p value has to pass the first, strictest step of Holm, alpha / pairs. Later
    steps are easier, so a study in which several pairs differ has a little more power than this.
    """
    if n < seeds_for_a_verdict(pairs, alpha):
        return 0.0
    return float(_detected(effect, n, alpha / pairs).mean())


def detectable_difference(
    sd: float, n: int, *, pairs: int = 1, power: float = 0.8, alpha: float = ALPHA
) -> float:
    """The smallest true difference that n seeds detect with this power.

    `sd`: standard deviation of the paired differences, in the unit of the objective and of the
    result. Estimated from n differences, it is itself uncertain by about 1 / sqrt(2 (n - 1)).
    Infinite where n seeds allow no verdict.
    """
    if n < seeds_for_a_verdict(pairs, alpha):
        return math.inf
    return sd * _detectable_effect(n, alpha / pairs, power)


def seeds_needed(
    difference: float,
    sd: float,
    *,
    pairs: int = 1,
    power: float = 0.8,
    alpha: float = ALPHA,
    most: int = 1_000,
) -> int | None:
    """The seeds at which a true difference of this size is detected with this power.

    `difference` (either sign) and `sd` (of the paired differences) share a unit. None where more
    than `most` are needed, which includes never: |difference| <= SMALLEST_EFFECT * sd. The smallest
    number up to 12 seeds; beyond, up to the sawtooth of "75 % of n" (two or three seeds).
    """
    first = seeds_for_a_verdict(pairs, alpha)
    if difference == 0 or abs(difference) <= SMALLEST_EFFECT * sd:
        return None
    if sd == 0:
        return first
    return _seeds(abs(difference) / sd, first, alpha / pairs, power, most)


def noether_pairs(gamma: float, *, power: float, alpha: float = ALPHA) -> int:
    """Pairs for a one-sided test that detects P(A > B) = gamma (Noether 1987).

    N = ((z_(1-alpha) + z_power) / (sqrt(6) (gamma - 1/2)))^2, as used by Bouthillier et al. 2021.
    """
    if not 0.5 < gamma <= 1:
        raise ValueError(f"gamma must be in (0.5, 1], got {gamma}")
    z = stats.norm.ppf(1 - alpha) + stats.norm.ppf(power)
    return math.ceil(float((z / (math.sqrt(6) * (gamma - 0.5))) ** 2))


@functools.lru_cache(maxsize=4096)
def _detectable_effect(n: int, alpha: float, wanted: float) -> float:
    """What n seeds detect with this power; one simulation serves all pairs of a study."""
    if n > ENUMERATE_UP_TO:
        needed = np.sort(_needed(n, alpha))[math.ceil(wanted * SIMULATIONS) - 1]
        return float(np.nextafter(needed, math.inf))
    low, high = 0.0, 20.0
    while high - low > 0.002:
        middle = (low + high) / 2
        if _detected(middle, n, alpha).mean() < wanted:
            low = middle
        else:
            high = middle
    return high


def _seeds(effect: float, first: int, alpha: float, wanted: float, most: int) -> int | None:
    def enough(n: int) -> bool:
        return effect >= _detectable_effect(n, alpha, wanted)

    for n in range(first, min(ENUMERATE_UP_TO, most) + 1):
        if enough(n):
            return n
    low, high = max(ENUMERATE_UP_TO, first - 1), most
    if high <= low or not enough(high):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _noise(n: int) -> Array:
    """Differences without an effect; shape (SIMULATIONS, n)."""
    return np.random.default_rng(n).standard_normal((SIMULATIONS, n))


def _detected(effect: float, n: int, alpha: float) -> npt.NDArray[np.bool_]:
    """Which simulated comparisons end in a verdict for the better arm; shape (SIMULATIONS,)."""
    if n > ENUMERATE_UP_TO:
        return effect > _needed(n, alpha)
    d = effect + _noise(n)
    t = d.mean(axis=1) / (d.std(axis=1, ddof=1) / math.sqrt(n))
    significant = _sign_flip_p(d) <= alpha
    excludes_zero = t > stats.t.ppf(1 - ALPHA / 2, n - 1)
    wins = (d > 0).mean(axis=1) >= BETTER
    detected: npt.NDArray[np.bool_] = significant & excludes_zero & wins
    return detected


def _needed(n: int, alpha: float) -> Array:
    """The effect above which each simulated comparison ends in a verdict; shape (SIMULATIONS,).

    Every condition of the rule asks for an effect of its own: Student's t for one that shifts the
    mean beyond its critical value, the share of wins for one that lifts enough seeds above zero.
    """
    noise = _noise(n)
    critical = float(stats.t.ppf(1 - min(alpha, ALPHA) / 2, n - 1)) / math.sqrt(n)
    for_mean = critical * noise.std(axis=1, ddof=1) - noise.mean(axis=1)
    losses = n - math.ceil(BETTER * n)
    for_wins = -np.partition(noise, losses, axis=1)[:, losses]
    needed: Array = np.maximum(for_mean, for_wins)
    return needed


def _sign_flip_p(d: Array) -> Array:
    """`stats.sign_flip_test` of every row; d has the shape (m, n), the result (m,)."""
    signs = np.array([(1, *flips) for flips in itertools.product((1, -1), repeat=d.shape[1] - 1)])
    sums = np.abs(d.astype(np.float32) @ signs.T.astype(np.float32))
    share: Array = (sums >= sums[:, :1] * (1 - 1e-6)).mean(axis=1)
    return share
