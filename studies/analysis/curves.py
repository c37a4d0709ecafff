"""Curves of a study: what its searches found for their budget, and how the winners learn.

Where the trials of a search are independent draws, an arm has a tuning curve with a band that holds
for every number of trials. Where they are not, it has its best value so far, as the search went.
The searches of several repeats have different splits, so each keeps a curve of its own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from studies.records import Outcome, Trial
from studies.results import StudyResults
from studies.results.wording import SHARES
from studies.statistics import best_of
from studies.statistics.tuning_curves import TuningCurve, median_curve_band
from studies.study_file import SAMPLERS, Spec

CONFIDENCE = 0.8
SIMULATED_UP_TO = 200
"""Trials up to which the tighter band is simulated: 2 s for 100 of them, 6 s for 200."""


@dataclass(frozen=True)
class ArmTuning:
    """The tuning curve of one arm, from the trials that its sampler chose."""

    arm: str
    trials: int
    curve: TuningCurve


@dataclass(frozen=True)
class BestSoFar:
    """The best value of one arm after each of its completed trials; a step curve."""

    arm: str
    epochs: Sequence[int]
    """Epochs that the arm had spent when its best value changed, and at its end."""
    values: Sequence[float]
    trials: int


@dataclass(frozen=True)
class ArmSearches:
    """The best value after each trial of every search of an arm, and the median of the searches."""

    arm: str
    searches: Mapping[int, Mapping[int, float]]
    """{repeat: {number of trials: best value so far}}; each on validation of its own split."""
    median: Mapping[int, float]
    """By the number of trials, where more than half of the searches have a value."""


@dataclass(frozen=True)
class LearningCurve:
    """The objective of an arm's winners after every epoch, over their fresh runs."""

    arm: str
    epochs: Sequence[int]
    low: Sequence[float]
    """The lowest value of any run."""
    median: Sequence[float]
    high: Sequence[float]
    seeds: int
    """How many runs it is of: fresh seeds of one winner, or winners of several searches."""


@dataclass(frozen=True)
class Curves:
    """The curves of every arm that has them, in the order of the file."""

    tuning: Sequence[ArmTuning]
    best_so_far: Sequence[BestSoFar]
    """Empty where there are tuning curves."""
    why_no_bands: str
    """Empty where there are tuning curves."""
    learning: Sequence[LearningCurve]
    searches: Sequence[ArmSearches] = ()
    """Of several repeats; then the others are empty, which are of one search."""


def curves(results: StudyResults) -> Curves:
    """All curves of a study; the bands are seeded by the study."""
    learning = [_learning(results, arm) for arm in results.arms]
    known = [curve for curve in learning if curve]
    if results.spec.repeats > 1:
        searches = [searches_of(results, arm) for arm in results.arms]
        return Curves([], [], "", known, [each for each in searches if each.searches])
    tuning, progress, why = search_curves(results)
    return Curves(tuning, progress, why, known)


def search_curves(
    results: StudyResults, repeat: int = 1
) -> tuple[Sequence[ArmTuning], Sequence[BestSoFar], str]:
    """Tuning curves of one search of every arm; where there are none its best so far, and why."""
    why = why_no_bands(results.spec)
    rng = np.random.default_rng(results.spec.seed)
    if why:
        progress = [_best_so_far(results, arm, repeat) for arm in results.arms]
        return [], [curve for curve in progress if curve], why
    tuning = [_tuning(results, arm, repeat, rng) for arm in results.arms]
    return [curve for curve in tuning if curve], [], ""


def searches_of(results: StudyResults, arm: str) -> ArmSearches:
    """What every search of an arm had found after each of its trials, as they ended."""
    found = {}
    for repeat in range(1, results.spec.repeats + 1):
        if steps := _best_by_trial(results, arm, repeat):
            found[repeat] = steps
    numbers = sorted({number for steps in found.values() for number in steps})
    known = {n: [steps[n] for steps in found.values() if n in steps] for n in numbers}
    middle = {n: median(values) for n, values in known.items() if 2 * len(values) > len(found)}
    return ArmSearches(arm, found, middle)


