"""What a row of the calibration's table says: how often something happened, and how often it may.

A share has Clopper and Pearson's 95 % interval over comparisons. A row whose repeats tie too often
counts for nothing: arms that tie by construction are never told apart.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy.stats import binomtest

MOST_TIES = 0.05
"""The share of repeats without any difference beyond which a row does not count."""


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    what: str
    hits: int
    comparisons: int
    bound: float | None = None
    """What the share has to keep; None where it is only told."""
    side: Literal["at most", "at least"] = "at most"
    slack: float = 0.0
    """Standard errors of the bound that chance is granted."""
    ties: float | None = None
    """The share of repeats in which both arms have the same value; None where nothing can tie."""

    @property
    def share(self) -> float:
        """Of the comparisons; NaN where there are none."""
        return self.hits / self.comparisons if self.comparisons else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """Its 95 % interval."""
        if not self.comparisons:
            return math.nan, math.nan
        found = binomtest(self.hits, self.comparisons).proportion_ci()
        return float(found.low), float(found.high)

    @property
    def counts(self) -> bool:
        """Whether its repeats differ often enough to say anything."""
        return self.ties is None or self.ties <= MOST_TIES

    @property
    def holds(self) -> bool | None:
        """Whether the bound is kept; None where there is no bound or the row does not count."""
        if self.bound is None or not self.counts or not self.comparisons:
            return None
        error = math.sqrt(self.bound * (1 - self.bound) / self.comparisons)
        if self.side == "at most":
            return self.share <= self.bound + self.slack * error
        return self.share >= self.bound - self.slack * error

    def cells(self) -> list[str]:
        """What the table prints."""
        low, high = self.interval
        verdict = {True: "kept", False: "BROKEN", None: ""}[self.holds]
        bound = ""
        if self.bound is not None:
            bound = f"{self.side} {100 * self.bound:g} %"
            bound += f" + {self.slack:g} SE" if self.slack else ""
        return [
            self.what,
            f"{self.comparisons:,}",
            f"{100 * self.share:.1f} %",
            f"{100 * low:.1f} – {100 * high:.1f}",
            bound,
            verdict if self.counts else "does not count",
            "" if self.ties is None else f"{100 * self.ties:.1f} %",
        ]

    def record(self) -> dict[str, Any]:
        """The same for a JSON file."""
        return {**vars(self), "share": self.share, "interval": self.interval, "holds": self.holds}


def false_better(
    what: str, hits: Sequence[bool], ties: float | None = None, bound: float = 0.05
) -> Row:
    """A row of equal arms: how often one of them is called better."""
    return Row(what, int(np.sum(hits)), len(hits), bound, slack=2, ties=ties)


@dataclass(frozen=True)
class Kind:
    """A kind of rows: what is measured on each of its cases, and what is said of all of them."""

    measure: Callable[[str, int], Any]
    """By the name of the case and the repetitions."""
    rows: Callable[[Sequence[Any]], list[Row]]
    repetitions: int
    """Comparisons of each case, unless given."""
    cases: tuple[str, ...] = ()
    """Empty where every table is one."""


Kinds = Mapping[str, Kind]
