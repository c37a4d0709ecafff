"""What MLflow has of a study's trials: their runs, and all metrics of their epochs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from logging import getLogger

from lightning_modules.errors import StorageError
from studies.devices.measuring import GPU_MEMORY, GPU_UTILIZATION, MEMORY
from studies.home import Home, sqlite_file
from studies.mirrors.mlflow.client import MlflowClient, Run, usable
from studies.mirrors.mlflow.places import connect_home
from studies.records import Trial
from studies.records.types import EpochRow

PAGE = 1000
LAST = ("best/", "test/", MEMORY, GPU_MEMORY, GPU_UTILIZATION)
"""How the names of what is logged once begin, at the end of a trial."""


@dataclass
class StudyRuns:
    """The runs of a study's trials by the trial's key; none where MLflow cannot be asked."""

    uri: str
    runs: dict[str, Run] = field(default_factory=dict)
    client: MlflowClient | None = None

    def find(self, trial: Trial) -> Run | None:
        """The run of a trial, where it is the same training."""
        run = self.runs.get(trial.key)
        if run is None:
            return None
        known = [run.data.tags.get(f"fairtune.{name}") for name in ("config_hash", "seed")]
        return run if known == [trial.config_hash, str(trial.seed)] else None

    def epochs(self, key: str) -> list[EpochRow]:
        """Every epoch of a trial with all metrics that MLflow has of it."""
        assert self.client is not None
        run = self.runs[key]
        found: dict[int, EpochRow] = {}
        with usable(self.uri):
            for name in filter(lambda name: not name.startswith(LAST), run.data.metrics):
                for point in self.client.get_metric_history(run.info.run_id, name):
                    row = found.setdefault(point.step, EpochRow(point.step, point.timestamp, {}))
                    metrics = {**row.metrics, name: point.value}
                    found[point.step] = EpochRow(row.epoch, max(row.time, point.timestamp), metrics)
        return [found[epoch] for epoch in sorted(found)]


def find_runs(home: Home, study: str) -> StudyRuns:
    """The runs of a study's trials; where MLflow cannot be read a warning says so."""
    uri = home.mlflow_uri
    path = sqlite_file(uri)
    if path is not None and not path.exists():
        return StudyRuns(uri)
    try:
        client = connect_home(home, study)
        with usable(uri):
            runs = {run.data.tags["fairtune.trial"]: run for run in _runs(client, study)}
    except StorageError as error:
        text = "%s. What it has of study %s is not imported"
        getLogger("fairtune").warning(text, error, study)
        return StudyRuns(uri)
    return StudyRuns(uri, runs, client)


def _runs(client: MlflowClient, study: str) -> Iterable[Run]:
    experiment = client.get_experiment_by_name(study)
    token = "" if experiment is not None else None
    while token is not None and experiment is not None:
        page = client.search_runs(
            [experiment.experiment_id], max_results=PAGE, page_token=token or None
        )
        yield from (run for run in page if "fairtune.trial" in run.data.tags)
        token = page.token or None
