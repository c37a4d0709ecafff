"""Where the uncertainty of a comparison of arms comes from, and what to buy more of."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from statistics import fmean

from studies.comparison import Comparison, PairResult
from studies.extending import command
from studies.levels import ALPHA, LOOKS, MIN_REPEATS, SECOND_LOOK_ALPHA
from studies.records import Outcome
from studies.repeat_results import RepeatResult, part_of, repeat_results
from studies.results import StudyResults
from studies.sentences import winner
from studies.variance import pooled_sd, two_way
from studies.wording import amount, plural, unit


def sources(results: StudyResults, comparison: Comparison) -> list[str]:
    """What the repeats tell apart of the luck of search, split and seed; the rest is named."""
    if comparison.design.searches < 2:
        return []
    part = part_of(results, results.spec.objective.metric)
    found = repeat_results(results, part.metric)
    rows = [
        row
        for each in found.values()
        for row in each.values()
        if row.by_seed and row.repeat <= comparison.design.searches
    ]
    return [
        *_together(rows, part.metric, comparison),
        *_seeds(rows, part.metric, comparison),
        *_split_and_search(results),
    ]


def _together(rows: Sequence[RepeatResult], metric: str, comparison: Comparison) -> Iterator[str]:
    by_arm: dict[str, list[float]] = {}
    for row in rows:
        if row.value is not None:
            by_arm.setdefault(row.arm, []).append(row.value)
    scatter = pooled_sd(list(by_arm.values()))
    if math.isnan(scatter):
        return
    luck = "search, split and seed" if comparison.design.splits > 1 else "search and seed"
    yield (
        f"the winners of an arm scatter from search to search by {_size(metric, scatter)} "
        f"(standard deviation; the luck of {luck} together)"
    )
    paired = [pair.deviation for pair in comparison.pairs if math.isfinite(pair.deviation)]
    if paired and not comparison.design.logarithms:
        yield (
            "the difference between two arms scatters by "
            f"{_size(metric, math.sqrt(fmean(d * d for d in paired)))}: what arms share in a "
            "repeat cancels"
        )


def _seeds(rows: Sequence[RepeatResult], metric: str, comparison: Comparison) -> Iterator[str]:
    within = pooled_sd([list(row.by_seed.values()) for row in rows])
    if math.isnan(within):
        yield (
            "how much of it is the training seed was not separated: every winner has one fresh "
            "seed (confirm.seeds: 2 separates it)"
        )
        return
    yield f"the training seed alone makes {_size(metric, within)} of it"


def _split_and_search(results: StudyResults) -> Iterator[str]:
    """From the runs of the leading arm's best winners on other splits."""
    best, metric = results.best, results.spec.objective.metric
    runs = [
        run
        for run in results.ended
        if run.phase in ("confirm", "cross")
        and run.outcome == Outcome.completed
        and best is not None
        and run.arm == best.trial.arm
    ]
    crossed = {run.config_hash for run in runs if run.phase == "cross"}
    values: dict[tuple[str, int], list[float]] = {}
    for run in runs:
        if run.config_hash in crossed and run.value is not None:
            values.setdefault((run.config_hash, run.repeat), []).append(run.value)
    parts = two_way({place: fmean(found) for place, found in values.items()})
    if not crossed or math.isnan(parts.sd_split):
        yield "the luck of the split and that of the search were not separated"
        return
    whose = f" of {best.trial.arm}" if best is not None and best.trial.arm else ""
    yield (
        f"{plural(parts.configurations, 'winner')}{whose} on {plural(parts.splits, 'split')}, by "
        f"{metric}: splits differ by {_size(metric, parts.sd_split)}, these winners by "
        f"{_size(metric, parts.sd_configuration)}, and {_size(metric, parts.residual)} is left "
        "for the seed and for what suits one split only. They are the best winners, so that other "
        "configurations differ more"
    )


def _size(metric: str, deviation: float) -> str:
    return f"{amount(metric, deviation)} {unit(metric)}"


def advice(results: StudyResults, comparison: Comparison) -> list[str]:
    """What to buy more of, with the command that does it; empty where nothing is open."""
    spec, design = results.spec, comparison.design
    if len(comparison.arms) < 2 or spec.confirm is None or design.claim != "arms":
        return []
    if not results.finished:
        return [f"go on: `{command(results)}`"]
    if design.at is not None and design.planned == 1:
        return []
    if spec.repeats < MIN_REPEATS:
        more = command(results, f"search.repeats={6 if spec.repeats < 6 else spec.repeats}")
        return [f"repeats first: `{more}`"]
    undecided = [pair for pair in comparison.pairs if not winner(pair)]
    if not undecided or (design.why_none and len(design.looks) < 3):
        return []
    return list(_more_repeats(results, comparison, undecided))


def _more_repeats(
    results: StudyResults, comparison: Comparison, undecided: Sequence[PairResult]
) -> Iterator[str]:
    design = comparison.design
    fresh = (
        "a new study (another name) with search.repeats: auto looks after "
        f"{' and '.join(map(str, LOOKS))} repeats and stops when it knows"
    )
    needed = [p.repeats_needed for p in undecided if p.repeats_needed is not None]
    if design.sequential or design.level < ALPHA:
        yield (
            "this study has had its looks, and a further one would find a difference too often; "
            f"{fresh}"
        )
    elif needed:
        target = max(min(needed), design.planned + 1)
        yield (
            f"more repeats, not more seeds: `{command(results, f'search.repeats={target}')}` would "
            f"show the nearest of the {plural(len(undecided), 'open pair')} 8 times in 10, if its "
            "difference is as observed. It is a second look, judged at p <= "
            f"{SECOND_LOOK_ALPHA:g}, and the last one. Or {fresh}"
        )
    else:
        yield "the differences observed are so small that no thousand repeats would show them"
