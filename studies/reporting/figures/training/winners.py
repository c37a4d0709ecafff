"""The trainings that stand for the arms in a figure: those of the winners."""

from __future__ import annotations

from collections.abc import Mapping

from studies.analysis.curves import winners
from studies.records import Histories, Outcome, Trial
from studies.reporting.figures.common import counted
from studies.results import StudyResults


def winner_trainings(results: StudyResults, arm: str) -> list[Trial]:
    """The trainings that stand for an arm: the winners of its searches on fresh seeds, or in the
    searches."""
    found = winners(results, arm)
    completed = [run for _, runs in found for run in runs if run.outcome == Outcome.completed]
    return completed or [winner for winner, _ in found]


def whose_trainings(results: StudyResults, few: int, many: int) -> str:
    """Whose trainings are drawn."""
    runs = f"{few} to {many} trainings" if few != many else counted(many, "training")
    if results.spec.repeats == 1:
        return f"The winner of each arm, {runs.replace('training', 'seed')}"
    return f"The winners of all searches of each arm, each on its own split, {runs}"


def curve_of(
    results: StudyResults, trial: Trial, metric: str, histories: Histories
) -> Mapping[int, float]:
    """A metric of a trial after every epoch; `histories` has metrics other than the objective."""
    if metric == results.spec.objective.metric and trial.curve:
        return trial.curve
    return histories.get(trial.key, {}).get(metric, {})
