"""The MLflow run of one trial: found or created, then brought up to what the spool says of it.

Bringing it up again writes nothing, so a reply that was lost does no harm. NaN is logged and comes
back as NaN. Infinity is not logged: MLflow would give back 1.8e308.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from studies.mirrors.mlflow_client import Metric, MlflowClient, Param, Run, RunTag
from studies.records import Outcome, TrialRecord
from studies.spool import SpooledTrial

MAX_METRICS, MAX_PARAMS = 900, 100
"""A batch takes 1000 entries in all."""
MAX_PARAM_LENGTH, MAX_TAG_LENGTH = 6000, 8000
ENDING_TAGS = {"fairtune.outcome", "fairtune.reason"}


@dataclass
class TrialRun:
    """A run and what it is known to hold."""

    client: MlflowClient
    run_id: str
    status: str
    held: set[tuple[str, int]] = field(default_factory=set)
    """Metrics by name and step."""
    has_params: bool = False
    has_outcome: bool = False

    @classmethod
    def open(
        cls,
        client: MlflowClient,
        experiment_id: str,
        parent_id: str,
        trial: SpooledTrial,
        new: bool,
    ) -> TrialRun:
        """The run of a trial, made where it is missing; nobody looks for one that is `new`."""
        tags = {**trial.tags, "mlflow.parentRunId": parent_id}
        found = None if new else find(client, experiment_id, tags)
        if found is None:
            run = client.create_run(experiment_id, trial.started, tags, trial.key)
            return cls(client, run.info.run_id, run.info.status)
        run_id = found.info.run_id
        held = {
            (name, metric.step)
            for name in found.data.metrics
            for metric in client.get_metric_history(run_id, name)
        }
        outcome = bool(ENDING_TAGS & found.data.tags.keys())
        return cls(client, run_id, found.info.status, held, has_outcome=outcome)

    def deliver(self, trial: SpooledTrial) -> None:
        """Write what the run lacks."""
        if trial.end is None and (self.status != "RUNNING" or self.has_outcome):
            self._reopen()
        tags = dict(_ending_tags(trial))
        metrics = [point for point in _points(trial) if (point.key, point.step) not in self.held]
        params = [] if self.has_params else [Param(*item) for item in trial.params.items()]
        if trial.end is None and not metrics:
            return  # the parameters go with the first metrics, in one batch
        self._write(metrics, params, [RunTag(*item) for item in tags.items()])
        self.has_params, self.has_outcome = True, trial.end is not None
        if trial.end is not None:
            if trial.end.traceback:
                self.client.log_text(self.run_id, trial.end.traceback, "traceback.txt")
            self.status = trial.end.outcome.mlflow_status
            self.client.set_terminated(self.run_id, self.status, trial.last)

    def _reopen(self) -> None:
        """The trial is trained again."""
        self.client.update_run(self.run_id, status="RUNNING")
        tags = self.client.get_run(self.run_id).data.tags
        for tag in ENDING_TAGS & tags.keys():
            self.client.delete_tag(self.run_id, tag)
        self.status, self.has_outcome = "RUNNING", False

    def _write(self, metrics: list[Metric], params: list[Param], tags: list[RunTag]) -> None:
        """One batch, unless it exceeds MLflow's limits."""
        most = MAX_METRICS - MAX_PARAMS
        while metrics or params or tags:
            self.client.log_batch(
                self.run_id,
                metrics=metrics[:most],
                params=params[:MAX_PARAMS],
                tags=tags,
                synchronous=True,
            )
            self.held |= {(point.key, point.step) for point in metrics[:most]}
            metrics, params, tags = metrics[most:], params[MAX_PARAMS:], []


def find(client: MlflowClient, experiment_id: str, tags: Mapping[str, str]) -> Run | None:
    """The run that an earlier attempt at a trial, or at writing of it, has left."""
    asked = ("mlflow.parentRunId", "fairtune.config_hash", "fairtune.seed")
    query = " and ".join(f"tags.`{name}` = '{tags[name]}'" for name in asked)
    runs = client.search_runs([experiment_id], query)
    key = tags["fairtune.trial"]
    return next((run for run in runs if run.data.tags["fairtune.trial"] == key), None)


def points(metrics: Mapping[str, float], now: int, step: int) -> Iterator[Metric]:
    """The metrics that MLflow can hold."""
    for name, value in metrics.items():
        if not math.isinf(value):
            yield Metric(name, float(value), now, step)


def tags_of(record: TrialRecord) -> dict[str, str]:
    """What tells a trial's run from others."""
    return {
        "fairtune.arm": record.arm,
        "fairtune.repeat": str(record.repeat),
        "fairtune.phase": record.phase,
        "fairtune.trial": record.key,
        "fairtune.seed": str(record.seed),
        "fairtune.split": _split(record),
        "fairtune.config_hash": record.configuration.hash,
        "fairtune.sampler": record.sampler,
        "fairtune.dataset": record.configuration.data.name,
    }


def _split(record: TrialRecord) -> str:
    """The seed of a trial's split; empty where only the user's code knows."""
    own = record.configuration.data.parameters.get("split_seed", "")
    return str(own if record.split is None else record.split)


def params_of(record: TrialRecord) -> dict[str, str]:
    """A dotted configuration as text; a value that is too long is cut rather than lost."""
    flat = record.configuration.flat()
    if record.split is not None and "data.split_seed" in flat:
        flat["data.split_seed"] = record.split  # of the rows that it really had
    return {path: _text(value) for path, value in flat.items()}


def _points(trial: SpooledTrial) -> Iterator[Metric]:
    for epoch, (now, metrics) in trial.epochs.items():
        yield from points(metrics, now, epoch)
    end = trial.end
    if end is not None and end.outcome != Outcome.interrupted:
        last = {f"best/{name}": value for name, value in end.best.items()}
        if end.best_epoch is not None:
            last["best/epoch"] = end.best_epoch
        yield from points({**last, **end.test}, trial.last, end.best_epoch or 0)


def _ending_tags(trial: SpooledTrial) -> Iterator[tuple[str, str]]:
    if trial.end is not None:
        yield "fairtune.outcome", trial.end.outcome.value
        yield "fairtune.reason", trial.end.reason[:MAX_TAG_LENGTH]
        if trial.end.data_hash:
            dataset = trial.tags["fairtune.dataset"]
            yield "fairtune.dataset", f"{dataset}@{trial.end.data_hash}"
        if trial.end.weights_hash:
            yield "fairtune.weights", trial.end.weights_hash


def _text(value: Any) -> str:
    text = json.dumps(value) if isinstance(value, list | tuple | dict) else str(value)
    return text if len(text) <= MAX_PARAM_LENGTH else text[: MAX_PARAM_LENGTH - 1] + "…"
