"""How an arm looks in the figures of a report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from studies.reporting.palette import COLOURS

MARKERS, DASHES = "osD^v", ("-", "--", "-.", ":")
LONGEST_LABEL = 28
"""Letters of the longest label."""


@dataclass(frozen=True)
class ArmStyle:
    """How every arm looks, the same in every figure and table: its place in the file decides."""

    arms: Sequence[str]
    """In the order of the file."""
    study: str
    """Names the only arm of a study that compares nothing."""

    def label(self, arm: str) -> str:
        """The arm's name, cut where it is long."""
        return shortened(arm or self.study, LONGEST_LABEL)

    def colour(self, arm: str) -> str:
        """The arm's colour, such as `#0072B2`."""
        return COLOURS[self.number(arm)]

    def number(self, arm: str) -> int:
        """Which of the page's colours, from 0."""
        return self.arms.index(arm) % len(COLOURS)

    def marker(self, arm: str) -> str:
        """The arm's points, as matplotlib names them; another kind when the colours come again."""
        return MARKERS[self._round(arm) % len(MARKERS)]

    def dash(self, arm: str) -> str:
        """The arm's lines, as matplotlib names them; another kind when the colours come again."""
        return DASHES[self._round(arm) % len(DASHES)]

    def _round(self, arm: str) -> int:
        return self.arms.index(arm) // len(COLOURS)


def shortened(text: str, longest: int) -> str:
    """A text on one line, cut to so many letters."""
    text = " ".join(text.split())
    return text if len(text) <= longest else text[: longest - 1] + "…"
