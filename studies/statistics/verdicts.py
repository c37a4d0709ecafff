"""The verdict between two arms, and what it takes.

An arm is better where its lead is significant after Holm's correction for all pairs of the study,
where the interval of the difference excludes zero, and where it wins 75 % of the seeds. Everything
else is "no detectable difference", never "equally good".
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from studies.statistics.goals import Goal
from studies.statistics.intervals import (
    Interval,
    differences,
    holm,
    paired_difference,
    probability_better,
    sign_flip_test,
)
from studies.statistics.levels import ALPHA

BETTER = 0.75
"""The share of seeds in which the better arm wins, at least (Bouthillier 2021)."""


@dataclass(frozen=True)
class Verdict:
    """Which arm is better, if any, and why."""

    better: Literal["a", "b", "none"]
    reasons: tuple[str, ...]
    """What the verdict rests on; for "none" the conditions that do not hold."""


@dataclass(frozen=True)
class PairedResult:
    """What the confirmed runs say of two arms; differences are a - b."""

    seeds: int
    difference: Interval
    p: float
    p_holm: float
    probability_a_better: Interval
    verdict: Verdict


def smallest_p(n: int) -> float:
    """The smallest p value that a two-sided sign-flip test of n pairs can give: 2^(1-n)."""
    return min(1.0, 2.0 ** (1 - n))


def seeds_for_a_verdict(pairs: int, alpha: float = ALPHA) -> int:
    """The smallest n at which a verdict is possible after Holm: 2^(1-n) <= alpha / pairs."""
    if pairs < 1:
        raise ValueError(f"pairs must be at least 1, got {pairs}")
    return next(n for n in itertools.count(1) if smallest_p(n) <= alpha / pairs)


def verdict(
    difference: Interval,
    p_holm: float,
    probability_a_better: Interval,
    goal: Goal = "maximize",
    *,
    seeds: int,
    pairs: int = 1,
) -> Verdict:
    """Which arm is better: the one for which all three conditions hold, else none.

    1. p_holm <= 0.05: the sign-flip test, corrected for all pairs of the study;
    2. the printed 95 % interval of this pair's difference excludes zero;
    3. the arm wins at least 75 % of the seeds, ties counting half.

    The interval is the plain one; the correction acts through p_holm alone. So a "better" never
    stands beside an interval that contains zero or a p_holm above 0.05, and where the interval
    excludes zero beside "none", a reason says which of the other conditions failed.
    """
    if seeds == 0:
        return Verdict("none", ("no seed was completed by both arms",))
    a_leads = difference.estimate > 0 if goal == "maximize" else difference.estimate < 0
    wins = probability_a_better.estimate if a_leads else 1 - probability_a_better.estimate
    excludes = difference.excludes_zero
    conditions = [
        (p_holm <= ALPHA, _significance(p_holm, seeds, pairs)),
        (excludes, f"the 95 % interval {'excludes' if excludes else 'does not exclude'} zero"),
        (wins >= BETTER, f"the leading arm wins {wins:.1%} of the seeds; {BETTER:.0%} are asked"),
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
) -> list[PairedResult]:
    """All pairs of a study's arms, each (a, b) of shape (n,): one family for Holm's correction."""
    p_values = [sign_flip_test(differences(a, b), rng) for a, b in pairs]
    compared = []
    for (a, b), p, p_holm in zip(pairs, p_values, holm(p_values), strict=True):
        difference = paired_difference(a, b, rng=rng, resamples=resamples)
        probability = probability_better(a, b, goal, rng=rng, resamples=resamples)
        seeds = len(np.asarray(a))
        decided = verdict(difference, p_holm, probability, goal, seeds=seeds, pairs=len(pairs))
        compared.append(PairedResult(seeds, difference, p, p_holm, probability, decided))
    return compared


def _significance(p_holm: float, seeds: int, pairs: int) -> str:
    if p_holm > ALPHA and seeds < seeds_for_a_verdict(pairs):
        family = f" before Holm's correction for {pairs} pairs" if pairs > 1 else ""
        return (
            f"{seeds} seeds allow no verdict: p cannot go below {smallest_p(seeds):.2g}{family}; "
            f"{seeds_for_a_verdict(pairs)} seeds could"
        )
    after = " after Holm" if pairs > 1 else ""
    return f"p{after} is {p_holm:.3g}, {'not above' if p_holm <= ALPHA else 'above'} {ALPHA}"
