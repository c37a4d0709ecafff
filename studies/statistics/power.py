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
from scipy import special

from studies.statistics.intervals import Array
from studies.statistics.levels import ALPHA
from studies.statistics.verdicts import BETTER, seeds_for_a_verdict

SIMULATIONS = 4_000
"""Monte Carlo error of a power of 0.8: 0.006."""
AT_ONCE = 500
"""Simulations whose flips are looked at together, which the processor's cache holds."""
ENUMERATE_UP_TO = 12
"""Pairs up to which the simulation enumerates sign flips; beyond, Student's t stands for them."""
CHEAP = 50
"""Seeds beyond which a simulation takes long, and 75 % of them is as good as a smooth share: if so
many are enough, larger numbers are not tried."""
SMALLEST_EFFECT = float(special.ndtri(BETTER))
"""Difference / standard deviation at which normal differences are positive in 75 %: 0.674."""


def detection_power(effect: float, n: int, pairs: int = 1, alpha: float = ALPHA) -> float:
    """The probability of a verdict for the truly better arm.

    `effect`: true mean / standard deviation of the differences. `n`: seeds. `pairs`: pairs of arms
    in the study; the p value has to pass the first, strictest step of Holm, alpha / pairs. Later
    steps are easier, so a study in which several pairs differ has a little more power than this.
    """
    if n < seeds_for_a_verdict(pairs, alpha):
        return 0.0
    return float((effect > _needed(n, alpha / pairs)).mean())


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


@functools.lru_cache(maxsize=4096)
def _detectable_effect(n: int, alpha: float, wanted: float) -> float:
    """What n seeds detect with this power; one simulation serves all pairs of a study."""
    return _beyond(_needed(n, alpha), wanted)


@functools.lru_cache(maxsize=4096)
def _least_effect(n: int, wanted: float) -> float:
    """No less is enough, whatever the test of sign flips, which takes long, would say."""
    return _beyond(_needed_without_test(_noise(n), ALPHA), wanted)


def _beyond(needed: Array, wanted: float) -> float:
    """An effect that is above so large a share of those needed."""
    least = np.sort(needed)[math.ceil(wanted * SIMULATIONS) - 1]
    return float(np.nextafter(least, math.inf))


def _seeds(effect: float, first: int, alpha: float, wanted: float, most: int) -> int | None:
    def enough(n: int) -> bool:
        return effect >= _detectable_effect(n, alpha, wanted)

    for n in range(first, min(ENUMERATE_UP_TO, most) + 1):
        if effect >= _least_effect(n, wanted) and enough(n):
            return n
    low = max(ENUMERATE_UP_TO, first - 1)
    if most <= low:
        return None
    halved = [most]
    while (middle := (low + halved[-1]) // 2) > CHEAP:
        halved.append(middle)
    high = next((n for n in reversed(halved) if enough(n)), None)
    if high is None:
        return None
    low = max([low, *(n for n in halved if n < high)])
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _needed(n: int, alpha: float) -> Array:
    """The effect above which each simulated comparison ends in a verdict; shape (SIMULATIONS,).

    Every condition of the rule asks for an effect of its own: the interval for one that shifts the
    mean beyond Student's critical value, the share of wins for one that lifts enough seeds above
    zero, and the test for one that leaves few enough flips of signs with as large a sum.
    """
    noise = _noise(n)
    if n > ENUMERATE_UP_TO:
        return _needed_without_test(noise, min(alpha, ALPHA))
    by_test = _needed_by_sign_flips(noise, alpha)
    needed: Array = np.maximum(_needed_without_test(noise, ALPHA), by_test)
    return needed


def _noise(n: int) -> Array:
    noise: Array = np.random.default_rng(n).standard_normal((SIMULATIONS, n))
    return noise


def _needed_without_test(noise: Array, alpha: float) -> Array:
    """What the interval and the share of wins ask for."""
    losses = noise.shape[1] - math.ceil(BETTER * noise.shape[1])
    for_wins = -np.partition(noise, losses, axis=1)[:, losses]
    needed: Array = np.maximum(_needed_by_student(noise, alpha), for_wins)
    return needed


def _needed_by_student(noise: Array, alpha: float) -> Array:
    n = noise.shape[1]
    critical = float(special.stdtrit(n - 1, 1 - alpha / 2)) / math.sqrt(n)
    needed: Array = critical * noise.std(axis=1, ddof=1) - noise.mean(axis=1)
    return needed


def _needed_by_sign_flips(noise: Array, alpha: float) -> Array:
    """The effect above which `stats.sign_flip_test` gives at most alpha; the mean is positive.

    With the effect e, a sum is n e + S; flipped in the signs of m values, whose sum is F, it is
    n e + S - 2 (m e + F). That is as far from zero as long as e is at most -F / m or
    -(S - F) / (n - m): the negative means of the flipped values and of the others.
    """
    n = noise.shape[1]
    flips = np.array([(False, *signs) for signs in itertools.product((False, True), repeat=n - 1)])
    allowed = math.floor(alpha * len(flips))  # the sum as it is counts too, and comes first
    assert allowed > 0, "too few seeds for any verdict"
    flipped, others = (
        np.ascontiguousarray((which / which.sum(axis=1, keepdims=True)).T, dtype=np.float32)
        for which in (flips[1:], ~flips[1:])
    )
    needed = np.empty(len(noise))
    for at in range(0, len(noise), AT_ONCE):
        some = noise[at : at + AT_ONCE].astype(np.float32)
        means = some @ flipped
        np.minimum(means, some @ others, out=means)
        means.partition(allowed - 1, axis=1)
        needed[at : at + AT_ONCE] = -means[:, allowed - 1]
    return needed
