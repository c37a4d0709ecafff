"""A trial of the record as Optuna's own: for samplers in memory, and for Optuna's storage."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from optuna.distributions import BaseDistribution, json_to_distribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from studies.records import Outcome, Trial
from studies.records.types import SUPERSEDED

STATES = {
    None: TrialState.RUNNING,
    Outcome.completed: TrialState.COMPLETE,
    Outcome.pruned: TrialState.PRUNED,
    Outcome.interrupted: TrialState.WAITING,
}
"""By outcome; any other one is a failure."""


def state_of(trial: Trial) -> TrialState:
    """The state of a trial in Optuna, where one that was interrupted waits to be continued."""
    if trial.outcome == Outcome.completed and trial.value is None:
        return TrialState.FAIL  # Optuna knows no completed trial without a value
    if trial.phase == SUPERSEDED and not trial.has_ended:
        return TrialState.FAIL  # nobody continues it
    return STATES.get(trial.outcome, TrialState.FAIL)


def value_of(trial: Trial) -> float | None:
    """The value of a trial in Optuna: that of a pruned one is the last that it reported."""
    if trial.outcome == Outcome.pruned and trial.curve:
        last = trial.curve[max(trial.curve)]
        return None if math.isnan(last) else last
    return trial.value


def given_points(trials: Iterable[Trial]) -> Iterator[Mapping[str, Any]]:
    """The points that trials were begun with, where they were known beforehand."""
    return (trial.sampler_state.get("fixed_params", {}) for trial in trials)  # Optuna's key


def frozen(trial: Trial, state: TrialState, **known: Any) -> FrozenTrial:
    """A trial in that state; `known` are further arguments of `optuna.trial.create_trial`."""
    return create_trial(
        state=state,
        value=value_of(trial),
        params=dict(trial.params),
        distributions={name: distribution(text) for name, text in trial.distributions.items()},
        system_attrs=dict(trial.sampler_state),
        **known,
    )


@lru_cache(maxsize=1024)
def distribution(text: str) -> BaseDistribution:
    """What a parameter is drawn from, read from Optuna's JSON."""
    return json_to_distribution(text)
