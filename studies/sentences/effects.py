"""The differences of a comparison in words."""

from __future__ import annotations

import math

from studies.analysis import Comparison
from studies.results import LARGEST_LOG, amount, is_share, size
from studies.results.wording import BEYOND, MOST_LOWER, name_of, with_article
from studies.statistics import Interval, sign_of


def effect(comparison: Comparison, difference: float) -> str:
    """By how much an arm is better: `by 1.20 points`; where values are compared as logarithms,
    `by a loss that is 26 % lower`."""
    if not comparison.design.logarithms:
        return f"by {size(comparison.metric, difference)}"
    which = with_article(name_of(comparison.metric))
    return f"by {which} that is {percent(comparison, abs(difference))} % {_way(comparison)}"


def observed(comparison: Comparison, arm: str, difference: float) -> str:
    """What was seen in favour of an arm: `1.20 points in favour of adam`, `adam's loss 26 %
    lower`."""
    if comparison.design.logarithms:
        name = name_of(comparison.metric)
        if difference == 0:
            return f"the same {name}"
        return f"{arm}'s {name} {percent(comparison, abs(difference))} % {_way(comparison)}"
    lead = "" if difference == 0 else f" in favour of {arm}"
    return f"{size(comparison.metric, difference)}{lead}"


def shown_from(comparison: Comparison, gap: float) -> str:
    """The least difference that a design shows, in the unit of `observed`: `88 % or more`."""
    metric = comparison.metric
    if not comparison.design.logarithms:
        points = " points" if is_share(metric) else ""
        return f"{amount(metric, gap)}{points} or more"
    ratio = percent(comparison, gap)
    return f"{ratio} %" if ratio == BEYOND else f"{ratio} % or more"


def spread(comparison: Comparison, interval: Interval) -> str:
    """The interval of a difference, in the words of `effect`: in the direction of its estimate."""
    sign = 1 if interval.estimate >= 0 else -1
    low, high = sorted((sign * interval.low, sign * interval.high))
    if not comparison.design.logarithms:
        return f"{amount(comparison.metric, low)} to {amount(comparison.metric, high)}"
    return f"{percent(comparison, low)} to {percent(comparison, high)} %"


def _way(comparison: Comparison) -> str:
    return "lower" if comparison.goal == "minimize" else "higher"


def percent(comparison: Comparison, gain: float) -> str:
    """A gain between logarithms, in percent of the worse arm's value."""
    found = in_percent(comparison, gain)
    return BEYOND if sign_of(comparison.goal) < 0 and found > MOST_LOWER else f"{found:.3g}"


def in_percent(comparison: Comparison, gain: float) -> float:
    """A gain between logarithms as the number of `percent`."""
    way = sign_of(comparison.goal)
    return 100 * way * math.expm1(min(max(way * gain, -LARGEST_LOG), LARGEST_LOG))


def signed(comparison: Comparison, difference: float) -> str:
    """A difference with its sign: in points or units, or the ratio less one in percent."""
    if not math.isfinite(difference):
        return "–"
    if comparison.design.logarithms:
        return f"{100 * math.expm1(min(difference, LARGEST_LOG)):+.3g}"
    return amount(comparison.metric, difference, signed=True)


def signed_spread(comparison: Comparison, interval: Interval) -> str:
    """The interval of a difference, in the words of `signed`."""
    if not math.isfinite(interval.low):
        return "–"
    return f"{signed(comparison, interval.low)} to {signed(comparison, interval.high)}"
