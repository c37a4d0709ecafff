"""An engine of threads in this process: for tests, and for objectives that need no process."""

from __future__ import annotations

import queue
import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from studies.engines import Answer, Ended, Epoch, Event, Task
from studies.engines.memory import leave_gpu_empty
from studies.engines.places import MACHINE, Occupancy, Place
from studies.engines.worker import Perform, guarded
from studies.records import EpochReport, TrialEnd


class InlineEngine:
    """Runs tasks in threads, one `perform` call each; `kill` only stops listening."""

    def __init__(self, perform: Perform, slots: int = 1, place: Place = MACHINE) -> None:
        """`place` is where this process trains."""
        self._slots = slots
        self._place = place
        self._at = Occupancy()
        self._perform = perform
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._answers: dict[str, queue.SimpleQueue[Answer]] = {}
        self._killed: set[str] = set()

    def start(self) -> None:
        """Nothing has to be started."""

    @property
    def free(self) -> int:
        return sum(self.kinds.values())

    @property
    def kinds(self) -> Mapping[str, int]:
        ready = [self._place] * (self._slots - len(self._answers))
        return self._at.free([self._place], ready)

    @property
    def waiting(self) -> Collection[str]:
        return self._at.waiting.keys()

    def submit(self, task: Task) -> None:
        if task.alone:
            self._at.hold(self._place, task)
            self._begin_drained()
        else:
            self._begin(task)

    def proceed(self, trial: str) -> None:
        self._answers[trial].put(Answer.proceed)

    def stop(self, trial: str) -> None:
        self._answers[trial].put(Answer.stop)

    def interrupt(self, trial: str) -> None:
        self._answers[trial].put(Answer.interrupt)

    def kill(self, trial: str, end: TrialEnd) -> None:
        if trial in self.waiting:
            self._at.end(trial)
        else:
            self._killed.add(trial)
            self._answers[trial].put(Answer.stop)
        self._events.put(Ended(trial, end))

    def events(self, timeout: float | None) -> Sequence[Event]:
        try:
            event = self._events.get(timeout=timeout)
        except queue.Empty:
            return []
        if isinstance(event, Ended):
            self._answers.pop(event.trial, None)
            event = replace(event, shared=self._at.end(event.trial))
            self._begin_drained()
        return [event]

    def close(self) -> None:
        for trial, answer in self._answers.items():
            self._killed.add(trial)
            answer.put(Answer.stop)

    def _begin(self, task: Task) -> None:
        self._killed.discard(task.trial)
        self._answers[task.trial] = queue.SimpleQueue()
        self._at.begin(task.trial, self._place)
        here = replace(task, kind=self._place.kind)
        threading.Thread(target=self._run, args=(here,), daemon=True).start()

    def _begin_drained(self) -> None:
        for _, task in self._at.drained():
            self._begin(task)

    def _run(self, task: Task) -> None:
        answers = self._answers[task.trial]

        def ask(report: EpochReport) -> bool:
            if task.trial in self._killed:
                return False
            self._events.put(Epoch(task.trial, report.epoch, report.metrics))
            return answers.get().goes_on()

        end = guarded(task, ask, self._perform)
        leave_gpu_empty()
        if task.trial not in self._killed:
            self._events.put(Ended(task.trial, end))
