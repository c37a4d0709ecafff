"""The comparison of arms: which is better when each is tuned, over searches, splits and seeds.

The unit is the repeat: one independent search of each arm, on a split that all arms share. Where
one long random search is read at a smaller budget, the unit is the matched trial.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from statistics import fmean

import numpy as np

from studies.analysis.arm_looks import count_repeats, design_of, part_of_claim
from studies.analysis.arm_values import arm_values, searched, values_at
from studies.analysis.comparison import ArmResult, Basis, Comparison, PairResult
from studies.analysis.configuration_comparison import combinations, goal_for, rank, referred
from studies.analysis.gaps import gaps
from studies.records import Outcome
from studies.results import RepeatResult, StudyResults, on_test, outcome_counts, value_of
from studies.results.repeat_results import repeat_results
from studies.statistics import (
    ALPHA,
    SECOND_LOOK_ALPHA,
    Goal,
    Interval,
    arm_verdicts,
    intervals,
    sign_of,
    verdicts,
)
from studies.statistics.arm_pairs import ArmPair, ArmValues
from studies.statistics.arm_power import repeats_needed
from studies.statistics.resampled_search import compare_searches
from studies.study_file import Arm


def compare_arms(results: StudyResults, metric: str) -> Comparison:
    """Compare the arms of a study by a metric that validation logs, where every repeat has a test
    part of its own by the same metric there."""
    part = part_of_claim(results, metric)
    goal = goal_for(results, part.metric)
    found = repeat_results(results, part.metric)
    counted = count_repeats(results, found, goal, part)
    found = {
        arm: {repeat: row for repeat, row in rows.items() if repeat <= counted}
        for arm, rows in found.items()
    }
    design = design_of(results, found, part, counted)
    values = {
        name: values_at(results, rows, metric, goal, design)
        if design.at is not None
        else arm_values(rows, counted, design.logarithms)
        for name, rows in found.items()
    }
    sign = sign_of(goal)
    made = [
        _arm(results, arm, found[arm.name], values[arm.name], metric, goal, design)
        for arm in results.spec.arms
    ]
    made, reference = referred(results, made, metric, sign)
    made = in_order(made, sign, design.logarithms)
    return Comparison(
        study=results.study,
        factors=results.spec.factors,
        metric=part.metric,
        goal=goal,
        arms=made,
        pairs=_pairs(results, made, values, metric, goal, design),
        reference=reference,
        missing=list(_missing(results, made, design)),
        design=design,
    )


def in_order(arms: Sequence[ArmResult], sign: int, logarithms: bool) -> list[ArmResult]:
    """The best arm first, by the mean over the repeats that all arms have a value in: other repeats
    may have had easier splits. Where they have none in common, by each arm's own mean."""
    judged = [set(arm.confirmed) for arm in arms if arm.confirmed]
    common = set.intersection(*judged) if judged else set()

    def key(arm: ArmResult) -> tuple[float, float, int]:
        place, own = rank(arm, sign)
        shared = [value for repeat, value in arm.confirmed.items() if repeat in common]
        mean = _mean(shared, logarithms)
        return place, own if mean is None else -sign * mean, len(arm.lost)

    return sorted(arms, key=key)


def _arm(
    results: StudyResults,
    arm: Arm,
    rows: Mapping[int, RepeatResult],
    values: ArmValues,
    metric: str,
    goal: Goal,
    design: Basis,
) -> ArmResult:
    """`metric` is the one that validation logs; values are of the part under comparison."""
    trials = [trial for trial in results.search if trial.arm == arm.name]
    won = [(row, row.winner) for row in rows.values() if row.winner is not None]
    searched = [value_of(trial, metric) for _, trial in won]
    defaults = [
        value_of(trial, metric) for trial in trials if trial.default and trial.repeat in rows
    ]
    gains = [
        intervals.selection_bias(best, fresh, goal)
        for row, trial in won
        if (best := value_of(trial, metric)) is not None
        and (fresh := row.validation(metric)) is not None
    ]
    runs = [run for row in rows.values() for run in row.runs]
    tests = {run.seed: value_of(run, on_test(metric)) for run in runs}
    back = math.exp if design.logarithms else float
    return ArmResult(
        arm=arm.name,
        levels=arm.levels,
        search_best=_mean(searched, design.logarithms),
        default=_mean(defaults, design.logarithms),
        winner=won[0][1] if won else None,
        confirmed={repeat: back(value) for repeat, value in values.values.items()},
        failures=sum(run.outcome != Outcome.completed for run in runs),
        mean=_interval(list(values.values.values()), design.logarithms),
        selection_bias=fmean(gains) if gains else None,
        test={seed: value for seed, value in tests.items() if value is not None},
        outcomes=outcome_counts(trials),
        epochs=sum(trial.epochs for trial in trials),
        seconds=sum(trial.seconds for trial in trials),
        epochs_to_reference=None,
        seconds_to_reference=None,
        lost=tuple(sorted(values.lost)),
    )


