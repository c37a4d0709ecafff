"""How long a study that runs still takes, from what its trials took so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from studies.records import Outcome, Trial
from studies.results import StudyResults
from studies.study_file import confirm_seeds


@dataclass(frozen=True)
class TimeLeft:
    """Seconds that are expected, None where nothing is known yet."""

    search: float | None
    confirmation: float | None
    """Of the fresh runs of the winners, which follow; 0 where none are planned."""


def time_left(results: StudyResults) -> TimeLeft:
    """What is left of the trials, at the mean time of those that ended, as many side by side as
    there were so far."""
    spec, searches = results.spec, len(results.arms) * results.spec.repeats
    timed = [trial for trial in results.ended if trial.seconds > 0]
    if not timed or results.seconds <= 0:
        return TimeLeft(None, None if spec.confirm is not None else 0.0)
    side_by_side = max(1.0, sum(trial.seconds for trial in timed) / results.seconds)
    search = _search_left(results, [trial for trial in timed if trial.phase == "search"])
    whole = [trial for trial in timed if trial.outcome == Outcome.completed]
    fresh = 0 if spec.confirm is None else spec.design.top * confirm_seeds(spec) * searches
    fresh -= sum(trial.phase == "confirm" for trial in results.ended)
    confirmation = fmean(trial.seconds for trial in whole) * max(0, fresh) if whole else None
    return TimeLeft(
        None if search is None else search / side_by_side,
        None if confirmation is None and fresh > 0 else (confirmation or 0.0) / side_by_side,
    )


def _search_left(results: StudyResults, timed: Sequence[Trial]) -> float | None:
    """Seconds of training that the searches still need."""
    spec, searches = results.spec, len(results.arms) * results.spec.repeats
    if not timed:
        return None
    if results.planned is not None:
        left = results.planned - len(results.search)
        return max(0, left) * fmean(trial.seconds for trial in timed)
    if spec.epochs is None:
        return None
    spent = sum(trial.epochs for trial in results.search)
    epochs = sum(trial.epochs for trial in timed)
    if not epochs:
        return None
    left = spec.epochs * searches - spent
    return max(0, left) * sum(trial.seconds for trial in timed) / epochs
