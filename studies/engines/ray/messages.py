"""What driver, client and actors say to each other. Actors are numbered; no number comes twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lightning_modules.errors import FairtuneError
from studies.engines import Answer, Event, Task
from studies.engines.places import Place
from studies.engines.ray.terms import Terms
from studies.engines.worker import Perform


@dataclass(frozen=True)
class Wanted:
    """What a study asks of a cluster."""

    address: str | None
    """Where its head is; None starts Ray on this machine."""
    folder: str
    """For what Ray writes where it is started here."""
    workers: int | None
    """None: as many as there is room for."""
    per_gpu: int | None
    """Workers that share a GPU; None: one, where there are GPUs."""
    cpus: int | None
    """Of a worker; None: its threads, or its part of those beside its GPU."""
    threads: int
    """Of a training."""
    accelerator: str
    """`trainer.accelerator` of its trainings."""
    most: int | None = None
    """Trials that it can train side by side, where that is known."""
    patience: float = 60.0
    """Seconds for which a worker may have no place until that is said."""


@dataclass(frozen=True)
class Order:
    """What a client is to do: the first message to it."""

    wanted: Wanted
    terms: Terms
    perform: Perform
    preload: Sequence[str]


@dataclass(frozen=True)
class Opened:
    """The client is connected, and asks for places for so many workers."""

    workers: int


@dataclass(frozen=True)
class Ready:
    """An actor has joined and can train at its place."""

    actor: int
    place: Place


@dataclass(frozen=True)
class Said:
    """A worker said something of its task; those of earlier attempts are to be ignored."""

    actor: int
    attempt: int
    event: Event


@dataclass(frozen=True)
class Gone:
    """An actor has ended; another one is asked for in its place."""

    actor: int
    reason: str
    blameless: bool = False
    """Whether it was its machine that went, for which the trial cannot be blamed."""
    out_of_memory: bool = False


@dataclass(frozen=True)
class Notice:
    """Something that the user should know."""

    text: str


@dataclass(frozen=True)
class Failed:
    """Nothing can be trained any more."""

    error: FairtuneError


FromClient = Opened | Ready | Said | Gone | Notice | Failed


@dataclass(frozen=True)
class Submit:
    """Begin a task; it takes the place of an earlier attempt, should that still be under way."""

    actor: int
    attempt: int
    task: Task


@dataclass(frozen=True)
class Reply:
    """The answer to an epoch. It counts once, and only while the worker waits for just that."""

    actor: int
    attempt: int
    epoch: int
    answer: Answer


@dataclass(frozen=True)
class Kill:
    """End an attempt by force."""

    actor: int
    attempt: int


ToActor = Submit | Reply | Kill
