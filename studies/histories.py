"""Metrics of every epoch, which only MLflow holds; the objective's own curve is in the trial."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

from lightning_modules.errors import StorageError
from studies.archive_reader import SQLITE, connect
from studies.home import Home, redact

Histories = dict[str, dict[str, dict[int, float]]]
"""{run: {metric: {epoch: value}}}, epochs counted from 1; values that are not finite are left out.
"""


def histories(home: Home, runs: Sequence[str], metrics: Sequence[str]) -> Histories:
    """Some metrics of some runs, epoch by epoch; runs that MLflow does not know are empty.

    Raises StorageError where MLflow's store cannot be read.
    """
    if not runs:
        return {}
    if home.mlflow_uri.startswith(SQLITE):
        path = Path(home.mlflow_uri.removeprefix(SQLITE))
        return _from_file(path, runs, metrics) if path.exists() else {run: {} for run in runs}
    return _from_server(home.mlflow_uri, runs, metrics)


def _from_file(path: Path, runs: Sequence[str], metrics: Sequence[str]) -> Histories:
    """One query in place of one request for every run and metric, and without importing MLflow."""
    query = "select run_uuid, key, step, value from metrics where not is_nan"
    query += f" and run_uuid in ({_marks(runs)}) and key in ({_marks(metrics)})"
    found: Histories = {run: {} for run in runs}
    try:
        with closing(connect(path)) as database:
            for run, metric, epoch, value in database.execute(query, [*runs, *metrics]):
                if abs(value) < 1e300:  # MLflow writes infinity as the largest number
                    found[run].setdefault(metric, {})[epoch] = value
    except sqlite3.Error as error:
        raise StorageError(f"{path}: the MLflow database cannot be read: {error}") from None
    return {run: _sorted(of_run) for run, of_run in found.items()}


def _from_server(uri: str, runs: Sequence[str], metrics: Sequence[str]) -> Histories:
    from studies.mirrors.mlflow_client import MlflowException, connect

    client = connect(uri)
    found: Histories = {run: {} for run in runs}
    try:
        for run in runs:
            for metric in metrics:
                points = client.get_metric_history(run, metric)
                curve = {p.step: p.value for p in points if math.isfinite(p.value)}
                if curve:
                    found[run][metric] = curve
    except MlflowException as error:
        reason = str(error).partition("\n")[0]
        raise StorageError(f"MLflow at {redact(uri)} cannot be read: {reason}") from None
    return {run: _sorted(of_run) for run, of_run in found.items()}


def _sorted(of_run: Mapping[str, Mapping[int, float]]) -> dict[str, dict[int, float]]:
    return {metric: dict(sorted(curve.items())) for metric, curve in of_run.items()}


def _marks(values: Sequence[str]) -> str:
    return ",".join("?" * len(values))
