"""What leads a comparison without a verdict to one: a sentence with the complete command."""

from __future__ import annotations

from studies.analysis import Comparison
from studies.analysis.gaps import way_on
from studies.results import StudyResults
from studies.results.commands import command
from studies.sentences.verdict_sentences import missing, verdicts
from studies.statistics import LOOKS, MIN_REPEATS, seeds_for_a_verdict
from studies.statistics.levels import REPEATS


def way_to_verdict(results: StudyResults, comparison: Comparison) -> str:
    """The sentence, to stand beside the one that says why there is no verdict; empty where there
    is one, where nothing is compared, and where no command helps."""
    spec, design = results.spec, comparison.design
    if not spec.factors or len(comparison.arms) < 2:
        return ""
    changes, by_arms = [], design.claim == "arms"
    if by_arms and spec.repeats < MIN_REPEATS and design.at is None:
        changes.append(f"search.repeats={REPEATS}")
    if spec.confirm is None:
        changes.append("confirm={}")  # for a function it is Python, too
    elif not by_arms and comparison.pairs:
        needed = seeds_for_a_verdict(len(comparison.pairs))
        if max(pair.result.seeds for pair in comparison.pairs) < needed > design.seeds:
            changes.append(f"confirm.seeds={needed + 2}")
    if changes:
        first = "repeats first" if changes[0].startswith("search") else "fresh seeds first"
        return f"{first}: `{command(results, *changes)}`"
    if not design.why_none:
        return ""
    if not results.finished:
        return f"to get there: {way_on(results)}"
    return fresh_study(results) if len(design.looks) > 2 else ""


def sentences(results: StudyResults, comparison: Comparison) -> list[str]:
    """Everything that may be said and what is missing; the way to a verdict stands behind the
    sentence that says why there is none."""
    way = [text for text in [way_to_verdict(results, comparison)] if text]
    said, lacking = verdicts(comparison), missing(comparison)
    return [*said, *way, *lacking] if said else [*lacking, *way]


def fresh_study(results: StudyResults) -> str:
    """The way to ask again, with a command."""
    name = f"study={results.study}-{'again' if results.spec.design.sequential else 'auto'}"
    return (
        f"ask in a new study, which looks after {' and '.join(map(str, LOOKS))} repeats and stops "
        f"when it knows: `{command(results, name, 'search.repeats=auto')}`"
    )
