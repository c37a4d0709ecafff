"""The only way into MLflow: an experiment per study, a run for the study, a run below per trial.

The driver's calls write to the spool and return. A thread brings MLflow up to it: a short trial in
one batch at its end, a longer one about once a second, so that the MLflow UI is live. While MLflow
cannot be reached the study goes on; what is left at its end is delivered by `fairtune sync`.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from importlib.metadata import version
from logging import getLogger
from pathlib import Path

from lightning_modules.errors import StorageError
from studies import logged_model
from studies.comparison import Finding
from studies.description import describe, trials_table
from studies.home import Home, disk_is_full, slug
from studies.mlflow_client import (
    MlflowClient,
    MlflowException,
    Run,
    connect,
    is_database,
    is_file,
    resolve_tags,
    usable,
)
from studies.records import STOPPED, Outcome, TrialEnd, TrialRecord
from studies.report import render
from studies.results import StudyResults
from studies.spec import Spec
from studies.spool import Spool
from studies.trial_run import MAX_TAG_LENGTH, TrialRun, params_of, points, tags_of
from studies.uploader import Uploader

FLUSH_SECONDS = 1.0
OPEN_SECONDS = 1.0
"""How long the start of a run waits for a server."""
RUN_ID_SECONDS = 0.5
"""How long a trial's end waits for the id of its run; not again before MLflow has answered."""
FINISH_SECONDS = 3.0
"""How long the end of a run goes on trying where MLflow fails."""
PARENT_TAG = "fairtune.parent_run_id"
RESULTS_TAG = "fairtune.results"
BEST_TAG = "fairtune.best_run"
STUDY = ""
"""The study's own run, among the names of trials."""

Checkpoints = Sequence[tuple[str, Path]]


