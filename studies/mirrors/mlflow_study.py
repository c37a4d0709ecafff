"""Brings MLflow up to what the home says of a study: the study's run, and a run below it per trial.

Whatever was written before an error is found again, so nothing is written twice.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from lightning_modules.errors import StorageError
from studies.mirrors import logged_model
from studies.comparison import Finding
from studies.description import describe, trials_table
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
from studies.report import render
from studies.results import StudyResults
from studies.sentences import verdicts
from studies.spec import Spec
from studies.spool import Spool
from studies.trial_run import MAX_TAG_LENGTH, TrialRun, points

PARENT_TAG = "fairtune.parent_run_id"
RESULTS_TAG = "fairtune.results"
BEST_TAG = "fairtune.best_run"

Checkpoints = Sequence[tuple[str, Path]]


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
        parent = run_or_none(client, named) if named else self._unnamed(client, experiment_id)
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

    def end(self, status: str, at: int | None = None) -> None:
        """End the study's run."""
        self.client.set_terminated(self.parent_id, status, at)
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
        for tag, value in verdict_tags(found).items():
            self.client.set_tag(self.parent_id, tag, value[:MAX_TAG_LENGTH])
        name = f"best/{self.spec.objective.metric}"
        values = {name: next((trial.value for trial in results.ranking), None)}
        if results.best is not None and results.best.runs:
            values[f"expected/{results.best.metric}"] = results.best.value
        known = parent.data.metrics
        changed = {n: v for n, v in values.items() if v is not None and known.get(n) != v}
        if changed:
            new = list(points(changed, _ended(results), len(results.ended)))
            self.client.log_batch(self.parent_id, metrics=new, synchronous=True)

    def _write_checkpoints(
        self, results: StudyResults, best_checkpoints: Checkpoints, parent: Run
    ) -> None:
        ids = {trial.key: trial.run_id for trial in results.trials}
        runs = [(run_or_none(self.client, ids[key]), path) for key, path in best_checkpoints]
        for run, checkpoint in runs:
            if run is not None:
                with tempfile.TemporaryDirectory() as folder:
                    copy = shutil.copyfile(checkpoint, Path(folder) / "best.pt")
                    self.client.log_artifact(run.info.run_id, str(copy), "checkpoints")
        best = runs[0][0] if runs else None
        if best is None or not runs[0][1].with_suffix(".npy").exists():
            return  # a program's weights, or inputs that are more than one array
        if parent.data.tags.get(BEST_TAG) != best.info.run_id:
            logged_model.log_model(self.client, best, runs[0][1])
            self.client.set_tag(self.parent_id, BEST_TAG, best.info.run_id)


def verdict_tags(found: Finding) -> dict[str, str]:
    """What a comparison claims and may say, as the study's run carries it."""
    design = found.comparison.design
    if design.claim is None:
        return {}
    said = "; ".join(verdicts(found.comparison)) or "no verdict"
    return {"fairtune.claim": design.claim, "fairtune.verdict": said}


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


def _fingerprint(results: StudyResults, best_checkpoints: Checkpoints) -> str:
    trials = [(t.key, t.outcome, t.value, t.run_id, t.reason) for t in results.trials]
    told = [results.spec.text, trials, [key for key, _ in best_checkpoints]]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]


def _ended(results: StudyResults) -> int:
    """When the last trial ended."""
    ends = [trial.ended for trial in results.trials if trial.ended]
    return int(max(ends).timestamp() * 1000) if ends else now()


def now() -> int:
    """Milliseconds, as MLflow counts them."""
    return time.time_ns() // 1_000_000
