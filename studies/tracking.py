"""The only way into MLflow: an experiment per study, a run for the study, a run below per trial.

The driver's calls only queue. One thread writes: a short trial in one batch at its end, a longer
one about once a second, so that the MLflow UI is live.
"""

from __future__ import annotations

import hashlib
import json
import queue
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from logging import getLogger
from pathlib import Path

from lightning_modules.errors import StorageError
from studies import logged_model
from studies.comparison import Finding
from studies.description import describe, trials_table
from studies.home import Home, slug
from studies.mlflow_client import (
    MlflowClient,
    MlflowException,
    Run,
    connect,
    is_database,
    resolve_tags,
    usable,
)
from studies.records import Outcome, TrialEnd, TrialRecord
from studies.report import render
from studies.results import StudyResults
from studies.spec import Spec
from studies.trial_run import MAX_TAG_LENGTH, TrialRun, find, points

FLUSH_SECONDS = 1.0
PARENT_TAG = "fairtune.parent_run_id"
RESULTS_TAG = "fairtune.results"
BEST_TAG = "fairtune.best_run"


def prefetch() -> None:
    """Load what `finish` needs, which takes two seconds, at a time when the driver is idle."""
    import studies.report_page  # noqa: F401

    logged_model.prefetch()


@dataclass
class MlflowTracker:
    """Writes one study to MLflow; made by `open`, ended by `close`."""

    uri: str
    client: MlflowClient
    spec: Spec
    experiment_id: str
    parent_id: str
    tags: Mapping[str, str]
    """What all trials share."""
    running: bool
    """Whether MLflow shows the study as running."""
    failure: Exception | None = None
    """What ended the writing; nothing is written after it."""
    _failure_raised: bool = False
    _queue: queue.Queue[Callable[[], None] | None] = field(default_factory=queue.Queue)
    _ids: dict[str, Future[str]] = field(default_factory=dict)
    _open: dict[str, TrialRun] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._work, name="mlflow", daemon=True)
        self._thread.start()

    @classmethod
    def open(cls, home: Home, spec: Spec) -> MlflowTracker:
        """The study's experiment and run, created where they are missing.

        Raises StorageError where MLflow cannot be used.
        """
        client = connect(home.mlflow_uri)
        ours = {"fairtune.study": spec.study, "fairtune.version": version("fairtune")}
        shared = {**resolve_tags(), **ours}
        with usable(home.mlflow_uri):
            experiment_id, parent_id = _experiment(client, home, spec.study)
            parent = _run_or_none(client, parent_id)
            if parent is None:
                own = {
                    "fairtune.sampler": str(spec.sampler),
                    "fairtune.pruner": str(spec.pruner),
                }
                parent = client.create_run(
                    experiment_id, tags={**shared, **own}, run_name=spec.study
                )
                client.set_experiment_tag(experiment_id, PARENT_TAG, parent.info.run_id)
        parent_id = parent.info.run_id
        tags = {**shared, "mlflow.parentRunId": parent_id}
        running = parent.info.status == "RUNNING"
        return cls(home.mlflow_uri, client, spec, experiment_id, parent_id, tags, running)

    def start_trial(self, record: TrialRecord, *, resume: bool) -> None:
        """A trial starts now; with `resume` it continues the run of an interrupted attempt."""
        self._ids.setdefault(record.key, Future())
        self._queue.put(partial(self._start, record, resume, _now()))

    def epoch(self, key: str, epoch: int, metrics: Mapping[str, float]) -> None:
        """A trial finished an epoch now."""
        now = _now()
        self._queue.put(lambda: self._open[key].epoch(epoch, metrics, now))

    def finish_trial(self, key: str, end: TrialEnd) -> None:
        """A trial ended now."""
        now = _now()
        self._queue.put(lambda: self._open.pop(key).end(end, now))

    def run_id(self, key: str) -> str | None:
        """The run of a trial that was started; raises StorageError where MLflow has failed."""
        if key not in self._ids:
            return None
        run_id = self._ids[key].result()
        self._raise_failure()
        return run_id

    def finish(self, found: Finding, best_checkpoints: Sequence[tuple[str, Path]]) -> None:
        """Write the study's results to its run; the first checkpoint becomes a logged model.

        Results that were written before are not written again.
        """
        self._queue.join()
        self._raise_failure()
        results = found.results
        status = "FINISHED" if results.finished else "KILLED"
        with usable(self.uri):
            parent = self.client.get_run(self.parent_id)
            fingerprint = _fingerprint(results, best_checkpoints)
            if parent.data.tags.get(RESULTS_TAG) != fingerprint:
                self._write_results(found, parent)
                self._write_checkpoints(results, best_checkpoints, parent)
                self.client.set_tag(self.parent_id, RESULTS_TAG, fingerprint)
            if parent.info.status != status:
                self.client.set_terminated(self.parent_id, status)
        self.running = False

    def close(self, status: str) -> None:
        """Write what waits, end the runs that are still open, and end the thread."""
        if self._thread.is_alive():
            self._queue.put(partial(self._end_open_runs, status))
            self._queue.put(None)
            self._thread.join()
        if self.failure is not None and not self._failure_raised:
            getLogger("fairtune").warning("not everything reached MLflow: %s", self.failure)

    def _raise_failure(self) -> None:
        if self.failure is not None:
            self._failure_raised = True
            raise self.failure

    def _work(self) -> None:
        """The thread: do what was queued, and write what has waited long enough."""
        while True:
            try:
                todo = self._queue.get(timeout=FLUSH_SECONDS if self._open else None)
            except queue.Empty:
                self._do(self._write_waiting)
                continue
            if todo is not None:
                self._do(todo)
                self._do(self._write_waiting)
            self._queue.task_done()
            if todo is None:
                return

    def _do(self, todo: Callable[[], None]) -> None:
        if self.failure is None:
            try:
                with usable(self.uri):
                    todo()
            except Exception as error:
                self.failure = error
        if self.failure is not None:
            for run_id in list(self._ids.values()):
                if not run_id.done():
                    run_id.set_exception(self.failure)

    def _start(self, record: TrialRecord, resume: bool, now: int) -> None:
        if record.key in self._open:
            return  # it waited for a trial of the same configuration and trains after all
        if not self.running:
            self.client.update_run(self.parent_id, status="RUNNING")
            self.running = True
        found = find(self.client, self.experiment_id, self.parent_id, record) if resume else None
        if found is None:
            run = TrialRun.create(self.client, self.experiment_id, self.tags, record, now)
        else:
            run = TrialRun.resume(self.client, found, record, self.spec.objective.metric)
        self._open[record.key] = run
        if not self._ids[record.key].done():
            self._ids[record.key].set_result(run.run_id)

    def _write_waiting(self) -> None:
        for run in self._open.values():
            if run.metrics and time.monotonic() - run.written >= FLUSH_SECONDS:
                run.write()

    def _end_open_runs(self, status: str) -> None:
        for run in self._open.values():
            run.write()
            self.client.set_terminated(run.run_id, Outcome.interrupted.mlflow_status)
        if self.running:
            self.client.set_terminated(self.parent_id, status)

    def _write_results(self, found: Finding, parent: Run) -> None:
        results = found.results
        self.client.log_text(self.parent_id, self.spec.text, "study.yaml")
        if results.finished:
            page = render(results, "html", found.comparison)
            self.client.log_text(self.parent_id, page, "report.html")
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "trials.parquet"
            trials_table(results).to_parquet(path)
            self.client.log_artifact(self.parent_id, str(path))
        note = describe(found)
        note = note if len(note) <= MAX_TAG_LENGTH else note[: MAX_TAG_LENGTH - 1] + "…"
        self.client.set_tag(self.parent_id, "mlflow.note.content", note)
        name = f"best/{self.spec.objective.metric}"
        best = next((trial.value for trial in results.ranking), None)
        if best is not None and parent.data.metrics.get(name) != best:
            new = list(points({name: best}, _now(), len(results.ended)))
            self.client.log_batch(self.parent_id, metrics=new, synchronous=True)

    def _write_checkpoints(
        self, results: StudyResults, best_checkpoints: Sequence[tuple[str, Path]], parent: Run
    ) -> None:
        ids = {trial.key: trial.run_id for trial in results.trials}
        runs = [(_run_or_none(self.client, ids[key]), path) for key, path in best_checkpoints]
        for run, checkpoint in runs:
            if run is not None:
                with tempfile.TemporaryDirectory() as folder:
                    copy = shutil.copyfile(checkpoint, Path(folder) / "best.pt")
                    self.client.log_artifact(run.info.run_id, str(copy), "checkpoints")
        best = runs[0][0] if runs else None
        if best is not None and parent.data.tags.get(BEST_TAG) != best.info.run_id:
            logged_model.log_model(self.client, best, runs[0][1])
            self.client.set_tag(self.parent_id, BEST_TAG, best.info.run_id)


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


def _run_or_none(client: MlflowClient, run_id: str | None) -> Run | None:
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


def _fingerprint(results: StudyResults, best_checkpoints: Sequence[tuple[str, Path]]) -> str:
    trials = [(t.key, t.outcome, t.value, t.run_id, t.reason) for t in results.trials]
    told = [results.spec.text, trials, [key for key, _ in best_checkpoints]]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]


def _now() -> int:
    """Milliseconds, as MLflow counts them."""
    return time.time_ns() // 1_000_000
