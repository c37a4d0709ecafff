"""What a home holds, read with Optuna's and MLflow's own clients; and commands that fill it."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
import requests
from optuna.trial import FrozenTrial
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from lightning_modules.configuration import Configuration
from studies.home import Home
from studies.mirrors.mlflow.client import MlflowClient, Run

FAIRTUNE = str(Path(sys.executable).with_name("fairtune"))
"""The command, for tests that need a process of their own."""


def set_options(*assignments: str) -> list[str]:
    """`--set a=1 --set b=2 ...`"""
    return [word for assignment in assignments for word in ("--set", assignment)]


def last_line(output: str) -> Any:
    """The JSON object that stands alone on the last line of a command's standard output."""
    *others, last = output.splitlines()
    assert others == []
    return json.loads(last)


def optuna_trials(home: Home, study: str) -> list[FrozenTrial]:
    """The trials of all of a study's Optuna studies, each opened by its plain URL."""
    storage = optuna.storages.RDBStorage(home.optuna_url)
    names = [each.study_name for each in storage.get_all_studies()]
    mine = [name for name in names if name == study or name.startswith((f"{study}/", f"{study}:"))]
    trials = [
        trial
        for name in mine
        for trial in optuna.load_study(study_name=name, storage=storage).get_trials()
    ]
    storage.remove_session()
    storage.engine.dispose()
    return trials


@dataclass(frozen=True)
class Runs:
    """A study in MLflow: the run of the study, and those of its trials."""

    client: MlflowClient
    parent: Run
    children: list[Run]

    @classmethod
    def of(cls, home: Home, study: str) -> "Runs":
        client = MlflowClient(f"sqlite:///{home.path / 'mlflow.db'}")
        experiment = client.get_experiment_by_name(study)
        assert experiment is not None
        runs = client.search_runs([experiment.experiment_id])
        parents = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
        assert len(parents) == 1
        parent = parents[0]
        query = f"tags.`mlflow.parentRunId` = '{parent.info.run_id}'"
        children = client.search_runs([experiment.experiment_id], query)
        assert len(children) == len(runs) - 1
        return cls(client, parent, children)

    def steps(self, run: Run) -> dict[str, list[int]]:
        """The steps at which every metric of a run was logged, in order."""
        return {
            name: sorted(
                point.step for point in self.client.get_metric_history(run.info.run_id, name)
            )
            for name in run.data.metrics
        }


def configuration(trial: FrozenTrial) -> Configuration:
    """What a trial trained, as its Optuna record says."""
    return Configuration.resolve(json.loads(trial.user_attrs["configuration"]))


def as_parameters(flat: Mapping[str, Any]) -> dict[str, str]:
    """A dotted configuration in MLflow's spelling."""
    return {
        path: json.dumps(value) if isinstance(value, list) else str(value)
        for path, value in flat.items()
    }


@contextmanager
def serving(home: Home) -> Iterator[tuple[subprocess.Popen[str], str, requests.Session]]:
    """`fairtune ui` on a free port, its address, and a session that waits until it listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    argv = [FAIRTUNE, "ui", "--home", str(home.path), "--port", str(port), "--no-token"]
    patience = Retry(total=None, connect=200, backoff_factor=0.1, backoff_max=0.5)
    with subprocess.Popen(argv, text=True) as process, requests.Session() as session:
        session.mount("http://", HTTPAdapter(max_retries=patience))
        try:
            yield process, f"http://127.0.0.1:{port}", session
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
