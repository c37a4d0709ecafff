"""A trial of the record, as Optuna has it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import fields, replace
from functools import lru_cache
from typing import Any

from optuna.distributions import BaseDistribution, json_to_distribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from studies.records import Outcome, Trial, TrialEnd

STATES = {
    None: TrialState.RUNNING,
    Outcome.completed: TrialState.COMPLETE,
    Outcome.pruned: TrialState.PRUNED,
    Outcome.interrupted: TrialState.WAITING,
}
"""By outcome; any other one is a failure."""


def frozen(trial: Trial) -> FrozenTrial:
    """A trial as Optuna adds it in one call."""
    state = state_of(trial)
    made = create_trial(
        state=state,
        value=value_of(trial),
        params=dict(trial.params),
        distributions={name: _distribution(text) for name, text in trial.distributions.items()},
        user_attrs=attributes(trial),
        system_attrs=dict(trial.sampler_state),
        intermediate_values=dict(trial.curve),
    )
    made.datetime_start = trial.started
    if state.is_finished():
        made.datetime_complete = trial.ended
    return made


def state_of(trial: Trial) -> TrialState:
    """The state of a trial in Optuna, where one that was interrupted waits to be continued."""
    if trial.outcome == Outcome.completed and trial.value is None:
        return TrialState.FAIL  # Optuna knows no completed trial without a value
    return STATES.get(trial.outcome, TrialState.FAIL)


def value_of(trial: Trial) -> float | None:
    """The value of a trial in Optuna: that of a pruned one is the last that it reported."""
    if trial.outcome == Outcome.pruned and trial.curve:
        last = trial.curve[max(trial.curve)]
        return None if math.isnan(last) else last
    return trial.value


def attributes(trial: Trial) -> dict[str, Any]:
    """What the user attributes of a trial say of it."""
    found: dict[str, Any] = {
        "key": trial.key,
        "seed": trial.seed,
        "config_hash": trial.config_hash,
        "configuration": _text(trial.configuration),
    }
    if trial.default:
        found["default"] = True
    if trial.phase != "search":
        found |= {name: getattr(trial, name) for name in ("arm", "repeat", "split", "seed_index")}
    if trial.outcome is not None:
        found |= {"outcome": trial.outcome.value, "end": _end(trial)}
        if trial.duplicate_of is not None:
            found["duplicate_of"] = trial.duplicate_of
    return found


def agrees(found: FrozenTrial, trial: Trial) -> bool:
    """Whether what Optuna has is this trial, or was so before the record went on."""
    if found.user_attrs.get("key") != trial.key or found.params != dict(trial.params):
        return False
    if found.state.is_finished():
        if found.value is not None and math.isinf(found.value):  # the record calls it diverged
            return trial.outcome == Outcome.diverged
        return (
            found.state == state_of(trial)
            and _same(found.value, value_of(trial))
            and found.intermediate_values.keys() == trial.curve.keys()
        )
    known = found.intermediate_values.items()
    return all(_same(value, trial.curve.get(step)) for step, value in known)


def with_curve(trial: Trial, curve: Mapping[int, float]) -> Trial:
    """A trial under way, with the epochs that it has finished meanwhile."""
    return replace(trial, curve=curve)


def _same(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return one == other or (math.isnan(one) and math.isnan(other))


def _end(trial: Trial) -> str:
    """How a trial ended, as JSON text."""
    known = {each.name: getattr(trial, each.name) for each in fields(TrialEnd)}
    known |= {name: dict(known[name]) for name in ("best", "test", "rows")}
    return _text(known | {"traceback": trial.traceback or None})


def _text(value: Any) -> str:
    return json.dumps(value)


@lru_cache(maxsize=1024)
def _distribution(text: str) -> BaseDistribution:
    return json_to_distribution(text)
