"""The comparison of arms: which is better when each is tuned, over searches, splits and seeds.

The unit is the repeat: one independent search of each arm, on a split that all arms share. Where
one long random search is read at a smaller budget, the unit is the matched trial.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from statistics import fmean

import numpy as np

from lightning_modules.metrics import loss_beside
from studies import arm_verdicts, stats, verdicts
from studies.arm_pairs import ArmPair, ArmValues
from studies.arm_power import repeats_needed
from studies.arms import Arm, arms
from studies.comparison import ArmResult, Comparison, Design, PairResult
from studies.configuration_comparison import combinations, goal_for, rank, referred
from studies.confirmation import confirm_seeds
from studies.gaps import gaps
from studies.levels import ALPHA, MIN_REPEATS, SECOND_LOOK_ALPHA
from studies.records import Outcome
from studies.repeat_results import (
    Part,
    RepeatResult,
    on_log_scale,
    on_test,
    part_of,
    repeat_results,
    value_of,
)
from studies.resampled_search import Searched, compare_searches, expected_best
from studies.results import Look, StudyResults, outcome_counts
from studies.stats import Goal, Interval
from studies.wording import is_share

Found = Mapping[str, Mapping[int, RepeatResult]]


def compare_arms(results: StudyResults, metric: str) -> Comparison:
    """Compare the arms of a study by a metric that validation logs, where every repeat has a test
    part of its own by the same metric there."""
    part = part_for(results, metric)
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
    sign = 1 if goal == "maximize" else -1
    made = [
        _arm(results, arm, found[arm.name], values[arm.name], metric, goal, design)
        for arm in arms(results.spec)
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


def in_order(found: Sequence[ArmResult], sign: int, logarithms: bool) -> list[ArmResult]:
    """The best arm first, by the mean over the repeats that all arms have a value in: other repeats
    may have had easier splits. Where they have none in common, by each arm's own mean."""
    judged = [set(arm.confirmed) for arm in found if arm.confirmed]
    common = set.intersection(*judged) if judged else set()

    def key(arm: ArmResult) -> tuple[float, float, int]:
        place, own = rank(arm, sign)
        shared = [value for repeat, value in arm.confirmed.items() if repeat in common]
        mean = _mean(shared, logarithms)
        return place, own if mean is None else -sign * mean, len(arm.lost)

    return sorted(found, key=key)


def part_for(results: StudyResults, metric: str) -> Part:
    """Where winners are compared. A search that is read at a smaller budget rests on all of its
    trials, which have met validation only."""
    if results.spec.design.at is not None:
        return Part("validation", metric)
    return part_of(results, metric)


def arms_in_play(results: StudyResults, look: int) -> list[str]:
    """The arms of a sequential comparison that have an open pair after a look."""
    part = part_for(results, results.spec.objective.metric)
    found = repeat_results(results, part.metric)
    return _in_play(results, found, goal_for(results, part.metric), part, look)


def _in_play(results: StudyResults, found: Found, goal: Goal, part: Part, look: int) -> list[str]:
    names = [arm.name for arm in arms(results.spec)]
    if look == 0:
        return names
    found = {  # what was known at that look decides, whatever came after it
        arm: {repeat: row for repeat, row in rows.items() if repeat <= look}
        for arm, rows in found.items()
    }
    logarithms, _ = _scale(results, found, part)
    values = {name: arm_values(found[name], look, logarithms) for name in names}
    against = results.spec.design.against
    pairs = [
        (a, b)
        for index, a in enumerate(names)
        for b in names[index + 1 :]
        if against is None or against in (a, b)
    ]
    sequence = arm_verdicts.sequential(
        [(values[a], values[b]) for a, b in pairs],
        goal,
        resolution=_resolution(part, found),
        done=look,
        looks=results.spec.design.looks,
        alpha=results.spec.design.plan.level,
        futile=results.spec.design.plan.futile,
    )
    still = {name for index in sequence.open for name in pairs[index]}
    return [name for name in names if name in still]


