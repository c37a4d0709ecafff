"""A study in MLflow: its experiment, and the run under which those of its trials are.

Whatever was written before an error is found again, so nothing is written twice.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from lightning_modules.errors import StorageError
from studies.home import Home, slug
from studies.mirrors.mlflow.batches import storable_tags
from studies.mirrors.mlflow.client import (
    MlflowClient,
    MlflowException,
    Run,
    is_database,
    resolve_tags,
)
from studies.mirrors.mlflow.places import connect_home
from studies.records.reader import IDENTITY

PARENT_TAG = "fairtune.parent_run_id"
RECORD_TAG = "fairtune.record"
"""On the run of a study: the record that it belongs to."""
PAGE = 1000


@dataclass(frozen=True)
class Known:
    """The MLflow runs of a study, as its record knows them."""

    run: str
    """The study's own when it was delivered last; empty where it never was."""
    runs: Collection[str]
    """The runs of its trials."""
    trials: Callable[[], Collection[tuple[str, ...]]]
    """Key, configuration and seed of its trials."""


class MlflowStudy:
    """The experiment of a study and the study's own run, found or made."""

    def __init__(
        self, home: Home, study: str, notes: Mapping[str, Any], started: int | None, known: Known
    ) -> None:
        """`notes` are those of the record, `started` is when the study began."""
        self.name = study
        self.shared = shared_tags(study, notes)
        """The tags that all runs of the study carry."""
        self.client = client = connect_home(home, study)
        self.experiment_id, named = _experiment(client, home, study)
        record = str(notes[IDENTITY])
        parent = self._find(record, known, named)
        self.is_new = parent is None
        """Whether there was no run of the study."""
        if parent is None:
            own = {f"fairtune.{name}": str(notes.get(name, "")) for name in ("sampler", "pruner")}
            tags = storable_tags({**self.shared, **own, RECORD_TAG: record})
            parent = client.create_run(self.experiment_id, started, tags, study)
        elif RECORD_TAG not in parent.data.tags:
            client.set_tag(parent.info.run_id, RECORD_TAG, record)
        self.run_id: str = parent.info.run_id
        if self.run_id not in (named, known.run):
            client.set_experiment_tag(self.experiment_id, PARENT_TAG, self.run_id)
        self.is_running: bool = parent.info.status == "RUNNING"
        """Whether MLflow shows the study as running."""

    def run(self) -> None:
        """Show the study as running in MLflow."""
        if not self.is_running:
            self.client.update_run(self.run_id, status="RUNNING")
            self.is_running = True

    def end(self, status: str, at: int | None = None) -> None:
        """Show the study as ended, with a status of MLflow; `at` is in milliseconds since 1970."""
        self.client.set_terminated(self.run_id, status, at)
        self.is_running = False

    def take_over(self, earlier: str) -> set[str]:
        """Put what is below a run of the study that is gone under this one; all that are there."""
        if run_or_deleted(self.client, earlier, self.experiment_id) is None:
            for run in below(self.client, self.experiment_id, earlier):
                self.client.set_tag(run.info.run_id, "mlflow.parentRunId", self.run_id)
        return {run.info.run_id for run in below(self.client, self.experiment_id, self.run_id)}

    def _find(self, record: str, known: Known, named: str | None) -> Run | None:
        """The run of the study: that of last time, the one that the experiment names, or one that
        was made and not named. Another home's study of the same name has a run of its own."""
        for run_id in (known.run or None, named):
            run = run_or_deleted(self.client, run_id, self.experiment_id)
            if run is not None and self._is_ours(run, record, known):
                if run.info.lifecycle_stage != "active":
                    self.client.restore_run(run.info.run_id)  # its trials are still below it
                return run
        query = f"tags.`{RECORD_TAG}` = '{record}'"
        runs = self.client.search_runs([self.experiment_id], query)
        return runs[0] if runs else None

    def _is_ours(self, run: Run, record: str, known: Known) -> bool:
        """Whether a study's run is this record's. Earlier versions did not write down whose it is:
        then all trials below it must be the record's."""
        owner = run.data.tags.get(RECORD_TAG)
        if owner is not None or run.info.run_id == known.run:
            return owner in (None, record)
        tags = [
            (child.info.run_id, child.data.tags)
            for child in below(self.client, self.experiment_id, run.info.run_id)
            if "fairtune.trial" in child.data.tags
        ]
        if not tags:
            return False
        trials = known.trials()
        names = ("fairtune.trial", "fairtune.config_hash", "fairtune.seed")
        return all(
            run_id in known.runs or tuple(said.get(name, "") for name in names) in trials
            for run_id, said in tags
        )


def below(client: MlflowClient, experiment_id: str, parent: str) -> list[Run]:
    """The runs that MLflow shows below another one, its children."""
    query = f"tags.`mlflow.parentRunId` = '{parent}'"
    page = client.search_runs([experiment_id], query, max_results=PAGE)
    found = list(page)
    while page.token:
        page = client.search_runs([experiment_id], query, max_results=PAGE, page_token=page.token)
        found += page
    return found


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


def run_or_none(client: MlflowClient, run_id: str | None, experiment_id: str) -> Run | None:
    """The run of an experiment, or None where it was never made or was deleted."""
    run = run_or_deleted(client, run_id, experiment_id)
    return run if run is not None and run.info.lifecycle_stage == "active" else None


def run_or_deleted(client: MlflowClient, run_id: str | None, experiment_id: str) -> Run | None:
    """The run, also one that was deleted and can be restored; None where there is none, and where
    it is one of another experiment, whose places nobody has looked at."""
    run = None if run_id is None else run_by_id(client, run_id)
    return run if run is not None and run.info.experiment_id == experiment_id else None


def run_by_id(client: MlflowClient, run_id: str) -> Run | None:
    """A run of any experiment, to read what it says; None where there is none."""
    try:
        return client.get_run(run_id)
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return None
        raise
