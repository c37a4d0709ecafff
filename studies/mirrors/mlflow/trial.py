"""The MLflow run of one trial: found or created, then brought up to what the record says of it.

Bringing it up again writes nothing, so a reply that was lost does no harm. NaN is logged and comes
back as NaN. Infinity is not logged: MLflow would give back 1.8e308.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from lightning_modules.configuration import flatten
from studies.mirrors.mlflow.annotations import annotate
from studies.mirrors.mlflow.batches import BatchWriter, storable_tags
from studies.mirrors.mlflow.client import Metric, MlflowClient, Run
from studies.mirrors.mlflow.names import names_in_mlflow, original_tags
from studies.records import Outcome, Trial
from studies.records.types import SUPERSEDED, EpochRow

MOST_FILES, MOST_BYTES = 1000, 200 * 2**20
"""Of a trial's own files that are carried along."""
CHECKPOINTS = (".ckpt", ".pt")
"""What weights are written to; fairtune carries those of the best epochs along itself."""
TRIAL, QUEUED_TAG = "fairtune.trial", "fairtune.queued"
FOLLOWED = (TRIAL, "fairtune.phase", "fairtune.code")
ENDING_TAGS = {"fairtune.outcome", "fairtune.reason"}
Epochs = Sequence[EpochRow]