def count_repeats(results: StudyResults, found: Found, goal: Goal, part: Part) -> int:
    """How many repeats, from the first one on, have ended for every arm that takes part."""
    looks = results.spec.design.looks
    expected = [arm.name for arm in arms(results.spec)]
    for repeat in range(1, results.spec.repeats + 1):
        if repeat - 1 in looks:
            expected = _in_play(results, found, goal, part, repeat - 1)
        rows = [found[name].get(repeat) for name in expected]
        if not rows or not all(row is not None and row.is_complete for row in rows):
            return repeat - 1
    return results.spec.repeats


def arm_values(rows: Mapping[int, RepeatResult], most: int, logarithms: bool) -> ArmValues:
    """What the first repeats found for an arm, geometric means over seeds of logarithms."""
    values = {}
    for repeat, row in rows.items():
        if row.by_seed and repeat <= most:
            seeds = list(row.by_seed.values())
            values[repeat] = fmean(map(math.log, seeds) if logarithms else seeds)
    lost = frozenset(n for n, row in rows.items() if row.is_lost and n <= most)
    return ArmValues(values, lost)


def design_of(results: StudyResults, found: Found, part: Part, counted: int) -> Design:
    """What the comparison of counted repeats rests on, and whether it may end in a verdict."""
    spec = results.spec
    rows = [row for each in found.values() for row in each.values()]
    runs = [run for row in rows for run in row.runs if run.outcome == Outcome.completed]
    sizes = [size for run in runs if (size := run.rows.get(part.name))]
    logarithms, note = _scale(results, _at_first_look(results, found), part)
    if logarithms and any(v <= 0 for row in rows for v in row.by_seed.values()):
        logarithms, note = _scale(results, found, part)
    earlier = earlier_looks(results)
    level, why = _level(results, counted, earlier)
    looks = spec.design.looks if spec.design.sequential else (spec.repeats,)
    return Design(
        claim=spec.design.claim,
        part=part.name,
        trials=spec.trials,
        epochs=spec.epochs,
        searches=counted,
        planned=spec.repeats,
        seeds=confirm_seeds(spec) if spec.confirm is not None else 0,
        splits=len({run.split for run in runs}) or 1,
        rows=min(sizes, default=None),
        resolution=_resolution(part, _at_first_look(results, found)),
        level=level,
        looks=tuple(
            [look.repeats for look in earlier] + [look for look in looks if look <= counted]
        ),
        sequential=spec.design.sequential,
        at=spec.design.at,
        against=spec.design.against,
        logarithms=logarithms,
        scale_note=note,
        why_none=why,
    )


def _at_first_look(results: StudyResults, found: Found) -> Found:
    """What a sequential comparison knew at its first look: scale and resolution stay as they were
    then, so that a later repeat turns no earlier decision round."""
    if not results.spec.design.sequential:
        return found
    first = results.spec.design.looks[0]
    return {
        arm: {repeat: row for repeat, row in rows.items() if repeat <= first}
        for arm, rows in found.items()
    }


def earlier_looks(results: StudyResults) -> list[Look]:
    """The designs at which verdicts were given before the one that the study has now.

    A study that went back to an earlier design still has the trials of the later ones.
    """
    looks = list(results.looks)
    return looks[:-1] if looks[-1:] == [look_of(results)] else looks


def look_of(results: StudyResults) -> Look:
    """What another verdict of this study would be given on."""
    spec = results.spec
    seeds = confirm_seeds(spec) if spec.confirm is not None else 0
    return Look(spec.repeats, spec.trials, spec.epochs, seeds, spec.design.top)


def _level(results: StudyResults, counted: int, earlier: Sequence[Look]) -> tuple[float, str]:
    """The level of this look, and why there is no verdict where there is none."""
    spec = results.spec
    level = ALPHA if not earlier else SECOND_LOOK_ALPHA
    if spec.design.sequential:
        level = spec.design.plan.level
    if spec.confirm is None:
        return level, "the winners were not confirmed on fresh seeds"
    if len(earlier) > 1:
        return level, (
            "the study was extended after two verdicts, and a third look would find a difference "
            "too often; ask again in a new study"
        )
    if spec.repeats < MIN_REPEATS and spec.design.at is None:
        return level, too_few(spec.repeats)
    if spec.design.sequential:
        first = spec.design.looks[0]
        return level, f"the first look is after {first} repeats" if counted < first else ""
    if counted < spec.repeats:
        return level, (
            f"{counted} of {spec.repeats} repeats have ended, and the verdict was planned for all "
            "of them"
        )
    return level, ""


