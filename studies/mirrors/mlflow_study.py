"""A study in MLflow: its experiment, and the run under which those of its trials are.

Whatever was written before an error is found again, so nothing is written twice.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any

from lightning_modules.errors import StorageError
from studies.home import Home, slug
from studies.mirrors.mlflow_client import (
    MlflowClient,
    MlflowException,
    Run,
    connect,
    is_database,
    resolve_tags,
)
from studies.records import Outcome
from studies.records.reader import IDENTITY

PARENT_TAG = "fairtune.parent_run_id"
RECORD_TAG = "fairtune.record"
"""On the run of a study: the record that it belongs to."""


class MlflowStudy:
    """The experiment of a study and the study's own run, found or made."""

    def __init__(
        self, home: Home, study: str, notes: Mapping[str, Any], started: int | None, known: str = ""
    ) -> None:
        """`notes` are those of the record, `started` is when the study began and `known` the run
        that it had when it was delivered last."""
        self.name = study
        self.shared = shared_tags(study, notes)
        """What all runs of the study carry."""
        self.client = client = connect(home.mlflow_uri)
        self.experiment_id, named = _experiment(client, home, study)
        record = str(notes[IDENTITY])
        parent = self._find(record, known, named)
        self.is_new = parent is None
        """Whether there was no run of the study, so that there are none of its trials."""
        if parent is None:
            own = {f"fairtune.{name}": str(notes.get(name, "")) for name in ("sampler", "pruner")}
            tags = {**self.shared, **own, RECORD_TAG: record}
            parent = client.create_run(self.experiment_id, started, tags, study)
        elif RECORD_TAG not in parent.data.tags:
            client.set_tag(parent.info.run_id, RECORD_TAG, record)
        self.run_id: str = parent.info.run_id
        if self.run_id not in (named, known):
            client.set_experiment_tag(self.experiment_id, PARENT_TAG, self.run_id)
        self.is_running: bool = parent.info.status == "RUNNING"
        """Whether MLflow shows the study as running."""

    def run(self) -> None:
        """The study is running."""
        if not self.is_running:
            self.client.update_run(self.run_id, status="RUNNING")
            self.is_running = True

    def end(self, status: str, at: int | None = None) -> None:
        """End the study's run."""
        self.client.set_terminated(self.run_id, status, at)
        self.is_running = False

    def _find(self, record: str, known: str, named: str | None) -> Run | None:
        """The run of the study: that of last time, the one that the experiment names, or one that
        was made and not named. Another home's study of the same name has a run of its own."""
        for run_id in (known or None, named):
            run = run_or_none(self.client, run_id)
            if run is not None and run.data.tags.get(RECORD_TAG, record) == record:
                return run
        query = f"tags.`{RECORD_TAG}` = '{record}'"
        runs = self.client.search_runs([self.experiment_id], query)
        return runs[0] if runs else None


def running_runs(home: Home, study: str) -> list[Run]:
    """The runs of a study that MLflow shows as running."""
    client = connect(home.mlflow_uri)
    experiment = client.get_experiment_by_name(study)
    if experiment is None or experiment.lifecycle_stage != "active":
        return []
    return list(client.search_runs([experiment.experiment_id], "status = 'RUNNING'"))


def end_runs(home: Home, study: str) -> None:
    """End the runs of a study that nobody trains any more."""
    client = connect(home.mlflow_uri)
    for run in running_runs(home, study):
        if "fairtune.trial" in run.data.tags:
            client.set_tag(run.info.run_id, "fairtune.outcome", Outcome.interrupted.value)
        client.set_terminated(run.info.run_id, Outcome.interrupted.mlflow_status)


def shared_tags(study: str, notes: Mapping[str, Any]) -> dict[str, str]:
    """What all runs of a study carry: who runs it, from where, with which version."""
    known = notes.get("version:fairtune") or version("fairtune")
    with _source(str(notes.get("source") or sys.argv[0])):
        return {**resolve_tags(), "fairtune.study": study, "fairtune.version": str(known)}


@contextmanager
def _source(program: str) -> Iterator[None]:
    """MLflow takes the program of this process for the one that trains."""
    before, sys.argv[0] = sys.argv[0], program
    try:
        yield
    finally:
        sys.argv[0] = before


def _experiment(client: MlflowClient, home: Home, study: str) -> tuple[str, str | None]:
    """The study's experiment and the run of the study that it names."""
    experiment = client.get_experiment_by_name(study)
    if experiment is None:
        folder = (home.artifacts / slug(study)).as_uri()
        location = folder if is_database(home.mlflow_uri) else None
        return client.create_experiment(study, artifact_location=location), None
    if experiment.lifecycle_stage != "active":
        raise StorageError(
            f"the MLflow experiment {study} was deleted; bring it back with `mlflow experiments "
            f"restore --experiment-id {experiment.experiment_id}`, or give the study another name"
        )
    return experiment.experiment_id, experiment.tags.get(PARENT_TAG)


def run_or_none(client: MlflowClient, run_id: str | None) -> Run | None:
    """The run, or None where it was never made or was deleted."""
    if run_id is None:
        return None
    try:
        run = client.get_run(run_id)
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return None
        raise
    return run if run.info.lifecycle_stage == "active" else None
