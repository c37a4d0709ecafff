"""Numbers in words: values of metrics, differences, intervals, durations."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from studies.statistics import Interval

SHARES = (
    "accuracy", "f1", "balanced_accuracy", "precision", "recall", "auroc", "exact_match",
)  # fmt: skip
"""Metrics between 0 and 1, whose differences are told in points of a hundred."""
MOST_LOWER = 99.9
BEYOND = f"more than {MOST_LOWER}"
"""How much lower a loss may be said to be, in percent: 100 would be a loss of nothing."""
LARGEST_LOG = 700.0
"""A ratio beyond e to this power is no number of the computer's."""


def amount(metric: str, value: float, *, signed: bool = False) -> str:
    """A difference of a metric: in points where it is a share, else in its own unit."""
    sign = "+" if signed else ""
    if is_share(metric):
        return f"{100 * value:{sign}.2f}"
    return f"{value:{sign}.3g}"


def unit(metric: str) -> str:
    """What a difference is counted in, after its number."""
    return "points" if is_share(metric) else f"({name_of(metric)})"


def name_of(metric: str) -> str:
    """A metric without its part: `rmse`."""
    return metric.rpartition("/")[2]


def with_article(noun: str) -> str:
    """A noun after `a` or `an`, as it is spoken."""
    vowel = noun in ("mse", "mae", "rmse", "r2", "f1") or noun[:1] in "aeiou"
    return f"{'an' if vowel else 'a'} {noun}"


def size(metric: str, value: float, *more: str) -> str:
    """A difference without its sign, with its unit, and more about it in the same brackets."""
    number = amount(metric, abs(value))
    rests = more if is_share(metric) else (name_of(metric), *more)
    said = f"{number} points" if is_share(metric) else number
    return f"{said} ({'; '.join(rests)})" if rests else said


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


def level_words(alpha: float) -> str:
    """The confidence of an interval: `95 %`."""
    return f"{100 * (1 - alpha):.4g} %"


def plural(count: int, one: str, many: str | None = None) -> str:
    """A count with its noun."""
    return f"{count} {one if count == 1 else many or one + 's'}"


def listed(names: Sequence[str]) -> str:
    """Names as they are spoken: `train, validation and test`."""
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


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
