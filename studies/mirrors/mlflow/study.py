"""A study in MLflow: its experiment, and the run under which those of its trials are.

Whatever was written before an error is found again, so nothing is written twice.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from itertools import chain
from logging import getLogger
from typing import Any

from lightning_modules.errors import StorageError
from studies.home import Home, home_option, redact, slug
from studies.mirrors.left import sync_command
from studies.mirrors.mlflow.batches import storable_tags
from studies.mirrors.mlflow.client import (
    MlflowClient,
    MlflowException,
    Run,
    ViewType,
    is_database,
    resolve_tags,
)
from studies.mirrors.mlflow.ownership import (
    HOME_TAG,
    RECORD_TAG,
    below,
    home_mark,
    is_of_other_home,
    owned,
    parents_of,
)
from studies.mirrors.mlflow.places import connect_home, is_own, move_artifacts
from studies.mirrors.mlflow.removal import remove_from
from studies.records.reader import IDENTITY
from studies.records.renaming import FORMER_NAMES

STUDY_TAG = "fairtune.study"
PARENT_TAG = "fairtune.parent_run_id"
KIND_TAG, KIND = "mlflow.experimentKind", "custom_model_development"
"""Of an experiment: that MLflow opens it in its view for trainings, not for language models."""
INFERRED = "inferred"
"""How a kind ends that MLflow's pages have guessed."""


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
        self,
        home: Home,
        study: str,
        notes: Mapping[str, Any],
        started: int | None,
        known: Known,
        *,
        rebuild: bool = False,
    ) -> None:
        """`notes` are those of the record, `started` is when the study began.

        Raises StorageError where another home, of which this is a copy, has made the study's run,
        unless it is to be taken over by `rebuild`.
        """
        self.home = home
        self.name = study
        self.shared = shared_tags(study, notes)
        """The tags that all runs of the study carry."""
        self.client = client = connect_home(home, study)
        record = str(notes[IDENTITY])
        if not rebuild:
            _refuse_other_home(client, home, study, record)
        for name in notes.get(FORMER_NAMES, ()):
            _bring_along(client, home, name, study, record)
        self.experiment_id, named = _experiment(client, home, study)
        if is_own(home):
            move_artifacts(home, study)
        parent = self._find(record, known, named)
        self.is_new = parent is None
        """Whether there was no run of the study, nor any of its trials."""
        own = {f"fairtune.{name}": str(notes.get(name, "")) for name in ("sampler", "pruner")}
        own[RECORD_TAG] = record
        if parent is None or rebuild or HOME_TAG not in parent.data.tags:
            own[HOME_TAG] = home_mark(home)
        if parent is None:
            tags = storable_tags({**self.shared, **own})
            parent = client.create_run(self.experiment_id, started, tags, study)
        self.run_id: str = parent.info.run_id
        for name, value in storable_tags(own).items():  # a study that began anew may have others
            if parent.data.tags.get(name) != value:
                client.set_tag(self.run_id, name, value)
        if parent.data.tags.get(STUDY_TAG) != study:
            self._relabel(study)
        is_other = named is not None and named not in (known.run, self.run_id)
        if is_other and self._has_our_trials(str(named), known):  # that run is gone for good
            self.is_new = not self.take_over(str(named)) and self.is_new
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

    def _relabel(self, study: str) -> None:
        """Give the runs the name of the study, the study's own run last: it says that all have
        it."""
        for run in below(self.client, self.experiment_id, self.run_id):
            self.client.set_tag(run.info.run_id, STUDY_TAG, study)
        self.client.set_tag(self.run_id, "mlflow.runName", study)
        self.client.set_tag(self.run_id, STUDY_TAG, study)

    def take_over(self, earlier: str) -> set[str]:
        """Put what is below a run of the study that is gone under this one; all that are there."""
        if run_or_deleted(self.client, earlier, self.experiment_id) is None:
            for run in below(self.client, self.experiment_id, earlier):
                self.client.set_tag(run.info.run_id, "mlflow.parentRunId", self.run_id)
        return {run.info.run_id for run in below(self.client, self.experiment_id, self.run_id)}

    def _find(self, record: str, known: Known, named: str | None) -> Run | None:
        """The run of the study, restored where it was deleted: its trials are still below it."""
        run = self._look_for(record, known, named)
        if run is not None and run.info.lifecycle_stage != "active":
            self.client.restore_run(run.info.run_id)
            _say_restored(f"the run of study {self.name}", self.home, self.name)
        return run

    def _look_for(self, record: str, known: Known, named: str | None) -> Run | None:
        """The run of last time, the one that the experiment names, or one that was made and not
        named. Another home's study of the same name has a run of its own."""
        for run_id in (known.run or None, named):
            run = run_or_deleted(self.client, run_id, self.experiment_id)
            if run is not None and self._is_ours(run, record, known):
                return run
        query = f"tags.`{RECORD_TAG}` = '{record}'"
        runs = self.client.search_runs([self.experiment_id], query, ViewType.ALL)
        return min(runs, key=lambda run: run.info.lifecycle_stage, default=None)

    def _is_ours(self, run: Run, record: str, known: Known) -> bool:
        """Whether a study's run is this record's. Earlier versions did not write down whose it is:
        then all trials below it must be the record's."""
        owner = run.data.tags.get(RECORD_TAG)
        if owner is not None or run.info.run_id == known.run:
            return owner in (None, record)
        return self._has_our_trials(run.info.run_id, known)

    def _has_our_trials(self, parent: str, known: Known) -> bool:
        """Whether there are trials below a run, and all of them are the record's."""
        tags = [
            (child.info.run_id, child.data.tags)
            for child in below(self.client, self.experiment_id, parent)
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


def shared_tags(study: str, notes: Mapping[str, Any]) -> dict[str, str]:
    """What all runs of a study carry: who runs it, from where, with which version."""
    known = notes.get("version:fairtune") or version("fairtune")
    with _source(str(notes.get("source") or sys.argv[0])):
        return {**resolve_tags(), STUDY_TAG: study, "fairtune.version": str(known)}


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
        return client.create_experiment(study, location, {KIND_TAG: KIND}), None
    if experiment.lifecycle_stage != "active":
        client.restore_experiment(experiment.experiment_id)
        _say_restored(f"the experiment {study}", home, study)
    if experiment.tags.get(KIND_TAG, INFERRED).endswith(INFERRED):  # nobody has chosen another one
        client.set_experiment_tag(experiment.experiment_id, KIND_TAG, KIND)
    return experiment.experiment_id, experiment.tags.get(PARENT_TAG)


def _refuse_other_home(client: MlflowClient, home: Home, study: str, record: str) -> None:
    """Raise StorageError where the runs of a record are those of another home."""
    if is_own(home):
        return
    for run in chain.from_iterable(parents_of(client, record).values()):
        if is_of_other_home(home, run):
            take_over = sync_command(home, study, "--rebuild")
            raise StorageError(
                f"the runs of study {study} in {redact(home.mlflow_uri)} were made by another "
                f"home, of which this one is a copy; `{take_over}` takes them over, or name "
                "another store with MLFLOW_TRACKING_URI"
            )


def _bring_along(client: MlflowClient, home: Home, before: str, now: str, record: str) -> None:
    """Give the experiment of a study that has another name that name too. Where somebody else has
    runs in it, or the name is taken, the runs of the record are deleted there: they are made anew.
    """
    experiment = client.get_experiment_by_name(before) if before != now else None
    if experiment is None:
        return
    ours, whole = owned(client, home, experiment.experiment_id, record)
    if not ours:
        return
    if not whole or client.get_experiment_by_name(now) is not None:
        remove_from(client, home, experiment.experiment_id, record)
        return
    if experiment.lifecycle_stage != "active":  # such a one cannot be renamed
        client.restore_experiment(experiment.experiment_id)
    client.rename_experiment(experiment.experiment_id, now)


def _say_restored(what: str, home: Home, study: str) -> None:
    """Say that something of MLflow is there again although somebody has deleted it."""
    text = "%s had been deleted in MLflow and was restored; `%s` deletes the study for good"
    command = f"fairtune delete {study}{home_option(home.path)}"
    getLogger("fairtune").warning(text, what, command)


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
