"""Trials written to Optuna's and MLflow's databases in bulk: minutes become seconds.

The databases are made by their own libraries; only rows are inserted here.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from lightning_modules.configuration import Configuration
from studies.archive import Archive
from studies.arms import arms
from studies.confirmation import fresh_name
from studies.driver import versions
from studies.home import Home
from studies.mirrors.mlflow_client import connect
from studies.records import Outcome, TrialEnd
from studies.spec import Spec

STATES = {Outcome.completed: "COMPLETE", Outcome.pruned: "PRUNED", Outcome.diverged: "FAIL"}


@dataclass(frozen=True)
class Made:
    """One trial with everything that both databases say of it."""

    key: str
    number: int
    arm: str
    phase: str
    seed: int
    configuration: Configuration
    params: list[tuple[str, float, str]]
    end: TrialEnd
    metrics: Mapping[int, Mapping[str, float]]
    """{epoch: {metric: value}}."""
    started: datetime
    attributes: Mapping[str, Any]

    @property
    def run(self) -> str:
        """The id of its MLflow run."""
        return hashlib.sha256(self.key.encode()).hexdigest()[:32]

    @property
    def ended(self) -> datetime:
        """When it was told."""
        return self.started + timedelta(seconds=self.end.seconds)


def write_optuna(home: Home, spec: Spec, made: Sequence[Made]) -> None:
    """Every trial into the Optuna database, which Optuna makes."""
    archive = Archive.open(home)
    noted = {"study": spec.study, "study_file": spec.text, "finished": spec.text, **versions()}
    noted["sampler"] = str(spec.sampler)
    for arm in arms(spec):
        name = f"{spec.study}/{arm.name}"
        attributes = {**noted, "arm": arm.name, "phase": "search"}
        archive.ledger(name, spec.objective.goal, attributes=attributes)
    attributes = {"study": spec.study, "arm": "", "phase": "confirm"}
    archive.ledger(fresh_name(spec.study), spec.objective.goal, attributes=attributes)
    path = home.optuna_url.removeprefix("sqlite:///")
    with sqlite3.connect(path) as database:
        ids = dict(database.execute("select study_name, study_id from studies"))
        _insert(
            database,
            "trials(trial_id, number, study_id, state, datetime_start, datetime_complete)",
            [
                (i, t.number, ids[_ledger(spec, t)], STATES[t.end.outcome], str(t.started),
                 str(t.ended))
                for i, t in enumerate(made, start=1)
            ],
        )  # fmt: skip
        _insert(
            database,
            "trial_user_attributes(trial_id, key, value_json)",
            [(i, key, text) for i, t in enumerate(made, start=1) for key, text in _told(t)],
        )
        _insert(
            database,
            "trial_params(trial_id, param_name, param_value, distribution_json)",
            [(i, *param) for i, t in enumerate(made, start=1) for param in t.params],
        )
        metric = spec.objective.metric
        _insert(
            database,
            "trial_intermediate_values(trial_id, step, intermediate_value, "
            "intermediate_value_type)",
            [
                (i, epoch, values[metric], "FINITE")
                for i, t in enumerate(made, start=1)
                for epoch, values in t.metrics.items()
            ],
        )
        _insert(
            database,
            "trial_values(trial_id, objective, value, value_type)",
            [
                (i, 0, t.end.best[metric], "FINITE")
                for i, t in enumerate(made, start=1)
                if t.end.outcome == Outcome.completed
            ],
        )
    database.close()


def _ledger(spec: Spec, trial: Made) -> str:
    if trial.phase == "confirm":
        return fresh_name(spec.study)
    return f"{spec.study}/{trial.arm}"


def _told(trial: Made) -> Iterator[tuple[str, str]]:
    end = {**vars(trial.end), "outcome": trial.end.outcome.value}
    told = {
        "key": trial.key,
        "seed": trial.seed,
        "config_hash": trial.configuration.hash,
        "configuration": json.dumps(trial.configuration.to_dict()),
        "mlflow_run_id": trial.run,
        "outcome": trial.end.outcome.value,
        "end": json.dumps(end),
        **trial.attributes,
    }
    for key, value in told.items():
        yield key, json.dumps(value)


def write_mlflow(home: Home, spec: Spec, made: Sequence[Made]) -> None:
    """A run for every trial into the MLflow database, which MLflow makes."""
    client = connect(home.mlflow_uri)
    folder = (home.artifacts / spec.study).as_uri()
    experiment = client.create_experiment(spec.study, artifact_location=folder)
    parent = client.create_run(experiment, run_name=spec.study).info.run_id
    client.set_terminated(parent, "FINISHED")
    database = sqlite3.connect(home.mlflow_uri.removeprefix("sqlite:///"))
    with database:
        _insert(
            database,
            "runs(run_uuid, name, source_type, source_name, entry_point_name, user_id, status, "
            "start_time, end_time, source_version, lifecycle_stage, artifact_uri, experiment_id)",
            [
                (t.run, t.key, "UNKNOWN", "", "", "fairtune", t.end.outcome.mlflow_status,
                 _ms(t.started), _ms(t.ended), "", "active", f"{folder}/{t.run}/artifacts",
                 int(experiment))
                for t in made
            ],
        )  # fmt: skip
        _insert(
            database,
            "params(key, value, run_uuid)",
            [(k, str(v), t.run) for t in made for k, v in t.configuration.flat().items()],
        )
        _insert(
            database,
            "tags(key, value, run_uuid)",
            [(k, v, t.run) for t in made for k, v in _tags(spec, t, parent)],
        )
        _insert(
            database,
            "metrics(key, value, timestamp, run_uuid, step, is_nan)",
            [
                (key, value, _ms(t.started) + 50 * epoch, t.run, epoch, 0)
                for t in made
                for epoch, values in t.metrics.items()
                for key, value in values.items()
            ],
        )
        _insert(
            database,
            "latest_metrics(key, value, timestamp, step, is_nan, run_uuid)",
            [
                (key, value, _ms(t.ended), t.end.epochs, 0, t.run)
                for t in made
                for key, value in {
                    **t.metrics[t.end.epochs],
                    **{f"best/{name}": value for name, value in t.end.best.items()},
                    **t.end.test,
                }.items()
            ],
        )
    database.close()


def _tags(spec: Spec, trial: Made, parent: str) -> Iterator[tuple[str, str]]:
    yield "mlflow.parentRunId", parent
    yield "mlflow.runName", trial.key
    yield "fairtune.study", spec.study
    yield "fairtune.arm", trial.arm
    yield "fairtune.phase", trial.phase
    yield "fairtune.trial", trial.key
    yield "fairtune.seed", str(trial.seed)
    yield "fairtune.config_hash", trial.configuration.hash
    yield "fairtune.outcome", trial.end.outcome.value
    yield "fairtune.reason", trial.end.reason


def _insert(database: sqlite3.Connection, into: str, rows: list[tuple[Any, ...]]) -> None:
    if rows:
        marks = ", ".join("?" * len(rows[0]))
        database.executemany(f"insert into {into} values ({marks})", rows)


def _ms(time: datetime) -> int:
    return int(time.timestamp() * 1000)