def too_few(repeats: int) -> str:
    """Why so few repeats say nothing about arms."""
    more = MIN_REPEATS - repeats
    searches = "one search" if repeats == 1 else f"{repeats} searches"
    return (
        f"{searches} of each arm cannot say which arm is better: add {more} repeats or more "
        f"(search.repeats: {MIN_REPEATS} at least)"
    )


def _scale(results: StudyResults, found: Found, part: Part) -> tuple[bool, str]:
    values = [
        value for rows in found.values() for row in rows.values() for value in row.by_seed.values()
    ]
    return on_log_scale(results.spec.design.scale, part.metric, values)


def _resolution(part: Part, found: Found) -> float:
    """One row of the part, where a metric counts rows; 0 where its resolution is not known."""
    if not is_share(part.metric):
        return 0.0
    sizes = [
        size
        for rows in found.values()
        for row in rows.values()
        for run in row.runs
        if (size := run.rows.get(part.name))
    ]
    return 1 / min(sizes) if sizes else 0.0


def _arm(
    results: StudyResults,
    arm: Arm,
    rows: Mapping[int, RepeatResult],
    values: ArmValues,
    metric: str,
    goal: Goal,
    design: Design,
) -> ArmResult:
    """`metric` is the one that validation logs; values are of the part under comparison."""
    trials = [trial for trial in results.search if trial.arm == arm.name]
    won = [(row, row.winner) for row in rows.values() if row.winner is not None]
    searched = [value_of(trial, metric) for _, trial in won]
    defaults = [
        value_of(trial, metric) for trial in trials if trial.default and trial.repeat in rows
    ]
    gains = [
        stats.optimism(best, fresh, goal)
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
        optimism=fmean(gains) if gains else None,
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
    found = stats.mean_interval(values, rng=np.random.default_rng(0))
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
    design: Design,
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
    design: Design,
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
    design: Design,
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


def _repeats_needed(found: ArmPair, design: Design, pairs: int) -> int | None:
    """Repeats that would show the observed difference; as a study is extended: at a second look,
    which is the last."""
    again = design.level == ALPHA and not design.sequential and design.at is None
    if not again or found.repeats_needed is None:
        return None
    return repeats_needed(
        found.difference.estimate, found.deviation, alpha=SECOND_LOOK_ALPHA, pairs=pairs
    )


def pair_result(a: str, b: str, found: ArmPair, design: Design, pairs: int) -> PairResult:
    """A pair as comparisons show it."""
    verdict = verdicts.Verdict(found.better, found.reasons)
    if design.why_none:
        verdict = verdicts.Verdict("none", (design.why_none,))
    share = Interval(found.probability_a_better, math.nan, math.nan, "share of repeats")
    return PairResult(
        a,
        b,
        verdicts.Comparison(design.seeds, found.difference, found.p, found.p_holm, share, verdict),
        deviation=found.deviation,
        wins=found.wins,
        ties=found.ties,
        withheld=design.why_none,
        detectable=found.detectable,
        seeds_needed=None,
        repeats=found.repeats,
        repeats_needed=_repeats_needed(found, design, pairs),
        lopsided=found.lopsided,
        lost_a=found.lost_a,
        lost_b=found.lost_b,
        look=found.look,
        test=found.test,
    )


def _missing(results: StudyResults, found: Sequence[ArmResult], design: Design) -> Iterator[str]:
    yield from gaps(results, found)
    compared = any(arm.confirmed or arm.lost for arm in found)  # else the headline says it
    if design.why_none and results.spec.confirm is not None and len(found) > 1 and not compared:
        yield f"no verdict: {design.why_none}"
    if design.scale_note:
        yield f"compared as they are, not as logarithms: {design.scale_note}"
    for arm in found:
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
