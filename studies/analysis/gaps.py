"""What a study does not know yet, and the way to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from studies.analysis.comparison import ArmResult
from studies.results import StudyResults
from studies.results.commands import command


def way_on(results: StudyResults) -> str:
    """A sentence on how an unfinished study goes on: it runs, or which command continues it."""
    if results.home.driver(results.study):
        return "it is running"
    return f"`{command(results)}` continues it"


def gaps(results: StudyResults, arms: Sequence[ArmResult]) -> Iterator[str]:
    """What every comparison lacks that is not a matter of its statistics."""
    spec = results.spec
    if not spec.factors:
        yield "this study compares nothing: name a factor, such as `compare: {factor: optimizer}`"
    elif len(arms) == 1:
        yield f"there is only one alternative of {spec.factors[0]}: list more to compare them"
    for arm in arms:
        completed = results.ranked([t for t in results.search if t.arm == arm.arm])
        if arm.winner is None and not completed:
            ended = ", ".join(f"{count} {outcome}" for outcome, count in arm.outcomes.items())
            yield f"{arm.arm or 'the search'}: no trial has completed ({ended or 'none ended yet'})"
    counts = {
        len(trials)
        for arm in arms
        for repeat in range(1, spec.repeats + 1)
        if (trials := results.searched(arm.arm, repeat))
    }
    if results.finished and spec.trials is not None and len(counts) > 1:
        yield (
            f"the arms have had {min(counts)} to {max(counts)} trials of the search, so the "
            "comparison is not fair: "
            f"`{command(results, f'search.trials={max(counts)}')}` gives all of them as many"
        )
    if not results.finished:
        planned = results.planned
        of = f" of {planned}" if planned is not None else ""
        yield (
            f"the study is not finished: {len(results.search)}{of} trials of the search have "
            f"ended; {way_on(results)}"
        )
    if spec.confirm is None:
        yield (
            "the winners were not confirmed on fresh seeds, so what the search found is optimistic "
            "and no verdict is given"
        )
