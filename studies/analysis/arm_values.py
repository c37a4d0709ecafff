"""What the repeats of a study found for every arm, as the statistics take it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from statistics import fmean

import numpy as np

from lightning_modules.optimization import loss_beside
from studies.analysis.comparison import Basis
from studies.records import Outcome
from studies.results import RepeatResult, StudyResults, is_share, on_log_scale, value_of
from studies.results.repeat_results import ComparedPart
from studies.statistics import Goal
from studies.statistics.arm_pairs import ArmValues
from studies.statistics.resampled_search import Searched, expected_best

RepeatsByArm = Mapping[str, Mapping[int, RepeatResult]]
"""The result of every search, by the name of its arm and the number of its repeat."""


def arm_values(rows: Mapping[int, RepeatResult], most: int, logarithms: bool) -> ArmValues:
    """What the first repeats found for an arm, geometric means over seeds of logarithms."""
    values = {}
    for repeat, row in rows.items():
        if row.by_seed and repeat <= most:
            seeds = list(row.by_seed.values())
            values[repeat] = fmean(map(math.log, seeds) if logarithms else seeds)
    lost = frozenset(n for n, row in rows.items() if row.is_lost and n <= most)
    return ArmValues(values, lost)


def searched(
    results: StudyResults, arm: str, repeat: int, metric: str, logarithms: bool
) -> Searched:
    """One search as it is read at a smaller budget: its draws by their number, without the
    defaults, which nobody drew, and the fresh values of the best."""
    scale = math.log if logarithms else float
    drawn = [
        trial
        for trial in results.searched(arm, repeat)
        if not trial.default and trial.outcome != Outcome.interrupted
    ]
    drawn.sort(key=lambda trial: trial.number)
    values = [value_of(t, metric) if t.outcome == Outcome.completed else None for t in drawn]
    search = np.array([math.nan if value is None else scale(value) for value in values])
    confirmed = {}
    for index, trial in enumerate(drawn):
        runs = [value_of(run, metric) for run in results.confirmations(trial)]
        known = [scale(value) for value in runs if value is not None]
        if known:
            confirmed[index] = fmean(known)
    beside = loss_beside(metric)
    losses = [trial.best.get(beside, math.inf) if beside else math.inf for trial in drawn]
    return Searched(search, confirmed, np.array(losses))


def values_at(
    results: StudyResults,
    rows: Mapping[int, RepeatResult],
    metric: str,
    goal: Goal,
    design: Basis,
) -> ArmValues:
    """What N trials of every repeat's search would have found, on average."""
    assert design.at is not None
    values = {}
    for repeat, row in rows.items():
        read = searched(results, row.arm, repeat, metric, design.logarithms)
        if design.at <= len(read.search):
            values[repeat] = expected_best(
                read.search, read.confirmed, design.at, goal, read.losses
            )
    lost = frozenset(n for n, row in rows.items() if row.is_lost or math.isnan(values.get(n, 0.0)))
    return ArmValues({n: value for n, value in values.items() if n not in lost}, lost)


def scale_of(results: StudyResults, repeats: RepeatsByArm, part: ComparedPart) -> tuple[bool, str]:
    values = [
        value
        for rows in repeats.values()
        for row in rows.values()
        for value in row.by_seed.values()
    ]
    return on_log_scale(results.spec.design.scale, part.metric, values)


def resolution_of(part: ComparedPart, repeats: RepeatsByArm) -> float:
    """One row of the part, where a metric counts rows; 0 where its resolution is not known."""
    if not is_share(part.metric):
        return 0.0
    sizes = [
        size
        for rows in repeats.values()
        for row in rows.values()
        for run in row.runs
        if (size := run.rows.get(part.name))
    ]
    return 1 / min(sizes) if sizes else 0.0
