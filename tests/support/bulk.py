"""Trials written to a record and to both mirrors in bulk: minutes become seconds.

The record is written by fairtune's own writer, the databases of the mirrors are made by their own
libraries; only rows are inserted here, and noted as delivered.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from optuna.distributions import BaseDistribution, json_to_distribution

from studies.home import Home
from studies.inputs.environment import hardware, versions
from studies.mirrors.mlflow.study import Known, MlflowStudy
from studies.mirrors.mlflow.trial import params_of, tags_of
from studies.mirrors.optuna import trial as optuna_trial
from studies.mirrors.optuna.database import close, open_storage
from studies.mirrors.optuna.owner import Claim
from studies.mirrors.optuna.study import OptunaStudy
from studies.records import Record, Search, Trial
from studies.records.deliveries import Deliveries, MirrorStatus, store_name
from studies.records.types import EpochRow
from studies.running.continuing import design_notes
from studies.search import frozen_trials
from studies.search.names import fresh_name, search_name
from studies.study_file import Spec, splits_of

EPOCH_MS = 50
"""From epoch to epoch."""


@dataclass(frozen=True)
class Made:
    """One trial with all of its epochs."""

    trial: Trial
    metrics: Mapping[int, Mapping[str, float]]
    """{epoch: {metric: value}}."""

    @property
    def run(self) -> str:
        """The id of its MLflow run."""
        return hashlib.sha256(self.trial.key.encode()).hexdigest()[:32]

    @property
    def started(self) -> int:
        """Milliseconds since 1970."""
        assert self.trial.started is not None
        return round(self.trial.started.timestamp() * 1000)

    @property
    def ended(self) -> int:
        """Milliseconds since 1970."""
        assert self.trial.ended is not None
        return round(self.trial.ended.timestamp() * 1000)


def write(home: Home, spec: Spec, made: Sequence[Made]) -> None:
    """A finished study: its record, and the mirrors as they are when nothing waits for them."""
    with Record.writing(home, spec.study) as record:
        begun = design_notes(spec, splits_of(spec))
        record.note({**begun, **versions(), **hardware(), "finished": spec.text})
        searches = _searches(spec, record)
        made = [_recorded(record, searches, each, spec.objective.metric) for each in made]
        write_optuna(home, spec, record, made)
        parent = write_mlflow(home, spec, record, made)
        _note_delivered(home, spec, record.revision, made, parent)


def _searches(spec: Spec, record: Record) -> dict[tuple[str, str], Search]:
    """The searches of the record, by phase and arm."""
    goal = spec.objective.goal
    found = {
        ("search", arm.name): record.add_search(
            search_name(spec.study, arm.name), arm=arm.name, goal=goal
        )
        for arm in spec.arms
    }
    fresh = record.add_search(fresh_name(spec.study), arm="", phase="confirm", goal=goal)
    return found | {("confirm", arm.name): fresh for arm in spec.arms}


def _recorded(
    record: Record, searches: Mapping[tuple[str, str], Search], made: Made, metric: str
) -> Made:
    search = searches[made.trial.phase, made.trial.arm]
    epochs = [
        EpochRow(epoch, made.started + EPOCH_MS * epoch, metrics)
        for epoch, metrics in made.metrics.items()
    ]
    curve = {epoch: metrics[metric] for epoch, metrics in made.metrics.items()}
    trial = replace(made.trial, search=search.id, curve=curve)
    return replace(made, trial=record.add(trial, epochs, curve))


def _note_delivered(
    home: Home, spec: Spec, revision: int, made: Sequence[Made], parent: str
) -> None:
    with closing(Deliveries.open(home, spec.study)) as deliveries:
        optuna = [(t.trial.key, t.trial.revision, str(t.trial.number)) for t in made]
        mlflow = [(t.trial.key, t.trial.revision, t.run) for t in made] + [("", 0, parent)]
        for name, url, rows in (
            ("optuna", home.optuna_url, optuna), ("mlflow", home.mlflow_uri, mlflow)
        ):  # fmt: skip
            deliveries.note(name, store_name(url, home), rows)
            status = MirrorStatus(name, steps=len(rows), revision=revision)
            deliveries.say(status, store_name(url, home))


def write_optuna(home: Home, spec: Spec, record: Record, made: Sequence[Made]) -> None:
    """Every trial into the Optuna database."""
    storage = open_storage(home.optuna_url)
    ids = {}
    claim = Claim.of(home, spec.study, record.notes(), rebuild=False)
    for search in record.searches():
        study = OptunaStudy.find(storage, search, claim, {}, [], anew=False)
        study.note({**record.notes(), "arm": search.arm, "phase": search.phase})
        ids[search.id] = study.id
    close(storage)
    rows = list(enumerate(made, start=1))
    with closing(sqlite3.connect(home.optuna_url.removeprefix("sqlite:///"))) as db, db:
        _insert(
            db,
            "trials(trial_id, number, study_id, state, datetime_start, datetime_complete)",
            [
                (i, t.trial.number, ids[t.trial.search], frozen_trials.state_of(t.trial).name,
                 str(t.trial.started), str(t.trial.ended))
                for i, t in rows
            ],
        )  # fmt: skip
        _insert(
            db,
            "trial_user_attributes(trial_id, key, value_json)",
            [
                (i, key, json.dumps(value))
                for i, t in rows
                for key, value in optuna_trial.attributes(t.trial).items()
            ],
        )
        _insert(
            db,
            "trial_params(trial_id, param_name, param_value, distribution_json)",
            [(i, *param) for i, t in rows for param in _params(t.trial)],
        )
        _insert(
            db,
            "trial_intermediate_values(trial_id, step, intermediate_value, "
            "intermediate_value_type)",
            [(i, step, value, "FINITE") for i, t in rows for step, value in t.trial.curve.items()],
        )
        values = [(i, frozen_trials.value_of(t.trial)) for i, t in rows]
        _insert(
            db,
            "trial_values(trial_id, objective, value, value_type)",
            [(i, 0, value, "FINITE") for i, value in values if value is not None],
        )


def _params(trial: Trial) -> Iterator[tuple[str, float, str]]:
    for name, value in trial.params.items():
        text = trial.distributions[name]
        yield name, _distribution(text).to_internal_repr(value), text


@lru_cache
def _distribution(text: str) -> BaseDistribution:
    return json_to_distribution(text)


def write_mlflow(home: Home, spec: Spec, record: Record, made: Sequence[Made]) -> str:
    """A run for every trial into the MLflow database; the study's own run."""
    study = MlflowStudy(home, spec.study, record.notes(), made[0].started, Known("", (), set))
    study.end("FINISHED", made[-1].ended)
    shared = {**study.shared, "mlflow.parentRunId": study.run_id}
    folder = (home.artifacts / spec.study).as_uri()
    with closing(sqlite3.connect(home.mlflow_uri.removeprefix("sqlite:///"))) as db, db:
        _insert(
            db,
            "runs(run_uuid, name, source_type, source_name, entry_point_name, user_id, status, "
            "start_time, end_time, source_version, lifecycle_stage, artifact_uri, experiment_id)",
            [
                (t.run, t.trial.key, "UNKNOWN", "", "", "fairtune",
                 t.trial.outcome.mlflow_status if t.trial.outcome else "RUNNING", t.started,
                 t.ended, "", "active", f"{folder}/{t.run}/artifacts", int(study.experiment_id))
                for t in made
            ],
        )  # fmt: skip
        _insert(
            db,
            "params(key, value, run_uuid)",
            [(k, v, t.run) for t in made for k, v in params_of(t.trial)[0].items()],
        )
        _insert(
            db,
            "tags(key, value, run_uuid)",
            [(k, v, t.run) for t in made for k, v in (shared | _tags(spec, t.trial)).items()],
        )
        points = [(t, point) for t in made for point in _points(t)]
        _insert(
            db,
            "metrics(key, value, timestamp, run_uuid, step, is_nan)",
            [(key, value, at, t.run, step, 0) for t, (key, value, at, step) in points],
        )
        latest = {(t.run, point[0]): point for t, point in points}
        _insert(
            db,
            "latest_metrics(key, value, timestamp, step, is_nan, run_uuid)",
            [(*point, 0, run) for (run, _), point in latest.items()],
        )
    return study.run_id


def _tags(spec: Spec, trial: Trial) -> dict[str, str]:
    found = {"mlflow.runName": trial.key, **tags_of(trial, spec.sampler.name)}
    return found | {"fairtune.outcome": str(trial.outcome), "fairtune.reason": trial.reason}


def _points(made: Made) -> Iterator[tuple[str, float, int, int]]:
    """Every metric with its value, time and step, as the mirror writes them."""
    for epoch, metrics in made.metrics.items():
        for name, value in metrics.items():
            yield name, value, made.started + EPOCH_MS * epoch, epoch
    best = {f"best/{name}": value for name, value in made.trial.best.items()}
    best_epoch = made.trial.best_epoch or 0
    for name, value in {**best, "best/epoch": float(best_epoch), **made.trial.test}.items():
        yield name, value, made.ended, best_epoch


def _insert(database: sqlite3.Connection, into: str, rows: list[tuple[Any, ...]]) -> None:
    if rows:
        marks = ", ".join("?" * len(rows[0]))
        database.executemany(f"insert into {into} values ({marks})", rows)
