"""A trial: how it begins, what it reports and how it ends."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from lightning_modules.configuration import Objective
from lightning_modules.optimization import loss_beside
from studies.home import without_secrets
from studies.statistics import Goal, sign_of

STOPPED = "the study was stopped"
ABANDONED = "the process that ran the study ended"
QUEUED = "queued again"
"""Reasons of interrupted trials."""
SUPERSEDED = "superseded"
"""The phase of trials whose place another one has taken: they stay as they were, and count for
nothing."""


REMARKS = "remarks"
"""The note of a record that holds what seems wrong with the networks of its study."""


class Outcome(StrEnum):
    """How a trial ended."""

    completed = "completed"
    pruned = "pruned"
    diverged = "diverged"
    out_of_memory = "out_of_memory"
    timeout = "timeout"
    error = "error"
    crashed = "crashed"
    interrupted = "interrupted"

    @property
    def mlflow_status(self) -> str:
        """The status of the trial's MLflow run."""
        if self is Outcome.completed:
            return "FINISHED"
        return "KILLED" if self in (Outcome.pruned, Outcome.interrupted) else "FAILED"


TRAINED = (Outcome.completed, Outcome.pruned, Outcome.diverged)
"""Outcomes of trainings whose numbers count: the same training would end so again."""


@dataclass(frozen=True)
class Search:
    """One search of an arm, or the fresh runs of a phase: what is one study in Optuna."""

    id: int
    name: str
    """The name of its Optuna study."""
    arm: str
    repeat: int
    phase: str
    split: int | None
    """The seed of its split; None for the study file's own."""
    goal: Goal
    sampler_state: Mapping[str, Any] = field(default_factory=dict)
    """The state of its sampler: Optuna's system attributes."""


@dataclass(frozen=True)
class EpochRow:
    """An epoch of a trial: when it ended, and its metrics."""

    epoch: int
    time: int
    """Milliseconds since 1970."""
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class EpochReport:
    """An epoch that a training finished, counted from 1, with its metrics."""

    epoch: int
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class TrialEnd:
    """How a trial ended; `best` holds every metric at the best epoch."""

    outcome: Outcome
    reason: str = ""
    epochs: int = 0
    best_epoch: int | None = None
    best: Mapping[str, float] = field(default_factory=dict)
    test: Mapping[str, float] = field(default_factory=dict)
    traceback: str | None = None
    seconds: float = 0.0
    data_hash: str = ""
    weights_hash: str = ""
    device: str = ""
    rows: Mapping[str, int] = field(default_factory=dict)
    """Of the parts `train`, `validation` and `test`, where they are known."""
    remark: str = ""
    """What seems wrong with the network, which the whole study is told once."""
    system: Mapping[str, float] = field(default_factory=dict)
    """What it took of the machine, by the names of metrics, where that was measured."""

    def __post_init__(self) -> None:
        # every text of a program, of the user's code or of a library comes in here
        object.__setattr__(self, "reason", _as_unicode(without_secrets(self.reason)))
        if self.traceback is not None:
            object.__setattr__(self, "traceback", _as_unicode(without_secrets(self.traceback)))


def _as_unicode(text: str) -> str:
    """A text without half characters, such as those in file names that are no UTF-8; no database
    takes them."""
    return text.encode("utf-8", "replace").decode()


@dataclass(frozen=True)
class Annotation:
    """What people have written about a study or a trial."""

    note: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def texts(self) -> dict[str, str]:
        """The tags by name, and the note under an empty one, if there is any."""
        return {**({"": self.note} if self.note else {}), **self.tags}


