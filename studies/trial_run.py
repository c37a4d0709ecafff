"""The MLflow run of one trial: found or created, then written in few, large batches.

NaN is logged and comes back as NaN. Infinity is not logged: MLflow would give back 1.8e308.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from studies.mlflow_client import Metric, MlflowClient, Param, Run, RunTag
from studies.records import Outcome, TrialEnd, TrialRecord

MAX_METRICS, MAX_PARAMS = 900, 100
"""A batch takes 1000 entries in all."""
MAX_PARAM_LENGTH, MAX_TAG_LENGTH = 6000, 8000


@dataclass
class TrialRun:
    """What a run already holds, and what waits to be written to it."""

    client: MlflowClient
    run_id: str
    record: TrialRecord
    held_epochs: int = 0
    """Epochs that an interrupted attempt logged; training again gives the same values."""
    held_metrics: frozenset[str] = frozenset()
    params: list[Param] = field(default_factory=list)
    metrics: list[Metric] = field(default_factory=list)
    written: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        flat = self.record.configuration.flat()
        self.params = [Param(path, _text(value)) for path, value in flat.items()]

    @classmethod
    def create(
        cls,
        client: MlflowClient,
        experiment_id: str,
        tags: Mapping[str, str],
        record: TrialRecord,
        now: int,
    ) -> TrialRun:
        """A new run that starts at `now` (milliseconds)."""
        tags = {name: value[:MAX_TAG_LENGTH] for name, value in {**tags, **_tags(record)}.items()}
        run = client.create_run(experiment_id, now, tags, record.key)
        return cls(client, run.info.run_id, record)

    @classmethod
    def resume(
        cls, client: MlflowClient, run: Run, record: TrialRecord, objective: str
    ) -> TrialRun:
        """The run of an interrupted attempt, set back to RUNNING."""
        run_id = run.info.run_id
        client.update_run(run_id, status="RUNNING")
        for tag in {"fairtune.outcome", "fairtune.reason"} & run.data.tags.keys():
            client.delete_tag(run_id, tag)
        history = client.get_metric_history(run_id, objective)
        held = max((metric.step for metric in history), default=0)
        return cls(client, run_id, record, held, frozenset(run.data.metrics))

    def epoch(self, epoch: int, metrics: Mapping[str, float], now: int) -> None:
        """Take an epoch, unless the run holds it."""
        if epoch > self.held_epochs:
            self.metrics.extend(points(metrics, now, epoch))

    def end(self, end: TrialEnd, now: int) -> None:
        """Write everything that is left and end the run at `now`."""
        if end.outcome != Outcome.interrupted:
            last = {f"best/{name}": value for name, value in end.best.items()}
            if end.best_epoch is not None:
                last["best/epoch"] = end.best_epoch
            last.update(end.test)
            new = {name: last[name] for name in last.keys() - self.held_metrics}
            self.metrics.extend(points(new, now, end.best_epoch or 0))
        dataset = self.record.configuration.data.name
        self.write(
            {
                "fairtune.outcome": end.outcome.value,
                "fairtune.reason": end.reason,
                "fairtune.dataset": f"{dataset}@{end.data_hash}" if end.data_hash else dataset,
            }
        )
        if end.traceback:
            self.client.log_text(self.run_id, end.traceback, "traceback.txt")
        self.client.set_terminated(self.run_id, end.outcome.mlflow_status, now)

    def write(self, tags: Mapping[str, str] | None = None) -> None:
        """Write what waits: one batch, unless it exceeds MLflow's limits."""
        new = [RunTag(name, value[:MAX_TAG_LENGTH]) for name, value in (tags or {}).items()]
        while self.metrics or self.params or new:
            self.client.log_batch(
                self.run_id,
                metrics=self.metrics[: MAX_METRICS - MAX_PARAMS],
                params=self.params[:MAX_PARAMS],
                tags=new,
                synchronous=True,
            )
            del self.metrics[: MAX_METRICS - MAX_PARAMS], self.params[:MAX_PARAMS]
            new = []
        self.written = time.monotonic()


def find(
    client: MlflowClient, experiment_id: str, parent_id: str, record: TrialRecord
) -> Run | None:
    """The run of an earlier attempt at a trial."""
    tags = {
        "mlflow.parentRunId": parent_id,
        "fairtune.config_hash": record.configuration.hash,
        "fairtune.seed": str(record.seed),
    }
    query = " and ".join(f"tags.`{name}` = '{value}'" for name, value in tags.items())
    runs = client.search_runs([experiment_id], query)
    return next((run for run in runs if run.data.tags["fairtune.trial"] == record.key), None)


def points(metrics: Mapping[str, float], now: int, step: int) -> Iterator[Metric]:
    """The metrics that MLflow can hold."""
    for name, value in metrics.items():
        if not math.isinf(value):
            yield Metric(name, float(value), now, step)


def _tags(record: TrialRecord) -> dict[str, str]:
    return {
        "fairtune.arm": record.arm,
        "fairtune.phase": record.phase,
        "fairtune.trial": record.key,
        "fairtune.seed": str(record.seed),
        "fairtune.config_hash": record.configuration.hash,
        "fairtune.sampler": record.sampler,
        "fairtune.dataset": record.configuration.data.name,
    }


def _text(value: Any) -> str:
    """A parameter as text; one that is too long is cut rather than lost."""
    text = json.dumps(value) if isinstance(value, list | tuple | dict) else str(value)
    return text if len(text) <= MAX_PARAM_LENGTH else text[: MAX_PARAM_LENGTH - 1] + "…"
