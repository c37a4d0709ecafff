"""Several ways measured in turn, in rounds, and what is said of them.

Ratios are medians over the rounds of the ratios within a round, so that a slow minute of the
machine counts on both sides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median


def turn(ways: Sequence[str], number: int) -> Sequence[str]:
    """The order of a round: forwards, backwards, forwards, ..."""
    return ways[::-1] if number % 2 else ways


def ratios(above: Sequence[float], below: Sequence[float]) -> list[float]:
    """The ratio of every round."""
    return [a / b for a, b in zip(above, below, strict=True)]


def ratio(above: Sequence[float], below: Sequence[float]) -> float:
    """Median of the rounds' ratios."""
    return median(ratios(above, below))


def medians(values: Mapping[str, Sequence[float]]) -> dict[str, float]:
    return {name: median(row) for name, row in values.items()}


def spread(values: Sequence[float], digits: int = 1) -> str:
    """The median, and the smallest and largest value."""
    found = (f"{value:.{digits}f}" for value in (median(values), min(values), max(values)))
    return "{} ({}-{})".format(*found)