@dataclass(frozen=True, slots=True)
class Trial:
    """One training of one configuration with one seed on one split, as far as it is known: from
    the moment that it is asked for to its end."""

    key: str
    """Its name in MLflow and on the screen, such as `adam-r2-0012`."""
    arm: str
    phase: str
    """`search`, `confirm`, `cross`, or `superseded` where another trial has taken its place."""
    outcome: Outcome | None
    """None while it runs."""
    value: float | None
    """The objective at its best epoch; None unless it completed."""
    seed: int
    configuration: Mapping[str, Any]
    config_hash: str
    epochs: int
    best_epoch: int | None
    best: Mapping[str, float]
    """Every metric at the best epoch."""
    test: Mapping[str, float]
    reason: str
    seconds: float
    run_id: str | None
    """Its MLflow run; None as long as MLflow has not got it."""
    duplicate_of: int | None
    """The trial whose result this one repeats, by number."""
    default: bool
    """Whether it has the components' defaults."""
    params: Mapping[str, Any]
    """The values that the sampler chose, by their names in Optuna."""
    curve: Mapping[int, float]
    """The objective after every epoch, counted from 1."""
    started: datetime | None
    """When its first attempt began, local time."""
    ended: datetime | None
    device: str = ""
    """What it trains on: `cpu` or the name of a GPU."""
    traceback: str = ""
    """Where an error happened."""
    data_hash: str = ""
    """Identity of the data that it saw."""
    weights_hash: str = ""
    """Identity of the file of weights that it started from."""
    repeat: int = 1
    """The independent search of its arm that it belongs to, counted from 1."""
    split: int | None = None
    """The seed of its split, where that is not the configuration's own."""
    number: int = 0
    """Its number in its search, counted from 0."""
    rows: Mapping[str, int] = field(default_factory=dict)
    """Rows of `train`, `validation` and `test`, as far as they are known."""
    seed_index: int | None = None
    """Which fresh seed it has; None in a search."""
    distributions: Mapping[str, str] = field(default_factory=dict)
    """What its parameters were drawn from, as Optuna writes distributions in JSON."""
    sampler_state: Mapping[str, Any] = field(default_factory=dict)
    """The notes of sampler and pruner: Optuna's system attributes."""
    id: int = 0
    """Its row in the record; 0 where it has none yet."""
    search: int = 0
    """The row of its search in the record."""
    revision: int = 0
    """The revision of the study at which it changed last."""
    code: str = ""
    """Identity of the user's own code that it ran with; empty where there is none."""
    queued: int = 0
    """How often a trial of its key was queued again before it."""
    system: Mapping[str, float] = field(default_factory=dict)
    """What it took of the machine: `system/memory` and of a GPU `system/gpu_memory` in MiB at their
    peaks, `system/gpu_utilization` in per cent; empty where nobody has measured it."""
    annotation: Annotation = Annotation()
    """What people have written about it."""

    @property
    def split_seed(self) -> int | None:
        """The seed by which its rows were divided; None where only the user's code knows."""
        known = self.configuration.get("data", {}).get("split_seed")
        return known if self.split is None else self.split

    @property
    def has_ended(self) -> bool:
        """Whether it is over: an interrupted one is to be continued."""
        return self.outcome not in (None, Outcome.interrupted)

    def finished(self, end: TrialEnd, value: float | None, now: datetime) -> Trial:
        """The trial after its end, or after an interruption; `value` counts where it completed."""
        return replace(
            self,
            outcome=end.outcome,
            value=value if end.outcome == Outcome.completed else None,
            epochs=end.epochs,
            best_epoch=end.best_epoch,
            best=end.best,
            test=end.test,
            reason=end.reason,
            seconds=end.seconds,
            ended=now,
            device=end.device or self.device,
            traceback=end.traceback or "",
            data_hash=end.data_hash,
            weights_hash=end.weights_hash,
            rows=end.rows,
            system=end.system,
        )


def merit(
    value: float | None, metrics: Mapping[str, float], objective: Objective
) -> tuple[float, float]:
    """What ranks trials, the best first: the objective, then the loss on the same part."""
    sign = -sign_of(objective.goal)
    beside = loss_beside(objective.metric)
    loss = math.inf if beside is None else metrics.get(beside, math.inf)
    return sign * (value or 0.0), loss if math.isfinite(loss) else math.inf