def _best_by_trial(results: StudyResults, arm: str, repeat: int) -> dict[int, float]:
    better = best_of(results.spec.objective.goal)
    best: float | None = None
    found = {}
    for number, trial in enumerate(_as_they_ended(results, arm, repeat), start=1):
        if trial.outcome == Outcome.completed and trial.value is not None:
            best = trial.value if best is None else better(best, trial.value)
        if best is not None:
            found[number] = best
    return found


def _as_they_ended(results: StudyResults, arm: str, repeat: int) -> list[Trial]:
    ended = [trial for trial in results.searched(arm, repeat) if trial.ended]
    return sorted(ended, key=lambda trial: str(trial.ended))


def why_no_bands(spec: Spec) -> str:
    """Why the trials of a search are no independent draws; empty where they are."""
    if not SAMPLERS[spec.sampler.name].independent:
        return (
            "the points of a grid are no random draws"
            if spec.sampler.name == "grid"
            else f"{spec.sampler.name} chooses its trials by the results of earlier ones"
        )
    if spec.pruner.name != "none":
        return "trials were pruned by the results of others"
    return ""


def _tuning(
    results: StudyResults, arm: str, repeat: int, rng: np.random.Generator
) -> ArmTuning | None:
    """The defaults are left out: nobody drew them. A failed trial is worse than any value."""
    drawn = [
        trial
        for trial in results.searched(arm, repeat)
        if not trial.default and trial.outcome != Outcome.interrupted
    ]
    values = [math.nan if trial.value is None else trial.value for trial in drawn]
    if not np.isfinite(values).any():
        return None
    curve = median_curve_band(
        values,
        np.arange(1, len(values) + 1),
        results.spec.objective.goal,
        confidence=CONFIDENCE,
        method="ld_equal_tailed" if len(values) <= SIMULATED_UP_TO else "dkw",
        bounds=bounds(results.spec.objective.metric),
        rng=rng,
    )
    return ArmTuning(arm, len(values), curve)


def bounds(metric: str) -> tuple[float, float]:
    """The values that a metric can take."""
    name = metric.rpartition("/")[2]
    if name in SHARES:
        return 0.0, 1.0
    return (-math.inf, 1.0) if name == "r2" else (0.0, math.inf)


def _best_so_far(results: StudyResults, arm: str, repeat: int) -> BestSoFar | None:
    """Trials count in the order in which they ended; those that did not complete cost epochs."""
    better = best_of(results.spec.objective.goal)
    best: float | None = None
    spent, epochs, values = 0, [], []
    ended = _as_they_ended(results, arm, repeat)
    for trial in ended:
        spent += trial.epochs
        if trial.outcome != Outcome.completed or trial.value is None:
            continue
        new = trial.value if best is None else better(best, trial.value)
        if new != best:
            best = new
            epochs.append(spent)
            values.append(new)
    if best is None:
        return None
    return BestSoFar(arm, [*epochs, spent], [*values, best], len(ended))


def _learning(results: StudyResults, arm: str) -> LearningCurve | None:
    runs = [run for _, runs in winners(results, arm) for run in runs]
    return learning_curve(arm, [run.curve for run in runs if run.outcome == Outcome.completed])


def winners(results: StudyResults, arm: str) -> list[tuple[Trial, list[Trial]]]:
    """The winner of every search of an arm with its fresh runs on the split of that search."""
    found = [results.winner(arm, repeat) for repeat in range(1, results.spec.repeats + 1)]
    return [(trial, runs) for trial, runs in found if trial is not None]


def learning_curve(arm: str, curves: Sequence[Mapping[int, float]]) -> LearningCurve | None:
    """One curve from those of several runs, {epoch: value}.

    It ends where fewer than half of the runs still train.
    """
    known = [curve for curve in curves if curve]
    points = []
    for epoch in range(1, max((max(curve) for curve in known), default=0) + 1):
        values = [curve[epoch] for curve in known if math.isfinite(curve.get(epoch, math.nan))]
        if not values or 2 * len(values) < len(known):
            break
        points.append((epoch, min(values), median(values), max(values)))
    if not points:
        return None
    epochs, low, middle, high = zip(*points, strict=True)
    return LearningCurve(arm, epochs, low, middle, high, len(known))
