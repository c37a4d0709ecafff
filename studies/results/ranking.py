"""Trials in the order of their values."""

from __future__ import annotations

import math
from collections.abc import Iterable

from studies.records import Outcome, Trial, merit
from studies.study_file import Spec


def ranked(trials: Iterable[Trial], spec: Spec) -> list[Trial]:
    """The completed ones, best first; ties are broken by the loss on the same part, then by the
    number."""
    completed = [trial for trial in trials if trial.outcome == Outcome.completed]
    return sorted(completed, key=lambda t: (merit(t.value, t.best, spec.objective), t.number))


ORDER = (Outcome.completed, Outcome.pruned, Outcome.interrupted)
"""How trials that are listed ended, in this order; failed ones come after these, running ones
last."""


def in_order(trials: Iterable[Trial], spec: Spec) -> list[Trial]:
    """All trials, of whatever phase: the completed ones from the best, then the pruned ones by
    the best value that they reached, and those that failed or run."""

    def key(trial: Trial) -> tuple[int, bool, tuple[float, float], int]:
        value = trial.best.get(spec.objective.metric) if trial.value is None else trial.value
        place = ORDER.index(trial.outcome) if trial.outcome in ORDER else len(ORDER)
        unknown = value is None or not math.isfinite(value)
        merits = merit(None if unknown else value, trial.best, spec.objective)
        return place + (trial.outcome is None), unknown, merits, trial.number

    return sorted(trials, key=key)


def best_trials(trials: Iterable[Trial], spec: Spec, top: int | None = None) -> list[Trial]:
    """The `top` completed trials of different configurations, best first.

    Where the search is read at a smaller budget, the defaults are none of its draws.
    """
    top = spec.design.top if top is None else top
    distinct: dict[str, Trial] = {}
    for trial in ranked(trials, spec):
        if spec.design.at is None or not trial.default:
            distinct.setdefault(trial.config_hash, trial)
    return list(distinct.values())[:top]
