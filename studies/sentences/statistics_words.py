"""How arms or configurations were compared, in sentences that can stand in a paper."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import pairwise

from studies.analysis import Comparison
from studies.analysis.arm_looks import earlier_looks, look_of
from studies.results import StudyResults, level_words
from studies.results.study_results import Look
from studies.statistics import ALPHA, LOOKS, MIN_REPEATS
from studies.statistics.verdicts import BETTER

LOOKED_AT = {
    "repeats": "searches of each arm",
    "trials": "trials of a search",
    "epochs": "epochs of a search",
    "seeds": "fresh seeds",
    "top": "configurations trained on fresh seeds",
}
"""What the parts of a look's design are called."""


def statistics_sentences(results: StudyResults, comparison: Comparison) -> Iterator[str]:
    """What the values of arms or configurations are, and when one is called better."""
    intervals = [arm.mean.method for arm in comparison.arms if arm.confirmed]
    several = comparison.design.planned > 1 or comparison.design.claim == "configurations"
    if intervals and several:
        over = "seeds" if comparison.design.claim == "configurations" else "repeats"
        yield f"Means over {over} have 95 % intervals ({', '.join(dict.fromkeys(intervals))})."
    if not comparison.pairs:
        yield "No two arms have confirmed values, so none were compared."
    elif comparison.design.claim == "configurations":
        yield from _about_configurations(len(comparison.pairs))
    else:
        yield from _about_arms(results, comparison)


def _about_arms(results: StudyResults, comparison: Comparison) -> Iterator[str]:
    design = comparison.design
    unit = "logarithms of " if design.logarithms else ""
    part = f"the {design.part} part" + (" of its own split" if design.splits > 1 else "")
    by_trials = design.at is not None and design.planned == 1
    if by_trials:
        yield (
            f"One random search of {design.trials} matched trials for each arm was read as what "
            f"{design.at} of them would have found: a mean over all choices of {design.at} "
            "(Dodge 2019, arXiv:1909.03004; Lourie 2024, arXiv:2311.09480), with fresh seeds for "
            "the best ones. Differences have a jackknife interval over trials, Student's t with "
            f"{design.trials or 0} / {design.at} degrees of freedom."
        )
    else:
        yield (
            f"The unit is the repeat: the {unit}{comparison.metric} of each repeat's winner on "
            f"{part}, a mean over its fresh seeds. Two arms are compared by a paired t test over "
            "the repeats."
        )
    pairs = len(comparison.pairs)
    holm = f", corrected for all {pairs} pairs by Holm's method," if pairs > 1 else ""
    yield (
        f"An arm is called better where p{holm} is at most {design.level:g} and the "
        f"{level_words(design.level)} interval of the difference excludes zero. Everything else is "
        "“no detectable difference”, which does not mean equal."
    )
    if not by_trials:
        yield (
            "An arm that lost more repeats than another is never better; it is worse where an "
            "exact sign test says so, a lost repeat counting as the worst value. Below "
            f"{MIN_REPEATS} repeats there is no verdict."
        )
    if design.sequential:
        yield (
            f"The comparison was sequential: looks after {' and '.join(map(str, LOOKS))} repeats, "
            "planned before the start; an arm trained on while a pair of it was open (Pocock 1977)."
        )
    elif looks := earlier_looks(results):
        yield (
            f"The study was extended after a verdict ({_changes([*looks, look_of(results)])}), so "
            "it is judged more strictly, and a third look gives none."
        )
    if design.scale_note:
        yield f"Values were not compared as logarithms: {design.scale_note}."


def _changes(looks: Sequence[Look]) -> str:
    """What was changed from one look to the next."""
    steps = []
    for before, after in pairwise(map(asdict, looks)):
        steps += [
            f"{LOOKED_AT.get(name, name)} from {before[name]} to {value}"
            for name, value in after.items()
            if value != before[name]
        ]
    return ", then ".join(steps)


def _about_configurations(pairs: int) -> Iterator[str]:
    yield (
        "The claim is about the configurations that one search of each arm found, on one split; "
        "another search might have found others. "
    ) + (
        "Two of them are compared by their differences on equal seeds, with a two-sided sign-flip "
        f"permutation test; p is corrected for all {pairs} pairs by Holm's method."
        if pairs > 1
        else "They are compared by their differences on equal seeds, with a two-sided sign-flip "
        "permutation test."
    )
    yield (
        f"A configuration is called better where that p is at most {ALPHA:g}, the 95 % interval of "
        f"the difference excludes zero, and it wins at least {BETTER:.0%} of the seeds (ties count "
        "half; Bouthillier 2021, arXiv:2103.03098). Everything else is “no detectable difference”, "
        "which does not mean equal. The detectable difference is the smallest that so many seeds "
        "would show 8 times in 10."
    )
    yield (
        "These error rates hold for a number of seeds that was fixed beforehand. Who adds seeds "
        "until a verdict appears finds one too often."
    )
