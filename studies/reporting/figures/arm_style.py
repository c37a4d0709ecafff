"""How an arm looks in the figures of a report."""

from __future__ import annotations

from collections.abc import Sequence

from studies.reporting.palette import COLOURS

MARKERS, DASHES = "osD^v", ("-", "--", "-.", ":")
LONGEST_LABEL = 28


class ArmStyle:
    """How every arm looks, the same in every figure and table: its place in the file decides."""

    def __init__(self, arms: Sequence[str], study: str) -> None:
        self.index = {arm: index for index, arm in enumerate(arms)}
        self.study = study

    def label(self, arm: str) -> str:
        return shortened(arm or self.study, LONGEST_LABEL)

    def colour(self, arm: str) -> str:
        return COLOURS[self.number(arm)]

    def number(self, arm: str) -> int:
        """Which of the page's colours."""
        return self.index[arm] % len(COLOURS)

    def marker(self, arm: str) -> str:
        return MARKERS[self.index[arm] // len(COLOURS) % len(MARKERS)]

    def dash(self, arm: str) -> str:
        return DASHES[self.index[arm] // len(COLOURS) % len(DASHES)]


def shortened(text: str, longest: int) -> str:
    """A text on one line, cut where it has more letters."""
    text = " ".join(text.split())
    return text if len(text) <= longest else text[: longest - 1] + "…"
