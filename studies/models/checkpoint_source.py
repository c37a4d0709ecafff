"""Where a trial's trained network is: in the home, or at its MLflow run."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lightning_modules.errors import StorageError
from studies.home import sqlite_file
from studies.home.boundary import require_no_pipe
from studies.records import Trial
from studies.results import StudyResults

IN_MLFLOW = "checkpoints/best.pt"
"""Where a run has its checkpoint among its artifacts."""


@contextmanager
def checkpoint_of(results: StudyResults, trial: Trial) -> Iterator[Path]:
    """A trial's checkpoint: in the home, else a copy from its MLflow run.

    Raises StorageError where neither has it.
    """
    path = results.home.checkpoint(results.study, trial.key)
    require_no_pipe(path)
    if path.exists():
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        found = _from_mlflow(results, trial, folder)
        if found is None:
            raise StorageError(
                f"{path}: the checkpoint of {trial.key} is not there, nor in MLflow; only those of "
                "the best few trials and of the confirmed one are kept"
            )
        yield found


def _from_mlflow(results: StudyResults, trial: Trial, folder: str) -> Path | None:
    """A trial's checkpoint, copied from its MLflow run to a folder; None where it has none."""
    home = results.home
    store = sqlite_file(home.mlflow_uri)
    if trial.run_id is None or (store is not None and not store.exists()):
        return None
    from studies.mirrors.mlflow.client import usable  # takes seconds
    from studies.mirrors.mlflow.places import connect_home
    from studies.mirrors.mlflow.study import run_or_none

    client = connect_home(home, results.study)
    with usable(home.mlflow_uri):
        experiment = client.get_experiment_by_name(results.study)
        if experiment is None:
            return None
        run = run_or_none(client, trial.run_id, experiment.experiment_id)
        if run is None:
            return None
        if IN_MLFLOW not in {
            each.path for each in client.list_artifacts(trial.run_id, "checkpoints")
        }:
            return None
        return Path(client.download_artifacts(trial.run_id, IN_MLFLOW, folder))
