"""A trial of the record, as Optuna has it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from optuna.trial import FrozenTrial

from lightning_modules.hashing import short_hash
from studies.mirrors.optuna.attributes import CONFIGURATION, END, KEY
from studies.records import Outcome, Trial, TrialEnd
from studies.records.types import SUPERSEDED
from studies.search import frozen_trials

LONGEST_NAME = 512
"""Of a parameter in Optuna's tables."""


def frozen(trial: Trial) -> FrozenTrial:
    """A trial as Optuna adds it in one call."""
    trial = _stored(trial)
    state = frozen_trials.state_of(trial)
    made = frozen_trials.frozen(
        trial,
        state,
        user_attrs=attributes(trial),
        intermediate_values=dict(trial.curve),
    )
    made.datetime_start = trial.started
    if state.is_finished():
        made.datetime_complete = trial.ended
    return made


def attributes(trial: Trial) -> dict[str, Any]:
    """What the user attributes of a trial say of it."""
    found: dict[str, Any] = {
        KEY: trial.key,
        "seed": trial.seed,
        "config_hash": trial.config_hash,
        CONFIGURATION: _text(trial.configuration),
    }
    if trial.default:
        found["default"] = True
    if trial.code:
        found["code"] = trial.code
    if trial.queued:
        found["queued"] = trial.queued
    if trial.phase != "search":
        found |= {name: getattr(trial, name) for name in ("arm", "repeat", "split", "seed_index")}
    if trial.outcome is not None:
        found |= {"outcome": trial.outcome.value, END: _end(trial)}
        if trial.duplicate_of is not None:
            found["duplicate_of"] = trial.duplicate_of
    return found


def agrees(held: FrozenTrial, trial: Trial) -> bool:
    """Whether what Optuna has is this trial, or was so before the record went on."""
    trial = _stored(trial)
    if held.user_attrs.get(KEY) != trial.key or held.params != dict(trial.params):
        return False
    if held.state.is_finished():
        if held.value is not None and math.isinf(held.value):  # the record calls it diverged
            return trial.outcome == Outcome.diverged
        return (
            held.state == frozen_trials.state_of(trial)
            and _same(held.value, frozen_trials.value_of(trial))
            and held.intermediate_values.keys() == trial.curve.keys()
        )
    known = held.intermediate_values.items()
    return all(_same(value, trial.curve.get(step)) for step, value in known)


def with_curve(trial: Trial, curve: Mapping[int, float]) -> Trial:
    """A trial under way, with the epochs that it has finished meanwhile."""
    return replace(trial, curve=curve)


def _by_name(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values by their names, the end of those cut that its tables have no room for."""
    return {
        name
        if len(name) <= LONGEST_NAME
        else f"{name[: LONGEST_NAME - 9]}-{short_hash(name, 8)}": value
        for name, value in values.items()
    }


def _stored(trial: Trial) -> Trial:
    """A trial as its tables hold it. Trials put aside are of several searches, and a study
    of Optuna's has one space: what was chosen for them stands in their configurations."""
    if trial.phase == SUPERSEDED:
        return replace(trial, params={}, distributions={})
    return replace(
        trial, params=_by_name(trial.params), distributions=_by_name(trial.distributions)
    )


def _same(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return one == other or (math.isnan(one) and math.isnan(other))


def _end(trial: Trial) -> str:
    """How a trial ended, as JSON text."""
    known = {
        each.name: getattr(trial, each.name)
        for each in fields(TrialEnd)
        if each.name != "remark"  # of the study, not of the trial
    }
    known |= {name: dict(known[name]) for name in ("best", "test", "rows", "system")}
    return _text(known | {"traceback": trial.traceback or None})


def _text(value: Any) -> str:
    return json.dumps(value)
