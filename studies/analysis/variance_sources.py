"""How much of what winners scatter by is the luck of the search, of the split and of the seed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from studies.analysis.best_configuration import recommended
from studies.analysis.comparison import Comparison
from studies.records import Outcome
from studies.results import RepeatResult, StudyResults, on_test
from studies.results.repeat_results import repeat_results
from studies.statistics.variance import TwoWay, pooled_sd, two_way


@dataclass(frozen=True)
class CrossedWinners:
    """The best winners of an arm, each trained on the splits of the others as well."""

    arm: str
    parts: TwoWay | None
    """None where splits and winners were not told apart."""


@dataclass(frozen=True)
class VarianceSources:
    """Standard deviations; of logarithms where those are compared, NaN where not known."""

    winners: float
    """Of the winners of an arm, from search to search: search, split and seed together."""
    differences: float
    """Of the difference between two arms in a repeat."""
    seeds: float
    """Of a winner, from training seed to training seed."""
    seeds_each: int
    """Fresh seeds of a winner, over which its value is a mean."""
    crossed: CrossedWinners | None
    """None where another metric than the objective is compared."""


def variance_sources(results: StudyResults, comparison: Comparison) -> VarianceSources | None:
    """What the repeats of a study tell apart; None with one search of each arm, and where searches
    are read at a smaller budget, whose winners are not what is compared."""
    design, objective = comparison.design, results.spec.objective.metric
    if design.searches < 2 or design.at is not None:
        return None
    rows = [
        row
        for each in repeat_results(results, comparison.metric).values()
        for row in each.values()
        if row.by_seed and row.repeat <= design.searches
    ]
    paired = [pair.deviation for pair in comparison.pairs if math.isfinite(pair.deviation)]
    told = comparison.metric in (objective, on_test(objective))
    return VarianceSources(
        winners=_of_winners(rows, comparison),
        differences=math.sqrt(fmean(sd * sd for sd in paired)) if paired else math.nan,
        seeds=pooled_sd([scaled(row.by_seed.values(), comparison) for row in rows]),
        seeds_each=min((len(row.by_seed) for row in rows), default=0),
        crossed=_crossed(results, comparison) if told else None,
    )


def _of_winners(rows: Sequence[RepeatResult], comparison: Comparison) -> float:
    by_arm: dict[str, list[float]] = {}
    for row in rows:
        by_arm.setdefault(row.arm, []).append(fmean(scaled(row.by_seed.values(), comparison)))
    return pooled_sd(list(by_arm.values()))


def _crossed(results: StudyResults, comparison: Comparison) -> CrossedWinners | None:
    """From the runs of the leading arm's best winners on other splits; None where a value has no
    logarithm."""
    best = recommended(results)
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
    if comparison.design.logarithms and min(map(min, values.values()), default=1.0) <= 0:
        return None
    parts = two_way({place: fmean(scaled(found, comparison)) for place, found in values.items()})
    arm = best.trial.arm if best is not None else ""
    told = bool(crossed) and not math.isnan(parts.sd_split)
    return CrossedWinners(arm, parts if told else None)


def scaled(values: Iterable[float], comparison: Comparison) -> list[float]:
    """Values, or their logarithms where those are compared."""
    return [math.log(value) if comparison.design.logarithms else value for value in values]