class MlflowTracker:
    """Tracks one study while it runs; made by `open`, ended by `close`."""

    def __init__(self, home: Home, spec: Spec) -> None:
        self.uri = home.mlflow_uri
        self.study = spec.study
        self.spool = Spool(home, spec.study)
        self.shared = shared_tags(spec.study)
        self.delivery = Delivery(home, spec, self.spool, self.shared)
        self._uploader = Uploader(self._deliver, self._offline)
        self._study_job: Callable[[], None] = lambda: None
        self._new: set[str] = set()
        """Trials whose run nobody has tried to make."""
        self._ids: dict[str, Future[str]] = {}
        self._patience = RUN_ID_SECONDS
        self._tried = threading.Event()
        self._warned = False
        self._left: list[str] = []

    @classmethod
    def open(cls, home: Home, spec: Spec) -> MlflowTracker:
        """A tracker; it first delivers what an earlier run of the study has left.

        Raises StorageError where the MLflow database of the home cannot be used; a server may be
        away.
        """
        tracker = cls(home, spec)
        tracker.spool.close_abandoned()
        if is_file(home.mlflow_uri):
            with usable(home.mlflow_uri):
                tracker.delivery.open()
        for name in (STUDY, *tracker.spool.waiting()):
            tracker._uploader.add(name)
        tracker._uploader.start()
        tracker._tried.wait(OPEN_SECONDS)
        return tracker

    def start_trial(self, record: TrialRecord, *, resume: bool) -> None:
        """A trial starts now; with `resume` it continues the run of an interrupted attempt."""
        name = slug(record.key)
        if name in self.spool.under_way():
            return  # it waited for a trial of the same configuration and trains after all
        self._ids.setdefault(record.key, Future())
        tags = {**self.shared, **tags_of(record)}
        params = params_of(record)
        first = self.spool.start(record.key, resumed=resume, tags=tags, params=params, now=_now())
        if first and not resume:
            self._new.add(name)
        self._uploader.add(name)

    def epoch(self, key: str, epoch: int, metrics: Mapping[str, float]) -> None:
        """A trial finished an epoch now."""
        self.spool.epoch(key, epoch, metrics, _now())
        self._uploader.add(slug(key), FLUSH_SECONDS)

    def finish_trial(self, key: str, end: TrialEnd) -> None:
        """A trial ended now."""
        self.spool.end(key, end, _now())
        self._uploader.add(slug(key))

    def run_id(self, key: str) -> str | None:
        """The run of a trial that was started; None where MLflow does not say it in time."""
        if key not in self._ids:
            return None
        try:
            return self._ids[key].result(0 if self._uploader.failure else self._patience)
        except TimeoutError:
            self._patience = 0.0
            return None

    def settle(self) -> list[str]:
        """Deliver everything now; the names of the trials that MLflow does not take."""
        self._left = self._uploader.settle(0.0 if self._left else FINISH_SECONDS)
        return [name for name in self._left if name != STUDY]

    def prefetch(self) -> None:
        """Load what `finish` needs, which takes two seconds, at a time when the driver is idle."""
        import studies.report_page  # noqa: F401

        logged_model.prefetch()

    def finish(self, found: Finding, best_checkpoints: Checkpoints) -> None:
        """Write the study's results to its run; the first checkpoint becomes a logged model.

        Raises StorageError where the disk of the home is full.
        """
        self._study_job = lambda: self.delivery.finish(found, best_checkpoints)
        self._uploader.add(STUDY)
        self.settle()
        failure = self._uploader.failure
        if failure is not None and disk_is_full(failure):
            raise failure

    def close(self, status: str) -> None:
        """End the runs that are still open, deliver, say what is left, and end the thread."""
        end = TrialEnd(Outcome.interrupted, reason=STOPPED)
        with contextlib.suppress(StorageError):  # it was said, and the next run makes up for it
            for name in self.spool.under_way():
                self.spool.end(name, end, _now())
                self._uploader.add(name)
        if self.delivery.running:
            self._study_job = lambda: self.delivery.end(status)
            self._uploader.add(STUDY)
        trials = self.settle()
        if self._left:
            count = f"{len(trials)} trials" if trials else "the results"
            text = "%s of study %s wait for MLflow; `fairtune sync %s` delivers them"
            getLogger("fairtune").warning(text, count, self.study, self.study)
        self._uploader.stop(0.0 if self._left else FINISH_SECONDS)

    def _deliver(self, name: str) -> None:
        """On the thread: bring a run up to what is known."""
        try:
            with usable(self.uri):
                self.delivery.open()
                self._tried.set()
                if name == STUDY:
                    self._study_job()
                    return
                new = name in self._new
                self._new.discard(name)
                key, run_id = self.delivery.trial(name, new=new)
                if new and self.delivery.is_under_way(name):
                    self._uploader.add(name, FLUSH_SECONDS)
        except BaseException:
            self.delivery.forget()
            raise
        self._patience = RUN_ID_SECONDS
        waiting = self._ids.get(key)
        if waiting is not None and not waiting.done():
            waiting.set_result(run_id)

    def _offline(self, error: Exception) -> None:
        """On the thread: MLflow stopped taking records."""
        self._tried.set()
        if not self._warned:
            self._warned = True
            getLogger("fairtune").warning(
                "%s. The study goes on; its records wait in %s", error, self.spool.folder
            )


