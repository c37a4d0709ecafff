"""The workers of an engine: which are idle, what the others train, and how a task comes to one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Generic, Protocol, TypeVar

from studies.engines import Answer, Ended, Event, Task
from studies.engines.places import Occupancy, Place


class Worker(Protocol):
    """Trains one task after the other at its place."""

    @property
    def place(self) -> Place: ...

    @property
    def started(self) -> bool:
        """Whether it could begin at once."""
        ...

    def send(self, message: Task | Answer) -> None:
        """Give it a task, or the answer to its epoch."""
        ...


AnyWorker = TypeVar("AnyWorker", bound=Worker)


class Pool(Generic[AnyWorker]):
    """What engines of several workers have in common."""

    def __init__(self) -> None:
        self._idle: list[AnyWorker] = []
        self._busy: dict[str, AnyWorker] = {}
        """By the trial that they train."""
        self._at = Occupancy()
        self._reported: list[Event] = []
        self._loader_workers = 0

    def start(self) -> None:
        raise NotImplementedError

    @property
    def kinds(self) -> Mapping[str, int]:
        raise NotImplementedError

    @property
    def free(self) -> int:
        return sum(self.kinds.values())

    @property
    def waiting(self) -> Collection[str]:
        return self._at.waiting.keys()

    def submit(self, task: Task) -> None:
        self.start()
        worker = max(
            (
                worker
                for worker in self._idle
                if task.kind in (None, worker.place.kind) and not self._at.is_held(worker.place)
            ),
            key=lambda worker: (worker.started, -self._at.busy(worker.place)),
        )
        if task.alone:
            self._at.hold(worker.place, task)
            self._begin_drained()
        else:
            self._begin(task, worker)

    def proceed(self, trial: str) -> None:
        self._answer(trial, Answer.proceed)

    def stop(self, trial: str) -> None:
        self._answer(trial, Answer.stop)

    def interrupt(self, trial: str) -> None:
        self._answer(trial, Answer.interrupt)

    def _answer(self, trial: str, answer: Answer) -> None:
        if worker := self._busy.get(trial):  # else it was lost after the epoch, which is said
            worker.send(answer)

    def _begin(self, task: Task, worker: AnyWorker) -> None:
        self._idle.remove(worker)
        self._busy[task.trial] = worker
        self._at.begin(task.trial, worker.place)
        worker.send(replace(task, kind=worker.place.kind, loader_workers=self._loader_workers))

    def _begin_drained(self) -> None:
        """Begin the tasks that have waited until they are alone."""
        for place, task in self._at.drained():
            here = [worker for worker in self._idle if worker.place == place]
            if here:  # else the last one is being ended by force
                self._begin(task, max(here, key=lambda worker: worker.started))

    def _report_end(self, event: Ended) -> None:
        self._reported.append(replace(event, shared=self._at.end(event.trial)))
        self._begin_drained()
