"""Verdicts about arms: which of them finds better configurations, over the luck of the search.

The unit is a repeat: one independent search of every arm on its own split; fresh seeds of one
winner narrow the estimate of that winner only. An arm is better where the paired t test over
repeats is significant after Holm's correction and the interval excludes zero. An arm that lost
more repeats than the other is never better; the other one is where a sign test over all repeats
shows it, a lost repeat being the worst value. Everything else is "no detectable difference".

Measured share of families of equal arms with a false "better", normal noise (standard error 0.03):
`compare_arms` keeps its level exactly for one pair (Student's t). `sequential` at 6 and 8 has
3.6 % for one pair; at 4, 6 and 8 it would have 5.1 % (three arms 5.2, six 5.4). That Holm
divides the level of a look is slightly too kind, as looks at a smaller level overlap less. Repeats
added after a verdict was seen, judged at SECOND_LOOK_ALPHA: 5.2 % (6, then 9), 5.5 % (6, then 12).
Not kept is the level for arms whose noise differs in shape: equal means, one arm failing by ten
standard deviations in a tenth of the repeats, gives 12 % at 4 and 18 % at 8; 11 and 16 % where
lopsided pairs are withheld. No test of few repeats sees failures that have not happened yet.

Sources: Bouthillier et al. 2021 (arXiv 2103.03098); Holm 1979; Pocock 1977 for looks at one level;
Maurer and Bretz 2013 for Holm's correction over looks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from studies.statistics.arm_pairs import ArmPair, ArmValues, decide, weigh
from studies.statistics.goals import Goal
from studies.statistics.intervals import holm
from studies.statistics.levels import ALPHA, FUTILE, LOOK_ALPHA, LOOKS, MIN_REPEATS

Pairs = Sequence[tuple[ArmValues, ArmValues]]


@dataclass(frozen=True)
class Sequential:
    """A sequential comparison after its last look: its pairs, and which of them are open."""

    pairs: tuple[ArmPair, ...]
    open: frozenset[int]
    """Indices of the pairs that are tested again at a later look; empty when all is said."""
    look: int
    """The number of repeats of the latest look held; 0 before the first."""


def compare_arms(
    pairs: Pairs, goal: Goal, *, alpha: float = ALPHA, resolution: float = 0.0
) -> list[ArmPair]:
    """All pairs of arms of a study, one family for Holm's correction.

    Arms are paired by repeat where both have a value; below MIN_REPEATS nothing is tested, and the
    pair counts in the family with p = 1. `alpha`: family-wise level, also that of the intervals.
    `resolution`: the smallest step of the values (one row of the evaluation part), 0 if unknown;
    no difference up to it is a verdict. Equal differences of unknown resolution: the sign test.

    Raises ValueError for a resolution below zero or an alpha outside (0, 1).

    Example:
        >>> adam = ArmValues({1: 0.91, 2: 0.93, 3: 0.90, 4: 0.92, 5: 0.94})
        >>> sgd = ArmValues({1: 0.88, 2: 0.91, 3: 0.88, 4: 0.89, 5: 0.90})
        >>> compare_arms([(adam, sgd)], "maximize")[0].better
        'a'
    """
    _check(alpha, resolution)
    weighed = [
        weigh(a, b, goal, alpha=alpha, pairs=len(pairs), resolution=resolution) for a, b in pairs
    ]
    return _decided(weighed, goal, alpha)


def sequential(
    pairs: Pairs,
    goal: Goal,
    *,
    looks: Sequence[int] = LOOKS,
    alpha: float = LOOK_ALPHA,
    futile: float = FUTILE,
    resolution: float = 0.0,
    done: int,
) -> Sequential:
    """The pairs as decided at the looks held so far: a function of the values alone.

    `done`: whole repeats there are, numbered from 1; a look at n uses the repeats 1..n. `alpha`:
    level of each look. Pairs called better at a look keep what that look said and leave the family:
    the m that remain are tested stepwise at alpha / m, ... at the next. A pair with p > futile at
    the first look is closed, but stays in the count, as a true hypothesis has to. The last look
    closes what is left. Before the first look, pairs are described and not tested.

    Raises ValueError where looks do not increase or begin below MIN_REPEATS.
    """
    _check(alpha, resolution)
    if not looks or looks[0] < MIN_REPEATS or list(looks) != sorted(set(looks)):
        raise ValueError(f"looks must increase from {MIN_REPEATS} or more, got {tuple(looks)}")
    if done < looks[0]:
        early = tuple(_untested(pair, goal, alpha, resolution, looks[0], done) for pair in pairs)
        return Sequential(early, frozenset(range(len(pairs))), 0)
    shown: dict[int, ArmPair] = {}
    still_open, held = list(range(len(pairs))), 0
    for look in (look for look in looks if look <= done and still_open):
        held = look
        rejected = sum(pair.better != "none" for pair in shown.values())
        family = len(pairs) - rejected
        values = [tuple(arm.first(look) for arm in pairs[i]) for i in still_open]
        weighed = [
            weigh(a, b, goal, alpha=alpha, pairs=family, resolution=resolution) for a, b in values
        ]
        decided = _decided(weighed, goal, alpha, closed=family - len(still_open))
        for i, pair in zip(still_open, decided, strict=True):
            shown[i] = _seen(pair, look, looks, futile)
        still_open = [i for i in still_open if shown[i].look is None]
    return Sequential(tuple(shown[i] for i in range(len(pairs))), frozenset(still_open), held)


def _decided(
    weighed: Sequence[ArmPair], goal: Goal, alpha: float, *, closed: int = 0
) -> list[ArmPair]:
    """Holm's correction over the pairs and as many closed ones, and the verdicts."""
    family = len(weighed) + closed
    p_values = [1.0 if math.isnan(pair.p) else pair.p for pair in weighed]
    corrected = holm([*p_values, *[1.0] * closed])[: len(weighed)]
    return [
        decide(pair, p_holm, goal, alpha=alpha, pairs=family)
        for pair, p_holm in zip(weighed, corrected, strict=True)
    ]


def _seen(pair: ArmPair, look: int, looks: Sequence[int], futile: float) -> ArmPair:
    """The pair after a look that may have decided or closed it."""
    if pair.better != "none":
        return replace(pair, look=look)
    if look == looks[0] and pair.p > futile:
        closed = f"p at the first look is {pair.p:.3g}, above {futile}: closed"
        return replace(pair, look=look, reasons=(closed, *pair.reasons))
    return replace(pair, look=look) if look == looks[-1] else pair


def _untested(
    pair: tuple[ArmValues, ArmValues],
    goal: Goal,
    alpha: float,
    resolution: float,
    first_look: int,
    done: int,
) -> ArmPair:
    a, b = (arm.first(done) for arm in pair)
    described = weigh(a, b, goal, alpha=alpha, pairs=1, resolution=resolution)
    reason = f"the first look is at {first_look} repeats, {done} are there"
    return replace(
        described,
        p=math.nan,
        test="none",
        reasons=(reason,),
        detectable=math.inf,
        repeats_needed=None,
    )


def _check(alpha: float, resolution: float) -> None:
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must be in (0, 1), got {alpha}")
    if not 0 <= resolution < math.inf:
        raise ValueError(f"resolution must be at least 0, got {resolution}")
