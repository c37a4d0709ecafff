"""Looks at a comparison of arms: which repeats count, on which part and scale, at which level."""

from __future__ import annotations

from collections.abc import Sequence

from studies.analysis.arm_values import RepeatsByArm, arm_values, resolution_of, scale_of
from studies.analysis.comparison import Basis
from studies.analysis.configuration_comparison import goal_for
from studies.records import Outcome
from studies.results import StudyResults, compared_part, plural
from studies.results.repeat_results import ComparedPart, repeat_results
from studies.results.study_results import Look
from studies.statistics import ALPHA, MIN_REPEATS, SECOND_LOOK_ALPHA, Goal, arm_verdicts
from studies.study_file import confirm_seeds


def part_of_claim(results: StudyResults, metric: str) -> ComparedPart:
    """Where winners are compared. A search that is read at a smaller budget rests on all of its
    trials, which have met validation only."""
    if results.spec.design.at is not None:
        return ComparedPart("validation", metric)
    return compared_part(results, metric)


def arms_in_play(results: StudyResults, look: int) -> list[str]:
    """The arms of a sequential comparison that have an open pair after a look."""
    part = part_of_claim(results, results.spec.objective.metric)
    repeats = repeat_results(results, part.metric)
    return _in_play(results, repeats, goal_for(results, part.metric), part, look)


def _in_play(
    results: StudyResults, repeats: RepeatsByArm, goal: Goal, part: ComparedPart, look: int
) -> list[str]:
    names = [arm.name for arm in results.spec.arms]
    if look == 0:
        return names
    repeats = {  # what was known at that look decides, whatever came after it
        arm: {repeat: row for repeat, row in rows.items() if repeat <= look}
        for arm, rows in repeats.items()
    }
    logarithms, _ = scale_of(results, repeats, part)
    values = {name: arm_values(repeats[name], look, logarithms) for name in names}
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
        resolution=resolution_of(part, repeats),
        done=look,
        looks=results.spec.design.looks,
        alpha=results.spec.design.plan.level,
        futile=results.spec.design.plan.futile,
    )
    still = {name for index in sequence.open for name in pairs[index]}
    return [name for name in names if name in still]


def count_repeats(
    results: StudyResults, repeats: RepeatsByArm, goal: Goal, part: ComparedPart
) -> int:
    """How many repeats, from the first one on, have ended for every arm that takes part."""
    looks = results.spec.design.looks
    expected = [arm.name for arm in results.spec.arms]
    for repeat in range(1, results.spec.repeats + 1):
        if repeat - 1 in looks:
            expected = _in_play(results, repeats, goal, part, repeat - 1)
        rows = [repeats[name].get(repeat) for name in expected]
        if not rows or not all(row is not None and row.is_complete for row in rows):
            return repeat - 1
    return results.spec.repeats


def design_of(
    results: StudyResults, repeats: RepeatsByArm, part: ComparedPart, counted: int
) -> Basis:
    """What the comparison of counted repeats rests on, and whether it may end in a verdict."""
    spec = results.spec
    rows = [row for each in repeats.values() for row in each.values()]
    runs = [run for row in rows for run in row.runs if run.outcome == Outcome.completed]
    sizes = [size for run in runs if (size := run.rows.get(part.name))]
    logarithms, note = scale_of(results, _at_first_look(results, repeats), part)
    if logarithms and any(v <= 0 for row in rows for v in row.by_seed.values()):
        logarithms, note = scale_of(results, repeats, part)
    earlier = earlier_looks(results)
    level, why = _level(results, counted, earlier)
    looks = spec.design.looks if spec.design.sequential else (spec.repeats,)
    return Basis(
        claim=spec.design.claim,
        part=part.name,
        trials=spec.trials,
        epochs=spec.epochs,
        searches=counted,
        planned=spec.repeats,
        seeds=confirm_seeds(spec) if spec.confirm is not None else 0,
        splits=len({run.split for run in runs}) or 1,
        rows=min(sizes, default=None),
        resolution=resolution_of(part, _at_first_look(results, repeats)),
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


def _at_first_look(results: StudyResults, repeats: RepeatsByArm) -> RepeatsByArm:
    """What a sequential comparison knew at its first look: scale and resolution stay as they were
    then, so that a later repeat turns no earlier decision round."""
    if not results.spec.design.sequential:
        return repeats
    first = results.spec.design.looks[0]
    return {
        arm: {repeat: row for repeat, row in rows.items() if repeat <= first}
        for arm, rows in repeats.items()
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
        f"{searches} of each arm cannot say which arm is better: add "
        f"{plural(more, 'repeat')} or more (search.repeats: {MIN_REPEATS} at least)"
    )
