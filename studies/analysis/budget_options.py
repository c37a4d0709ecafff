"""What more repeats or fresh seeds would show, and how much training they take."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean

from studies.analysis.comparison import Comparison
from studies.results import StudyResults
from studies.results.commands import command
from studies.results.repeat_results import repeat_results
from studies.statistics import ALPHA, MIN_REPEATS, SECOND_LOOK_ALPHA
from studies.statistics.arm_power import detectable_gap
from studies.statistics.variance import pooled_sd

REPEATS = (4, 6, 8, 12, 16, 24, 32)
SEEDS = (1, 2, 4)
SHOWN = 4
"""Numbers of repeats beyond those that there are."""


@dataclass(frozen=True)
class BudgetOption:
    """A number of repeats and of fresh seeds for each winner, and what that buys."""

    repeats: int
    seeds: int
    gap: float
    """The smallest true difference that is shown 8 times in 10; of logarithms where those are
    compared."""
    seconds: float
    """Training time beyond what was trained, on one worker."""
    command: str
    """Empty for what the study has."""


def budget_options(results: StudyResults, comparison: Comparison) -> list[BudgetOption]:
    """What a study about arms shows as it is, and with more repeats or more seeds.

    Differences of pairs are taken to scatter as they did. More seeds of each winner take away the
    part that is the seed's, where two or more seeds told it apart. Empty where the claim is not
    about arms, where it looks at fixed numbers of repeats, and where nothing is known yet.
    """
    spec, design = results.spec, comparison.design
    known = [pair.deviation for pair in comparison.pairs if math.isfinite(pair.deviation)]
    finished = results.finished and spec.confirm is not None and design.searches >= 2
    if design.claim != "arms" or design.at is not None or design.sequential or not finished:
        return []
    if not known or len(design.looks) > 1 or not any(known):
        return []
    variance, of_seed = fmean(sd * sd for sd in known), _seed_variance(results, comparison)
    now, has = spec.repeats, max(1, design.seeds)
    search, fresh = _seconds(results)
    counts = [now, *[n for n in REPEATS if n > now][:SHOWN]]
    found = []
    for seeds in dict.fromkeys([has, *(each for each in SEEDS if each > has and of_seed)]):
        sd = math.sqrt(max(0.0, variance - 2 * of_seed * (1 / has - 1 / seeds)))
        for repeats in counts:
            if repeats < MIN_REPEATS:
                continue
            is_now = (repeats, seeds) == (now, has)
            level = ALPHA if is_now or design.why_none else SECOND_LOOK_ALPHA
            gap = detectable_gap(sd, repeats, alpha=level, pairs=len(comparison.pairs))
            seconds = (repeats - now) * search + (repeats * seeds - now * has) * fresh
            found.append(
                BudgetOption(repeats, seeds, gap, seconds, _command(results, repeats, seeds))
            )
    return found


def _command(results: StudyResults, repeats: int, seeds: int) -> str:
    changes = list(_changes(results, repeats, seeds))
    return command(results, *changes) if changes else ""


def _changes(results: StudyResults, repeats: int, seeds: int) -> Iterator[str]:
    if repeats != results.spec.repeats:
        yield f"search.repeats={repeats}"
    if seeds > 1:
        yield f"confirm.seeds={seeds}"


def _seconds(results: StudyResults) -> tuple[float, float]:
    """Training time of one search of every arm, and of one fresh run of every winner."""
    repeats = results.spec.repeats
    search = sum(trial.seconds for trial in results.search) / repeats
    runs = [trial for trial in results.ended if trial.phase == "confirm"]
    fresh = sum(trial.seconds for trial in runs) / max(1, len(runs)) * len(results.arms)
    return search, fresh


def _seed_variance(results: StudyResults, comparison: Comparison) -> float:
    """The variance of winners by the training seed alone; 0 where it was not told apart."""
    rows: list[Sequence[float]] = []
    for by_repeat in repeat_results(results, comparison.metric).values():
        for row in by_repeat.values():
            values = list(row.by_seed.values())
            if comparison.design.logarithms:
                if min(values, default=1.0) <= 0:
                    return 0.0
                values = [math.log(value) for value in values]
            rows.append(values)
    sd = pooled_sd(rows)
    return 0.0 if math.isnan(sd) else sd * sd
