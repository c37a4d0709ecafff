"""Numbers of a comparison in words: values, differences, intervals, durations."""

from __future__ import annotations

import json
import math
from typing import Any

from studies.comparison import Comparison
from studies.stats import Interval

SHARES = ("accuracy", "f1")
"""Metrics between 0 and 1, whose differences are told in points of a hundred."""
LARGEST_LOG = 700.0
"""A ratio beyond e to this power is no number of the computer's."""


def amount(metric: str, value: float, *, signed: bool = False) -> str:
    """A difference of a metric: in points where it is a share, else in its own unit."""
    sign = "+" if signed else ""
    if is_share(metric):
        return f"{100 * value:{sign}.2f}"
    return f"{value:{sign}.3g}"


def unit(metric: str) -> str:
    """What a difference is counted in."""
    return "points" if is_share(metric) else f"of {metric.rpartition('/')[2]}"


def in_unit(metric: str) -> str:
    """After the name of a column of differences: the unit where it is not that of the metric."""
    return f" ({unit(metric)})" if is_share(metric) else ""


def level(metric: str, value: float | None) -> str:
    """A value of a metric: in percent where it is a share."""
    if value is None or not math.isfinite(value):
        return "–"
    return f"{100 * value:.2f} %" if is_share(metric) else f"{value:.4g}"


def interval(metric: str, found: Interval) -> str:
    """A value with its interval."""
    if not math.isfinite(found.low):
        return level(metric, found.estimate)
    low, high = within(metric, found.low, found.high)
    if is_share(metric):
        return f"{100 * found.estimate:.2f} % ({100 * low:.2f} to {100 * high:.2f})"
    return f"{found.estimate:.4g} ({low:.4g} to {high:.4g})"


def within(metric: str, low: float, high: float) -> tuple[float, float]:
    """An interval without the values that a share cannot have."""
    return (max(0.0, low), min(1.0, high)) if is_share(metric) else (low, high)


def effect(
    comparison: Comparison, difference: float, *, by: bool = True, plain: bool = False
) -> str:
    """A difference between two arms, its size only: in points or units, or as a ratio in percent
    where values are compared as logarithms. `plain` is a size without a direction."""
    if not comparison.design.logarithms:
        size = f"{amount(comparison.metric, abs(difference))} {unit(comparison.metric)}"
        return f"by {size}" if by else size
    if plain:
        return f"a ratio of {math.exp(abs(difference)):.3g}"
    name = comparison.metric.rpartition("/")[2]
    lower = comparison.goal == "minimize"
    percent = 100 * abs(math.expm1(-abs(difference) if lower else abs(difference)))
    way = "lower" if lower else "higher"
    return f"by a {name} that is {percent:.3g} % {way}" if by else f"{percent:.3g} % of {name}"


def spread(comparison: Comparison, found: Interval) -> str:
    """The interval of a difference, in the words of `effect`: in the direction of its estimate."""
    sign = 1 if found.estimate >= 0 else -1
    low, high = sorted((sign * found.low, sign * found.high))
    if not comparison.design.logarithms:
        return f"{amount(comparison.metric, low)} to {amount(comparison.metric, high)}"
    way = -1 if comparison.goal == "minimize" else 1
    ends = [100 * way * math.expm1(way * end) for end in (low, high)]
    return f"{ends[0]:.3g} to {ends[1]:.3g} %"


def signed(comparison: Comparison, difference: float) -> str:
    """A difference with its sign: in points or units, or the ratio less one in percent."""
    if not math.isfinite(difference):
        return "–"
    if comparison.design.logarithms:
        return f"{100 * math.expm1(min(difference, LARGEST_LOG)):+.3g}"
    return amount(comparison.metric, difference, signed=True)


def signed_spread(comparison: Comparison, found: Interval) -> str:
    """The interval of a difference, in the words of `signed`."""
    if not math.isfinite(found.low):
        return "–"
    return f"{signed(comparison, found.low)} to {signed(comparison, found.high)}"


def level_words(alpha: float) -> str:
    """The confidence of an interval: `95 %`."""
    return f"{100 * (1 - alpha):.4g} %"


def plural(count: int, one: str, many: str | None = None) -> str:
    """A count with its noun."""
    return f"{count} {one if count == 1 else many or one + 's'}"


def is_share(metric: str) -> bool:
    """Whether a metric lies between 0 and 1 and is told in percent."""
    return metric.rpartition("/")[2] in SHARES


def duration(seconds: float) -> str:
    """Seconds in the largest unit of which there are two."""
    for size, name in ((86_400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {name}"
    return f"{seconds:.1f} s"


def value_text(value: Any) -> str:
    """A value of a configuration, numbers to four digits."""
    if isinstance(value, float) and math.isfinite(value):
        return f"{value:.4g}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
