"""The comparison of two configurations that one search of each arm found, on one split.

The unit is the fresh seed: what is said is about these configurations, not about the arms.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np

from lightning_modules.optimization import goal_of
from studies.analysis.comparison import ArmResult, Basis, Comparison, PairResult
from studies.analysis.gaps import gaps
from studies.records import Outcome
from studies.results import StudyResults, on_test, outcome_counts, value_of
from studies.statistics import Goal, intervals, sign_of, verdicts
from studies.statistics.power import detectable_difference, seeds_needed
from studies.study_file import Arm, confirm_seeds


def compare_configurations(results: StudyResults, metric: str) -> Comparison:
    """Compare the winners of the arms' searches by a metric, or rank what was not confirmed."""
    goal = goal_for(results, metric)
    sign = sign_of(goal)
    rng = np.random.default_rng(results.spec.seed)
    found = [_arm(results, arm, metric, goal, rng) for arm in results.spec.arms]
    found, reference = referred(results, found, metric, sign)
    found.sort(key=lambda arm: rank(arm, sign))
    against, spec = results.spec.design.against, results.spec
    return Comparison(
        study=results.study,
        factors=spec.factors,
        metric=metric,
        goal=goal,
        arms=found,
        pairs=_pairs([arm for arm in found if arm.confirmed], goal, rng, against),
        reference=reference,
        missing=list(_missing(results, found)),
        design=Basis(
            claim=spec.design.claim,
            part="test" if metric.startswith("test/") else "validation",
            trials=spec.trials,
            seeds=confirm_seeds(spec) if spec.confirm is not None else 0,
            against=against,
        ),
    )


def goal_for(results: StudyResults, metric: str) -> Goal:
    """The direction of a metric; of the objective, and of its test part, as the file has it."""
    objective = results.spec.objective
    own = (objective.metric, on_test(objective.metric))
    return objective.goal if metric in own else goal_of(metric)


def _arm(
    results: StudyResults, arm: Arm, metric: str, goal: Goal, rng: np.random.Generator
) -> ArmResult:
    trials = results.searched(arm.name, 1)
    winner, runs = results.winner(arm.name)
    values = {run.seed: value_of(run, metric) for run in runs if run.outcome == Outcome.completed}
    confirmed = {seed: value for seed, value in values.items() if value is not None}
    best = None if winner is None else value_of(winner, metric)
    default = next((value_of(trial, metric) for trial in trials if trial.default), None)
    mean = intervals.mean_interval(list(confirmed.values()), rng=rng)
    selection_bias = None
    if best is not None and confirmed:
        selection_bias = intervals.selection_bias(best, mean.estimate, goal)
    test_metric = on_test(metric)
    return ArmResult(
        arm=arm.name,
        levels=arm.levels,
        search_best=best,
        default=default,
        winner=winner,
        confirmed=confirmed,
        failures=len(runs) - len(confirmed),
        mean=mean,
        selection_bias=selection_bias,
        test={run.seed: run.test[test_metric] for run in runs if test_metric in run.test},
        outcomes=outcome_counts(trials),
        epochs=sum(trial.epochs for trial in trials),
        seconds=sum(trial.seconds for trial in trials),
        epochs_to_reference=None,
        seconds_to_reference=None,
    )


def referred(
    results: StudyResults, arms: Sequence[ArmResult], metric: str, sign: int
) -> tuple[list[ArmResult], float | None]:
    """The arms with what their first search spent until it was as good as the worst arm's best,
    and that value."""
    bests = [arm.search_best for arm in arms if arm.search_best is not None]
    reference = (min if sign == 1 else max)(bests, default=None)
    return [_referred(results, arm, metric, sign, reference) for arm in arms], reference


def _referred(
    results: StudyResults, arm: ArmResult, metric: str, sign: int, reference: float | None
) -> ArmResult:
    """The arm with what its search spent until it was as good as the reference."""
    epochs, seconds = 0, 0.0
    trials = [trial for trial in results.searched(arm.arm, 1) if trial.ended]
    for trial in sorted(trials, key=lambda trial: trial.ended or datetime.min):
        epochs, seconds = epochs + trial.epochs, seconds + trial.seconds
        value = value_of(trial, metric)
        reached = value is not None and reference is not None and sign * value >= sign * reference
        if reached and trial.outcome == Outcome.completed:
            return replace(arm, epochs_to_reference=epochs, seconds_to_reference=seconds)
    return arm


def rank(arm: ArmResult, sign: int) -> tuple[int, float]:
    """Confirmed arms before arms that are not, those before arms without any value."""
    if arm.confirmed:
        return 0, -sign * arm.mean.estimate
    return (2, 0.0) if arm.search_best is None else (1, -sign * arm.search_best)


def combinations(
    found: Sequence[ArmResult], against: str | None
) -> list[tuple[ArmResult, ArmResult]]:
    """The pairs of arms that are compared: all, or those with one arm."""
    every = itertools.combinations(found, 2)
    return [pair for pair in every if against is None or against in (pair[0].arm, pair[1].arm)]


def _pairs(
    found: Sequence[ArmResult], goal: Goal, rng: np.random.Generator, against: str | None
) -> list[PairResult]:
    every = combinations(found, against)
    paired = [intervals.pair(a.confirmed, b.confirmed) for a, b in every]
    compared = verdicts.compare([(each.a, each.b) for each in paired], goal, rng=rng)
    count = len(every)
    made = []
    for (a, b), each, result in zip(every, paired, compared, strict=True):
        d = intervals.differences(each.a, each.b)
        deviation = float(d.std(ddof=1)) if len(d) > 1 else math.nan
        withheld = _failing_winner(result, a, b)
        if withheld:
            result = replace(result, verdict=verdicts.Verdict("none", (withheld,)))
        made.append(
            PairResult(
                a.arm,
                b.arm,
                result,
                withheld=withheld,
                deviation=deviation,
                wins=int((sign_of(goal) * d > 0).sum()),
                ties=int((d == 0).sum()),
                detectable=detectable_difference(deviation, len(d), pairs=count),
                seeds_needed=seeds_needed(result.difference.estimate, deviation, pairs=count),
            )
        )
    return made


def _failing_winner(result: verdicts.PairedResult, a: ArmResult, b: ArmResult) -> str:
    """An arm that failed on more seeds than the other is not called better for the rest."""
    better = {"a": a, "b": b}.get(result.verdict.better)
    if better is None or better.failures <= min(a.failures, b.failures):
        return ""
    return f"{better.arm} failed on {better.failures} of the fresh seeds, the other on fewer"


def _missing(results: StudyResults, arms: Sequence[ArmResult]) -> Iterator[str]:
    yield from gaps(results, arms)
    if results.spec.confirm is None:
        return
    planned = confirm_seeds(results.spec)
    for arm in arms:
        left = planned - len(arm.confirmed) - arm.failures
        if arm.winner is not None and left > 0:
            yield f"{arm.arm or 'the winner'}: {left} of {planned} fresh seeds are missing"
        if arm.failures:
            yield (
                f"{arm.arm or 'the winner'}: {arm.failures} of {planned} runs on fresh seeds "
                "failed and are in no mean; count them against it"
            )
