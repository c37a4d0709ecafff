"""What crosses the rooms of a study: how a trial began and how it ended."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from lightning_modules.configuration import Configuration, Objective
from lightning_modules.metrics import loss_beside

STOPPED = "the study was stopped"
"""The reason of an interrupted trial."""


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


@dataclass(frozen=True)
class EpochReport:
    """An epoch that a training finished, counted from 1, with its metrics."""

    epoch: int
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class TrialRecord:
    """What is known of a trial when it starts."""

    key: str
    number: int
    arm: str
    phase: str
    seed: int
    configuration: Configuration
    sampler: str
    repeat: int = 1
    """The independent search of its arm that it belongs to, counted from 1."""
    split: int | None = None
    """The seed of its split, where that is not the configuration's own."""


@dataclass(frozen=True)
class TrialEnd:
    """How a trial ended; `best` holds every metric at the best epoch."""

    outcome: Outcome
    reason: str = ""
    epochs: int = 0
    best_epoch: int | None = None
    best: Mapping[str, float] = field(default_factory=dict)
    test: Mapping[str, float] = field(default_factory=dict)
    checkpoint: str | None = None
    traceback: str | None = None
    seconds: float = 0.0
    data_hash: str = ""
    weights_hash: str = ""
    device: str = ""
    rows: Mapping[str, int] = field(default_factory=dict)
    """Of the parts `train`, `validation` and `test`, where they are known."""

    def to_json(self) -> str:
        """As it is stored."""
        return json.dumps(self.__dict__, default=_plain)

    @classmethod
    def from_json(cls, text: str) -> TrialEnd:
        """As it was stored by `to_json`."""
        fields = json.loads(text)
        return cls(**{**fields, "outcome": Outcome(fields["outcome"])})


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else list(value)


def merit(
    value: float | None, metrics: Mapping[str, float], objective: Objective
) -> tuple[float, float]:
    """What ranks trials, the best first: the objective, then the loss on the same part."""
    sign = -1.0 if objective.goal == "maximize" else 1.0
    beside = loss_beside(objective.metric)
    loss = math.inf if beside is None else metrics.get(beside, math.inf)
    return sign * (value or 0.0), loss if math.isfinite(loss) else math.inf