@dataclass
class TrialRun:
    """A run and what it is known to hold."""

    client: MlflowClient
    run_id: str
    status: str
    held: set[tuple[str, int]] = field(default_factory=set)
    """Metrics by name and step."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """Tags that it had when it was made or found."""
    has_params: bool = False
    has_outcome: bool = False

    @classmethod
    def make(
        cls, client: MlflowClient, experiment_id: str, trial: Trial, tags: Mapping[str, str]
    ) -> TrialRun:
        """The run of a trial that has none; the tags of its end are among the first."""
        tags = storable_tags({**tags, **dict(_ending_tags(trial))})
        run = client.create_run(experiment_id, _milliseconds(trial.started), tags, trial.key)
        return cls(client, run.info.run_id, run.info.status, tags=tags)

    @classmethod
    def of(cls, client: MlflowClient, run: Run) -> TrialRun:
        """A run that is there, with what it holds."""
        run_id = run.info.run_id
        held = {
            (name, metric.step)
            for name in run.data.metrics
            for metric in client.get_metric_history(run_id, name)
        }
        tags = run.data.tags
        outcome = bool(ENDING_TAGS & tags.keys())
        return cls(client, run_id, run.info.status, held, tags, has_outcome=outcome)

    def deliver(self, trial: Trial, epochs: Epochs) -> bool:
        """Write what the run lacks; whether it lacked something."""
        runs = trial.outcome is None
        if runs and (self.status != "RUNNING" or self.has_outcome):
            self._reopen()
        before = dict(self.tags)
        self.tags = annotate(self.client, self.run_id, before, trial.annotation)
        names = _metric_names(trial, epochs, self.client.tracking_uri)
        said = storable_tags(dict(_ending_tags(trial))) | original_tags("metric", names)
        points = _points(trial, epochs, names)
        metrics = [p for p in points if (p.key, p.step) not in self.held]
        if runs and not metrics:
            return self.tags != before  # the parameters go with the first metrics, in one batch
        wanted = "RUNNING" if trial.outcome is None else trial.outcome.mlflow_status
        params: dict[str, str] = {}
        if not self.has_params:
            params, renamed = params_of(trial, self.client.tracking_uri)
            said |= original_tags("param", renamed)
        tags = {name: value for name, value in said.items() if self.tags.get(name) != value}
        lacked = bool(metrics or tags) or self.status != wanted or self.tags != before
        BatchWriter(self.client, self.run_id).write(metrics, params, tags)
        self.held |= {(point.key, point.step) for point in metrics}
        self.tags = {**self.tags, **tags}
        self.has_params, self.has_outcome = True, not runs
        if trial.outcome is not None:
            self.status = wanted
            ended = _milliseconds(trial.ended) or max((row.time for row in epochs), default=None)
            self.client.set_terminated(self.run_id, self.status, ended)
            if trial.traceback:
                self.client.log_text(
                    self.run_id,
                    trial.traceback.encode("utf-8", "replace").decode(),
                    "traceback.txt",
                )
        return lacked

    def deliver_files(self, folder: Path) -> None:
        """Write what the code of the trial has logged beside its metrics."""
        for path in logged_files(folder):
            below = path.relative_to(folder).parent.as_posix()
            self.client.log_artifact(self.run_id, str(path), None if below == "." else below)

    def follow(self, key: str, tags: Mapping[str, str]) -> None:
        """Give the run what its trial has got since it was written: another name where it was put
        aside, and the code that it runs with."""
        changed = {n: tags[n] for n in FOLLOWED if n in tags and self.tags.get(n) != tags[n]}
        if TRIAL in changed:
            changed["mlflow.runName"] = key
        BatchWriter(self.client, self.run_id).write([], {}, changed)
        self.tags = {**self.tags, **changed}

    def _reopen(self) -> None:
        """Show a run as running again: its trial is trained once more."""
        self.client.update_run(self.run_id, status="RUNNING")
        tags = self.client.get_run(self.run_id).data.tags
        for tag in ENDING_TAGS & tags.keys():
            self.client.delete_tag(self.run_id, tag)
        self.tags = {name: value for name, value in tags.items() if name not in ENDING_TAGS}
        self.status, self.has_outcome = "RUNNING", False


def logged_files(folder: Path) -> list[Path]:
    """The files that go to MLflow: no links, no checkpoints, and not without end."""
    found: list[Path] = []
    size = 0
    if folder.is_symlink() or folder.parent.is_symlink():
        return found
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not path.is_file() or path.suffix in CHECKPOINTS:
            continue
        size += path.stat().st_size
        if len(found) == MOST_FILES or size > MOST_BYTES:
            break
        found.append(path)
    return found


def find(client: MlflowClient, experiment_id: str, tags: Mapping[str, str]) -> Run | None:
    """The run that an earlier attempt at a trial, or at writing of it, has left."""
    asked = ("mlflow.parentRunId", "fairtune.config_hash", "fairtune.seed")
    query = " and ".join(f"tags.`{name}` = '{tags[name]}'" for name in asked)
    runs = client.search_runs([experiment_id], query)
    return next((run for run in runs if is_of_trial(run, tags)), None)


def is_of_trial(run: Run, tags: Mapping[str, str]) -> bool:
    """Whether a run is of the trial with these tags, which may have had another name before it was
    put aside; not of one whose place that takes, or which takes its place."""
    held, key = run.data.tags, tags[TRIAL]
    names = {key, former_key(key)} if tags["fairtune.phase"] == SUPERSEDED else {key}
    same_turn = held.get(QUEUED_TAG, "0") == tags.get(QUEUED_TAG, "0")
    return same_turn and held.get(TRIAL, key) in names


def former_key(key: str) -> str:
    """The name that a trial had before it was put aside."""
    return key.rpartition(f"-{SUPERSEDED}-")[0]


def points(metrics: Mapping[str, float], now: int, step: int) -> Iterator[Metric]:
    """The metrics that MLflow can hold, by the names that it allows."""
    yield from _named(metrics, names_in_mlflow(metrics), now, step)


def _named(
    metrics: Mapping[str, float], names: Mapping[str, str], now: int, step: int
) -> Iterator[Metric]:
    for name, value in metrics.items():
        if not math.isinf(value):
            yield Metric(names[name], float(value), now, step)


def tags_of(trial: Trial, sampler: str) -> dict[str, str]:
    """What tells a trial's run from others; `sampler` is the name of the study's."""
    return {
        "fairtune.arm": trial.arm,
        "fairtune.repeat": str(trial.repeat),
        "fairtune.phase": trial.phase,
        TRIAL: trial.key,
        **({QUEUED_TAG: str(trial.queued)} if trial.queued else {}),
        **({"fairtune.code": trial.code} if trial.code else {}),
        "fairtune.seed": str(trial.seed),
        "fairtune.split": "" if trial.split_seed is None else str(trial.split_seed),
        "fairtune.config_hash": trial.config_hash,
        "fairtune.sampler": sampler if trial.phase == "search" else "",
        "fairtune.dataset": _dataset(trial),
    }


def params_of(trial: Trial, uri: str = "") -> tuple[dict[str, str], dict[str, str]]:
    """A dotted configuration as text, by what its values are called in the store at `uri`; and what
    they are called there, by their own names."""
    flat = dict(flatten(trial.configuration))
    if trial.split is not None and "data.split_seed" in flat:
        flat["data.split_seed"] = trial.split  # of the rows that it really had
    names = names_in_mlflow(flat, uri)
    return {names[path]: _text(value) for path, value in flat.items()}, names


def _dataset(trial: Trial) -> str:
    data = trial.configuration.get("data") or {}
    return str(data.get("name") or data.get("class") or "")


def _metric_names(trial: Trial, epochs: Epochs, uri: str) -> dict[str, str]:
    """What every metric of a trial is called in the store at `uri`, by its own name."""
    return names_in_mlflow([*_last(trial), *(n for row in epochs for n in row.metrics)], uri)


def _last(trial: Trial) -> dict[str, float]:
    """What is known of a trial at its end."""
    if not trial.has_ended:
        return {}
    last = {f"best/{name}": value for name, value in trial.best.items()}
    if trial.best_epoch is not None:
        last["best/epoch"] = trial.best_epoch
    return last | dict(trial.test) | dict(trial.system)


def _points(trial: Trial, epochs: Epochs, names: Mapping[str, str]) -> Iterator[Metric]:
    for row in epochs:
        yield from _named(row.metrics, names, row.time, row.epoch)
    yield from _named(_last(trial), names, _milliseconds(trial.ended) or 0, trial.best_epoch or 0)


def _ending_tags(trial: Trial) -> Iterator[tuple[str, str]]:
    if trial.outcome is None:
        return
    yield "fairtune.outcome", trial.outcome.value
    yield "fairtune.reason", trial.reason
    if trial.outcome != Outcome.interrupted and trial.data_hash:
        yield "fairtune.dataset", f"{_dataset(trial)}@{trial.data_hash}"
    if trial.outcome != Outcome.interrupted and trial.weights_hash:
        yield "fairtune.weights", trial.weights_hash
    if trial.outcome != Outcome.interrupted and trial.device:
        yield "fairtune.device", trial.device


def _text(value: Any) -> str:
    return json.dumps(value) if isinstance(value, list | tuple | dict) else str(value)


def _milliseconds(at: datetime | None) -> int | None:
    """A time in milliseconds since 1970, as MLflow counts it."""
    return None if at is None else round(at.timestamp() * 1000)
