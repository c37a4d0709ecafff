"""The differences between two arms, unit by unit: what a verdict about them rests on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from studies.analysis import Comparison, PairResult
from studies.results import LARGEST_LOG, in_unit, is_share, level_words
from studies.sentences import MATCHED
from studies.sentences.claim_words import claim_words


@dataclass(frozen=True)
class PairDifferences:
    """The differences of one pair: points of a hundred for a share, and ratios where values are
    compared as logarithms; there 1 is no difference, else 0."""

    pair: PairResult
    label: str
    """`adam − sgd`, or `adam ÷ sgd` where it is a ratio."""
    points: Mapping[int, float]
    """By repeat, or by fresh seed, as far as both arms have a value."""
    mean: float
    low: float
    high: float
    """The interval of the verdict; NaN where there is none."""


def paired_differences(comparison: Comparison) -> Sequence[PairDifferences]:
    """Every pair with its differences, in the order of the comparison; those without any value
    are left out."""
    values = {arm.arm: arm.confirmed for arm in comparison.arms}
    found = [
        _of_pair(comparison, pair, values[pair.a], values[pair.b]) for pair in comparison.pairs
    ]
    return [each for each in found if math.isfinite(each.mean)]


def _of_pair(
    comparison: Comparison, pair: PairResult, a: Mapping[int, float], b: Mapping[int, float]
) -> PairDifferences:
    logarithms, found = comparison.design.logarithms, pair.result.difference
    read = comparison.design.at is not None and comparison.design.planned == 1
    raw = {
        unit: math.log(a[unit] / b[unit]) if logarithms else a[unit] - b[unit]
        for unit in sorted(a.keys() & b.keys())
        if not read and (not logarithms or min(a[unit], b[unit]) > 0)
    }
    return PairDifferences(
        pair,
        f"{pair.a} {'÷' if logarithms else '−'} {pair.b}",
        {unit: _on_axis(comparison, each) for unit, each in raw.items()},
        mean=_on_axis(comparison, found.estimate),
        low=_on_axis(comparison, found.low),
        high=_on_axis(comparison, found.high),
    )


def _on_axis(comparison: Comparison, difference: float) -> float:
    if comparison.design.logarithms:
        return math.exp(min(difference, LARGEST_LOG))
    return 100 * difference if is_share(comparison.metric) else difference


def differences_title(comparison: Comparison) -> str:
    """The heading of their figure."""
    words = claim_words(comparison)
    if words.unit == MATCHED:
        return "Differences between the arms"
    whose = "configurations" if comparison.design.claim == "configurations" else "arms"
    return f"Differences between the {whose}, by {words.unit}"


def differences_label(comparison: Comparison) -> str:
    """The axis of their figure."""
    metric = comparison.metric
    if comparison.design.logarithms:
        return f"ratio of {metric}, the first by the second"
    return f"difference in {metric}{in_unit(metric)}"


def differences_caption(comparison: Comparison, shown: int, known: int) -> str:
    """What the points are, what the interval is, and which side is which."""
    design, words = comparison.design, claim_words(comparison)
    first = (
        "the configuration found for the first" if design.claim == "configurations" else "the first"
    )
    none = "1" if design.logarithms else "zero"
    side = "right" if comparison.goal == "maximize" else "left"
    what = "ratio" if design.logarithms else "difference"
    said = "The bar is the interval of a pair's difference, the mark on it the estimate"
    if words.unit != MATCHED:
        where = "on equal rows and seeds" if words.unit == "repeat" else "on equal seeds"
        said = f"A point is the {what} in one {words.unit}, {where}. The mark on the bar is"
        said += f" their {'geometric ' if design.logarithms else ''}mean, the bar its interval"
    said += f" ({level_words(design.level)}). To the {side} of {none} {first} is better."
    if comparison.lost:
        said += " A lost repeat has no point."
    if len(comparison.pairs) > 1 and not design.why_none:
        said += (
            f" An interval without {none} is no verdict yet: p is corrected for all pairs by "
            "Holm's method."
        )
    if shown < known:
        said += f" Shown are {shown} of {known} pairs."
    return said
