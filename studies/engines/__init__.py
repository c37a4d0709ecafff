"""Where trials run: the `Engine` protocol and the messages that cross it.

`LocalEngine` runs processes on this machine, `RayEngine` such processes on the machines of a
cluster, `InlineEngine` threads of this process. An engine
knows nothing of Optuna or MLflow; the driver knows nothing of processes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from lightning_modules.configuration import Configuration
from lightning_modules.errors import Interrupted
from studies.records import TrialEnd
from studies.study_file.metrics_source import MetricsSource


@dataclass(frozen=True)
class Task:
    """One training to do; `trial` is its key in the study."""

    trial: str
    configuration: Configuration
    seed: int
    checkpoint: str | None
    """Where the best weights go."""
    continuation: str | None = None
    """The folder of the state from which an interrupted training continues."""
    files: str | None = None
    """The folder of what the code of the training logs beside its metrics."""
    evaluate_test: bool = False
    allowed: tuple[str, ...] = ()
    """Modules of the user's that the operator allows to import."""
    weights: str | None = None
    """The file that `model.weights` means, where that names a run."""
    split: int | None = None
    """Seed of the split where it is not the configuration's own."""
    env: tuple[str, ...] | None = None
    """The variables that a program sees beside those that every program needs; None for all."""
    metrics: MetricsSource | None = None
    """Where the metrics of a program come from; None where it reports them itself."""
    kind: str | None = None
    """The kind of device that it must run on, `cpu` or a model of GPU; None: on any. A worker is
    told the kind that it runs on."""
    alone: bool = False
    """Whether no other trial may train on its device at the same time."""
    loader_workers: int = 0
    """The processes that decode images beside the training, where its configuration leaves that
    open; an engine whose workers have cores of their own says so itself."""


@dataclass(frozen=True)
class Epoch:
    """A trial finished an epoch and waits for `proceed`, `stop` or `interrupt`."""

    trial: str
    epoch: int
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class Ended:
    """A trial ended, in whatever way."""

    trial: str
    end: TrialEnd
    shared: bool = False
    """Whether another trial trained on its device at any time meanwhile."""
    broken: bool = False
    """Whether its worker can train nothing more, and ends."""
    blameless: bool = False
    """Whether its machine went away, so that the attempt does not count."""


Event = Epoch | Ended


class Answer(Enum):
    """What is to become of a trial that has finished an epoch."""

    proceed = "proceed"
    stop = "stop"
    interrupt = "interrupt"

    def goes_on(self) -> bool:
        """Whether the training goes on; raises Interrupted where it is to be continued later."""
        if self is Answer.interrupt:
            raise Interrupted
        return self is Answer.proceed


class Engine(Protocol):
    """Runs tasks side by side."""

    def start(self) -> None:
        """Begin to prepare for tasks, beside what the caller does; the first task does it
        otherwise."""
        ...

    @property
    def free(self) -> int:
        """How many tasks could start at this moment."""
        ...

    @property
    def kinds(self) -> Mapping[str, int]:
        """The same by the kind of device, 0 where none is free; their sum is `free`."""
        ...

    @property
    def waiting(self) -> Collection[str]:
        """The trials that were submitted and wait until they are alone on their device."""
        ...

    def submit(self, task: Task) -> None:
        """Start a task; only where one is free, of its kind where it names one. One that trains
        alone may wait for that."""
        ...

    def proceed(self, trial: str) -> None:
        """Let a trial that reported an epoch go on."""
        ...

    def stop(self, trial: str) -> None:
        """End a trial that reported an epoch; it answers with `Ended`, outcome pruned."""
        ...

    def interrupt(self, trial: str) -> None:
        """End a trial that reported an epoch so that it can be continued; it answers with `Ended`,
        outcome interrupted."""
        ...

    def kill(self, trial: str, end: TrialEnd) -> None:
        """End a trial by force, whatever it does; `end` is what it is said to have ended with."""
        ...

    def events(self, timeout: float | None) -> Sequence[Event]:
        """What happened, waiting up to `timeout` seconds (None: as long as it takes)."""
        ...

    def close(self) -> None:
        """Release everything; trials under way are killed and not heard of again."""
        ...
