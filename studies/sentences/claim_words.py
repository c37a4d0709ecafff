"""What tables and figures of a comparison are called, by what was varied in it.

Nothing here says more than what was tested: where one search of each arm was made it is the
configurations found that are compared, not the arms.
"""

from __future__ import annotations

from dataclasses import dataclass

from studies.analysis import Comparison, PairResult, winner
from studies.analysis.comparison import Basis
from studies.results import level_words, plural
from studies.statistics import ALPHA, LOOKS

MATCHED = "matched trial"
NO_VERDICT, NO_DIFFERENCE = "no verdict", "no detectable difference"


@dataclass(frozen=True)
class ClaimWords:
    """The words for a comparison: they differ with what it claims."""

    unit: str
    """What a point is: `repeat`, `fresh seed` or `matched trial`."""
    ranking: str
    """The heading of the table and the figure of all arms."""
    about: str
    """What a row of the ranking is, in one sentence."""
    first: str
    """The head of its first column."""
    mean: str
    """The words for a mean in its columns, with what it is taken over."""
    points: str
    """The heading of the figure of single values."""
    pairs: str
    """The heading of the table and the matrix of pairs."""
    row: str
    """The words for the row of the matrix that stand before `better` or `worse`."""

    @property
    def units(self) -> str:
        """The plural of `unit`."""
        return f"{self.unit}s"


def claim_words(comparison: Comparison) -> ClaimWords:
    """The words for what a comparison claims."""
    design, factor = comparison.design, " × ".join(comparison.factors) or "study"
    if design.claim == "configurations":
        return ClaimWords(
            unit="fresh seed",
            ranking="Configurations found, by their mean",
            about="One search of each arm: these are the configurations that it found, on one "
            "split. The order says nothing about the arms.",
            first=f"found for {factor}",
            mean="mean of fresh seeds",
            points="Every fresh seed",
            pairs="Pairs of configurations",
            row="the row's configuration is",
        )
    if design.at is not None:
        per = f"{design.at} trials"
        return ClaimWords(
            unit="repeat" if design.planned > 1 else MATCHED,
            ranking=f"Arms, by what {per} find",
            about=f"The mean of what {per} out of a longer random search would have found"
            + (", over the searches." if design.planned > 1 else ", on one split."),
            first=factor,
            mean=f"best of {per}",
            points=f"Every repeat, read at {per}",
            pairs="Pairs of arms",
            row="row is",
        )
    if design.planned > 1:
        own = " of its own split" if design.splits > 1 else ""
        mean = "geometric mean" if design.logarithms else "mean"
        by = "lost repeats, then by the mean" if comparison.lost else "the mean"
        return ClaimWords(
            unit="repeat",
            ranking=f"Arms, by {by} of their winners"
            if comparison.factors
            else "The winners of the searches",
            about=f"The {mean} over the winners of the searches, each on the "
            f"{design.part} part{own}."
            if design.seeds
            else "The winners of the searches, which were not confirmed on fresh seeds.",
            first=factor,
            mean="winners' mean",
            points="Every repeat",
            pairs="Pairs of arms",
            row="row is",
        )
    return ClaimWords(
        unit="fresh seed",
        ranking="What one search of each arm found" if comparison.factors else "The winner",
        about="One search of each arm. The order says nothing about the arms."
        if comparison.factors
        else "The configuration that the search found.",
        first=factor,
        mean="mean of fresh seeds",
        points="Every fresh seed",
        pairs="Pairs of arms",
        row="row is",
    )


def dots_caption(design: Basis) -> str:
    """What the points of single values are, and why their scatter decides nothing."""
    if design.planned == 1:
        return (
            "A point is one run of the configuration that the arm's search found, on a fresh seed; "
            "the mark on the bar is their mean, the bar its 95 % interval. Whether bars overlap "
            "decides nothing: a verdict is made of the differences on equal seeds."
        )
    where = f"on the {design.part} part"
    if design.splits > 1:
        where += " of that search's own split"
    said = (
        f"A point is one repeat: the winner of one search of the arm, {where}. The mark on the bar "
        f"is the {'geometric ' if design.logarithms else ''}mean, the bar its 95 % interval "
        "(Student's t over repeats). Whether bars overlap decides nothing: a verdict is made of "
        "the differences within repeats"
    )
    if design.splits > 1:
        said += (
            ". Splits differ, and an easy one is easy for all arms, so this scatter is not that of "
            "the differences"
        )
    return f"{said}."


def verdict_words(comparison: Comparison, pair: PairResult) -> str:
    """The verdict of a pair in a cell of a table."""
    if comparison.design.why_none:
        return NO_VERDICT
    better = winner(pair)
    if not better:
        return NO_DIFFERENCE
    if comparison.design.claim == "configurations":
        return f"the one found for {better} is better"
    return f"{better} is better"


def interval_words(comparison: Comparison) -> str:
    """The confidence of the intervals of differences, and why it is not 95 %."""
    design = comparison.design
    said = f"{level_words(design.level)} intervals"
    if design.sequential:
        planned = " and ".join(map(str, LOOKS))
        looks = ", ".join(map(str, design.looks)) or "none yet"
        return f"{said}, for looks after {planned} repeats (so far: {looks})"
    if design.level < ALPHA:
        before = plural(max(1, len(design.looks) - 1), "look")
        return f"{said}, because of {before} before this one"
    return said