class Delivery:
    """Brings MLflow up to what the home says of one study."""

    def __init__(
        self,
        home: Home,
        spec: Spec,
        spool: Spool,
        shared: Mapping[str, str],
        started: int | None = None,
    ) -> None:
        """`started` is when the study began, where that was not now."""
        self.home = home
        self.spec = spec
        self.spool = spool
        self.shared = shared
        self.started = started
        self.running = False
        """Whether MLflow shows the study as running."""
        self.experiment_id = ""
        self.parent_id = ""
        self._client: MlflowClient | None = None
        self._runs: dict[str, TrialRun] = {}
        """Of the trials that have not ended."""
        self._done: dict[str, tuple[int, str]] = {}
        """How much of a trial's file was delivered here, and to which run."""

    def open(self) -> None:
        """Find the study's experiment and run, or make them."""
        if self.parent_id:
            return
        self._client = client = connect(self.home.mlflow_uri)
        experiment_id, named = _experiment(client, self.home, self.spec.study)
        parent = _run_or_none(client, named) if named else self._unnamed(client, experiment_id)
        if parent is None:
            own = {"fairtune.sampler": str(self.spec.sampler)}
            own["fairtune.pruner"] = str(self.spec.pruner)
            tags = {**self.shared, **own}
            parent = client.create_run(experiment_id, self.started, tags, self.spec.study)
        if parent.info.run_id != named:
            client.set_experiment_tag(experiment_id, PARENT_TAG, parent.info.run_id)
        self.experiment_id, self.parent_id = experiment_id, parent.info.run_id
        self.running = parent.info.status == "RUNNING"

    def forget(self) -> None:
        """Something failed: look again before the next writing."""
        self.parent_id = ""
        self._runs.clear()

    def trial(self, name: str, *, new: bool = False) -> tuple[str, str]:
        """Bring the run of a trial up to the spool; the trial's key and its run."""
        trial = self.spool.read(name)
        assert trial is not None
        size, run_id = self._done.get(name, (0, ""))
        if trial.size == size:
            return trial.key, run_id  # its end came while it was being delivered
        if trial.end is None and not self.running:
            self.client.update_run(self.parent_id, status="RUNNING")
            self.running = True
        run = self._runs.pop(name, None) or TrialRun.open(
            self.client, self.experiment_id, self.parent_id, trial, new=new
        )
        if trial.end is not None:
            run.deliver(trial)
            self.spool.delivered(trial, run.run_id)
            self._done[name] = (trial.size, run.run_id)
        else:
            self._runs[name] = run
            if not new:  # a trial that ends soon is written in one go
                run.deliver(trial)
        return trial.key, run.run_id

    def is_under_way(self, name: str) -> bool:
        """Whether the trial had not ended when it was last brought up."""
        return name in self._runs

    def finish(self, found: Finding, best_checkpoints: Checkpoints) -> None:
        """Write the study's results to its run, unless they were written before."""
        results = found.results
        status = "FINISHED" if results.finished else "KILLED"
        parent = self.client.get_run(self.parent_id)
        fingerprint = _fingerprint(results, best_checkpoints)
        if parent.data.tags.get(RESULTS_TAG) != fingerprint:
            self._write_results(found, parent)
            self._write_checkpoints(results, best_checkpoints, parent)
            self.client.set_tag(self.parent_id, RESULTS_TAG, fingerprint)
        if parent.info.status != status:
            self.end(status, _ended(results))

    def end(self, status: str, now: int | None = None) -> None:
        """End the study's run."""
        self.client.set_terminated(self.parent_id, status, now)
        self.running = False

    @property
    def client(self) -> MlflowClient:
        assert self._client is not None, "open comes first"
        return self._client

    def _unnamed(self, client: MlflowClient, experiment_id: str) -> Run | None:
        """The run of the study where MLflow failed between making and naming it."""
        runs = client.search_runs([experiment_id], f"run_name = '{self.spec.study}'")
        return runs[0] if runs else None

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
            new = list(points({name: best}, _ended(results), len(results.ended)))
            self.client.log_batch(self.parent_id, metrics=new, synchronous=True)

    def _write_checkpoints(
        self, results: StudyResults, best_checkpoints: Checkpoints, parent: Run
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


def shared_tags(study: str) -> dict[str, str]:
    """What all runs of a study carry: who runs it, from where, with which version."""
    ours = {"fairtune.study": study, "fairtune.version": version("fairtune")}
    return {**resolve_tags(), **ours}


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


def _fingerprint(results: StudyResults, best_checkpoints: Checkpoints) -> str:
    trials = [(t.key, t.outcome, t.value, t.run_id, t.reason) for t in results.trials]
    told = [results.spec.text, trials, [key for key, _ in best_checkpoints]]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]


def _ended(results: StudyResults) -> int:
    """When the last trial ended."""
    ends = [trial.ended for trial in results.trials if trial.ended]
    return int(max(ends).timestamp() * 1000) if ends else _now()


def _now() -> int:
    """Milliseconds, as MLflow counts them."""
    return time.time_ns() // 1_000_000
