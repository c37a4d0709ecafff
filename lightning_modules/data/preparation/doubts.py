"""What is doubtful in rows that a network shall answer to: it never learned from such values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

BEYOND = 0.5
"""How far outside the training range is far, as a share of its width."""
SHOWN = 5
"""Columns that a sentence names of each kind."""

Counts = Mapping[str, int]


@dataclass(frozen=True)
class Doubts:
    """How many values are doubtful, by column."""

    rows: int
    unknown: Counts = field(default_factory=dict)
    """Categories that no training row has."""
    missing: Counts = field(default_factory=dict)
    """Values that are missing: numbers are filled in as in training."""
    outside: Counts = field(default_factory=dict)
    """Numbers beyond the training range by more than half of its width."""
    skipped: Counts = field(default_factory=dict)
    """Files that are not read, by kind."""

    @property
    def words(self) -> str:
        """All of it in one line; empty where nothing is doubtful."""
        said = [
            _counted(self.unknown, "unknown category", "unknown categories"),
            _counted(self.missing, "missing value", "missing values"),
            _counted(self.outside, "number far outside the training range",
                     "numbers far outside the training range"),
            _counted(self.skipped, "file that is not read", "files that are not read"),
        ]  # fmt: skip
        known = [each for each in said if each]
        return f"in {self.rows} rows: {'; '.join(known)}" if known else ""

    def to_dict(self) -> dict[str, Any]:
        """The same in plain values."""
        return asdict(self)


def doubts_of_array(rows: Any, preparation: Mapping[str, Any]) -> Doubts:
    """What is doubtful in rows (n, columns or channels, ...) of numbers."""
    outside = {}
    if "low" in preparation:
        ranges = zip(preparation["low"], preparation["high"], strict=True)
        what = "column" if rows.ndim == 2 else "channel"
        for place, (low, high) in enumerate(ranges):
            outside[f"{what} {place + 1}"] = count_outside(rows[:, place], low, high)
    return Doubts(len(rows), outside=some(outside))


def count_outside(values: Any, low: float, high: float) -> int:
    """How many values are far outside a range."""
    beyond = BEYOND * (high - low)
    return int(((values < low - beyond) | (values > high + beyond)).sum())


def some(counts: Counts) -> Counts:
    """Without the columns that have none."""
    return {name: count for name, count in counts.items() if count}


def _counted(counts: Counts, one: str, several: str) -> str:
    """`3 missing values (age 2, income 1)`."""
    total = sum(counts.values())
    if not total:
        return ""
    most = sorted(counts.items(), key=lambda each: -each[1])
    named = [f"{name} {count}" for name, count in most[:SHOWN]]
    more = [f"{len(most) - SHOWN} more"] if len(most) > SHOWN else []
    return f"{total} {one if total == 1 else several} ({', '.join(named + more)})"
