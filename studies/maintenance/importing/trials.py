"""A trial of the record, from what Optuna's storage says of one."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from optuna.distributions import distribution_to_json
from optuna.trial import FrozenTrial, TrialState

from studies.maintenance.importing.sources import EarlierSearch
from studies.mirrors.optuna.attributes import CONFIGURATION, END, KEY
from studies.records import Outcome, Search, Trial
from studies.records.types import ABANDONED, EpochRow

UNKNOWN_END = "ended by another program than fairtune"
INFINITE = "the objective is infinite"


@dataclass(frozen=True)
class KnownEpochs:
    """The epochs of a trial that somebody has with all of their metrics."""

    epochs: Mapping[int, EpochRow] = field(default_factory=dict)
    heard: int | None = None
    """When the trial was last heard of, in milliseconds since 1970."""
    version: str = ""
    """The fairtune that began it, where it is known."""


def has_started(trial: FrozenTrial) -> bool:
    """Whether a trial was begun; others are queued at most."""
    return KEY in trial.user_attrs and CONFIGURATION in trial.user_attrs


def trial_of(frozen: FrozenTrial, earlier: EarlierSearch, search: Search) -> Trial:
    """A trial that was begun; one that has not ended is interrupted and will be continued."""
    said, end = frozen.user_attrs, _end(frozen)
    completed = frozen.state == TrialState.COMPLETE
    return Trial(
        key=said[KEY],
        arm=said.get("arm", search.arm),
        phase=search.phase,
        outcome=Outcome(end["outcome"]),
        value=frozen.value if completed and _is_finite(frozen.value) else None,
        seed=said["seed"],
        configuration=json.loads(said[CONFIGURATION]),
        config_hash=said["config_hash"],
        epochs=end.get("epochs", 0),
        best_epoch=end.get("best_epoch"),
        best=end.get("best", {}),
        test=end.get("test", {}),
        reason=end.get("reason", ""),
        seconds=end.get("seconds", 0.0),
        run_id=said.get("mlflow_run_id"),
        duplicate_of=said.get("duplicate_of", said.get("twin")),
        default=bool(said.get("default")),
        params=frozen.params,
        curve=frozen.intermediate_values,
        started=frozen.datetime_start,
        ended=frozen.datetime_complete,
        device=end.get("device", ""),
        traceback=end.get("traceback") or "",
        data_hash=end.get("data_hash", ""),
        weights_hash=end.get("weights_hash", ""),
        repeat=said.get("repeat", search.repeat),
        split=said.get("split", search.split),
        number=frozen.number,
        rows=end.get("rows", {}),
        seed_index=said.get("seed_index"),
        distributions={
            name: distribution_to_json(each) for name, each in frozen.distributions.items()
        },
        sampler_state=_readable(frozen.system_attrs),
        search=search.id,
        code=said.get("code", ""),
        queued=said.get("queued", 0),
        system=end.get("system", {}),
    )


def _readable(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """What a sampler noted, without the pickled optimizers of Optuna's CMA-ES."""
    return {name: value for name, value in attributes.items() if ":optimizer:" not in name}


def settled(trial: Trial, known: KnownEpochs) -> Trial:
    """A trial with the times and the epochs that its end does not say."""
    if trial.has_ended and trial.started is not None and trial.ended is not None:
        return trial
    times = [row.time for row in known.epochs.values()]
    last = max([*times, *([] if known.heard is None else [known.heard])], default=None)
    started = trial.started or _local(min(times, default=last))
    ended = trial.ended or _local(last) or started
    trained = 0 if trial.has_ended else max([*known.epochs, *trial.curve], default=0)
    return replace(trial, started=started, ended=ended, epochs=max(trial.epochs, trained))


def epochs_of(
    trial: Trial, known: Mapping[int, EpochRow], metric: str
) -> tuple[list[EpochRow], dict[int, float | None]]:
    """Every epoch that is known of a trial and the objective after it; of those of which Optuna
    alone knows the objective is all there is, and no time but that of the trial."""
    at = trial.ended or trial.started
    fallback = 0 if at is None else round(at.timestamp() * 1000)
    rows = dict(known)
    values: dict[int, float | None] = {n: row.metrics.get(metric) for n, row in known.items()}
    for epoch, value in trial.curve.items():
        rows.setdefault(epoch, EpochRow(epoch, fallback, {metric: value}))
        values[epoch] = value
    return [rows[epoch] for epoch in sorted(rows)], values


def _end(frozen: FrozenTrial) -> dict[str, Any]:
    """How a trial ended, as the driver wrote it; one that has not ended is interrupted."""
    written = frozen.user_attrs.get(END)
    end: dict[str, Any] = {} if written is None else json.loads(written)
    if frozen.state in (TrialState.RUNNING, TrialState.WAITING):
        if frozen.state == TrialState.RUNNING or end.get("outcome") != Outcome.interrupted:
            return {"outcome": Outcome.interrupted, "reason": ABANDONED}
        return end
    if not end:
        return {"outcome": Outcome.error, "reason": UNKNOWN_END}
    if end["outcome"] == Outcome.completed and not _is_finite(frozen.value):
        # a record has no completed trial without a value
        infinite = frozen.state == TrialState.COMPLETE
        outcome = Outcome.diverged if infinite else Outcome.error
        return {**end, "outcome": outcome, "reason": INFINITE if infinite else UNKNOWN_END}
    return end


def _local(at: int | None) -> datetime | None:
    return None if at is None else datetime.fromtimestamp(at / 1000)


def _is_finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)