def _mean(values: Iterable[float | None], logarithms: bool) -> float | None:
    """The mean of what is known; of errors on the log scale the geometric one."""
    known = [value for value in values if value is not None]
    if not known:
        return None
    if logarithms and min(known) > 0:
        return math.exp(fmean(map(math.log, known)))
    return fmean(known)


def _interval(values: Sequence[float], logarithms: bool) -> Interval:
    """The mean over repeats with Student's t interval, taken back from logarithms."""
    found = intervals.mean_interval(values, rng=np.random.default_rng(0))
    if not logarithms or not values:
        return found
    estimate, low, high = (math.exp(x) for x in (found.estimate, found.low, found.high))
    return Interval(estimate, low, high, f"{found.method}, of logarithms")


def _pairs(
    results: StudyResults,
    found: Sequence[ArmResult],
    values: Mapping[str, ArmValues],
    metric: str,
    goal: Goal,
    design: Basis,
) -> list[PairResult]:
    """The pairs of arms that are compared; without a verdict where the design allows none."""
    begun = [arm for arm in found if arm.confirmed or arm.lost]
    every = combinations(begun, design.against)
    compared = _compared(results, every, values, metric, goal, design)
    return [
        pair_result(a.arm, b.arm, each, design, len(every))
        for (a, b), each in zip(every, compared, strict=True)
    ]


def _compared(
    results: StudyResults,
    every: Sequence[tuple[ArmResult, ArmResult]],
    values: Mapping[str, ArmValues],
    metric: str,
    goal: Goal,
    design: Basis,
) -> Sequence[ArmPair]:
    if design.at is not None and design.planned == 1:
        searches = {
            arm.arm: searched(results, arm.arm, 1, metric, design.logarithms)
            for pair in every
            for arm in pair
        }
        read = [(searches[a.arm], searches[b.arm]) for a, b in every]
        return compare_searches(
            read, design.at, goal, alpha=design.level, resolution=design.resolution
        )
    pairs = [(values[a.arm], values[b.arm]) for a, b in every]
    if design.sequential:
        return arm_verdicts.sequential(
            pairs,
            goal,
            looks=results.spec.design.looks,
            alpha=design.level,
            futile=results.spec.design.plan.futile,
            resolution=design.resolution,
            done=design.searches,
        ).pairs
    return arm_verdicts.compare_arms(pairs, goal, alpha=design.level, resolution=design.resolution)


def _repeats_needed(pair: ArmPair, design: Basis, pairs: int) -> int | None:
    """Repeats that would show the observed difference; as a study is extended: at a second look,
    which is the last."""
    again = design.level == ALPHA and not design.sequential and design.at is None
    if not again or pair.repeats_needed is None:
        return None
    return repeats_needed(
        pair.difference.estimate, pair.deviation, alpha=SECOND_LOOK_ALPHA, pairs=pairs
    )


def pair_result(a: str, b: str, pair: ArmPair, design: Basis, pairs: int) -> PairResult:
    """The result of a pair of arms, without a verdict where the design allows none."""
    verdict = verdicts.Verdict(pair.better, pair.reasons)
    if design.why_none:
        verdict = verdicts.Verdict("none", (design.why_none,))
    share = Interval(pair.probability_a_better, math.nan, math.nan, "share of repeats")
    return PairResult(
        a,
        b,
        verdicts.PairedResult(design.seeds, pair.difference, pair.p, pair.p_holm, share, verdict),
        deviation=pair.deviation,
        wins=pair.wins,
        ties=pair.ties,
        withheld=design.why_none,
        detectable=pair.detectable,
        seeds_needed=None,
        repeats=pair.repeats,
        repeats_needed=_repeats_needed(pair, design, pairs),
        lopsided=pair.lopsided,
        lost_a=pair.lost_a,
        lost_b=pair.lost_b,
        look=pair.look,
        test=pair.test,
    )


def _missing(results: StudyResults, arms: Sequence[ArmResult], design: Basis) -> Iterator[str]:
    yield from gaps(results, arms)
    compared = any(arm.confirmed or arm.lost for arm in arms)  # else the headline says it
    if design.why_none and results.spec.confirm is not None and len(arms) > 1 and not compared:
        yield f"no verdict: {design.why_none}"
    if design.scale_note:
        yield f"compared as they are, not as logarithms: {design.scale_note}"
    for arm in arms:
        if arm.lost:
            which = ", ".join(map(str, arm.lost))
            yield (
                f"{arm.arm}: lost {len(arm.lost)} of {design.searches} repeats ({which}): no "
                "trial completed there, or its winner failed on every fresh seed; they are in no "
                "mean and count against it"
            )
        elif arm.failures:
            yield (
                f"{arm.arm or 'the winners'}: {arm.failures} fresh runs failed and are in no mean"
            )
