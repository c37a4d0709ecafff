"""What a home holds, a row for each study: how far it has come and what it has found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from studies.confirmation import seeds_of
from studies.results import StudyResults, outcome_counts, summary

State = Literal["running", "finished", "interrupted"]


@dataclass(frozen=True)
class StudyRow:
    """One study of a home."""

    study: str
    description: str
    state: State
    progress: float | None
    """The share of the budget that is spent, 0 to 1; None where the file sets no total."""
    factors: tuple[str, ...]
    arms: tuple[str, ...]
    metric: str
    goal: str
    best: float | None
    """The mean over fresh seeds where there are any, else the best of the search."""
    best_arm: str
    fresh_seeds: int
    outcomes: Mapping[str, int]
    epochs: int
    seconds: float
    """From the first trial asked to the last one told."""
    changed: datetime | None


def row(results: StudyResults) -> StudyRow:
    """The row of a study."""
    best, spec, ended = results.best, results.spec, results.ended
    times = [time for trial in results.trials for time in (trial.started, trial.ended) if time]
    return StudyRow(
        study=results.study,
        description=spec.description,
        state=state(results),
        progress=progress(results),
        factors=spec.factors,
        arms=tuple(arm for arm in results.arms if arm),
        metric=spec.objective.metric,
        goal=spec.objective.goal,
        best=None if best is None else best.value,
        best_arm="" if best is None else best.trial.arm,
        fresh_seeds=0 if best is None else best.seeds,
        outcomes=outcome_counts(ended),
        epochs=sum(trial.epochs for trial in ended),
        seconds=float(summary(results)["seconds"]),
        changed=max(times, default=None),
    )


def state(results: StudyResults) -> State:
    """Whether a driver runs the study now, and if not, whether it has anything left to do."""
    if results.home.driver(results.study):
        return "running"
    return "finished" if results.finished else "interrupted"


def progress(results: StudyResults) -> float | None:
    """The share of the trials of search and confirmation, or of the epochs, that are done."""
    if results.finished:
        return 1.0
    spec, arms = results.spec, len(results.arms)
    confirmations = spec.confirm.top * seeds_of(spec.confirm, arms) * arms if spec.confirm else 0
    if results.planned is not None:
        return min(1.0, len(results.ended) / (results.planned + confirmations))
    if spec.epochs is not None and not confirmations:
        return min(1.0, sum(trial.epochs for trial in results.search) / (spec.epochs * arms))
    return None
