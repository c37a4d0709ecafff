"""Workers that only wait: each has finished an epoch one second after its last answer."""

from __future__ import annotations

import heapq
import random
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count

from studies.engines import Ended, Epoch, Event, Task
from studies.records import Outcome, TrialEnd

EPOCHS = 20
EPOCH_SECONDS = 1.0


@dataclass
class Waits:
    """How long something waited for the driver: since when, and until when, seconds."""

    begins: list[float] = field(default_factory=list)
    ends: list[float] = field(default_factory=list)

    def add(self, begin: float, end: float) -> None:
        """One more."""
        self.begins.append(begin)
        self.ends.append(end)

    def between(self, first: float, last: float) -> list[float]:
        """The waits that ended in a time, in seconds."""
        pairs = zip(self.begins, self.ends, strict=True)
        return [end - begin for begin, end in pairs if first <= end < last]


@dataclass
class Training:
    """What a worker is doing."""

    task: Task
    noise: random.Random
    epoch: int = 0
    due: float = 0.0
    """When its last message was ready."""


class SimulatedWorkers:
    """An engine of workers without a process: what they say is made up when it is due."""

    def __init__(self, workers: int, stagger: float = EPOCHS * EPOCH_SECONDS) -> None:
        """`stagger`: seconds in which the workers come up, one after the other."""
        self.answers = Waits()
        """From the moment an epoch is over to its answer."""
        self.refills = Waits()
        """From the moment a trial is over to the next one for the worker."""
        self.busy_since: float | None = None
        """When every worker had a trial for the first time."""
        self._workers, self._stagger = workers, stagger
        self._began = time.monotonic()
        self._trainings: dict[str, Training] = {}
        self._due: list[tuple[float, int, Event]] = []
        """A heap: what the driver is to hear, and when."""
        self._order = count()
        self._idle_since: deque[float] = deque()

    def start(self) -> None:
        self._began = time.monotonic()

    @property
    def free(self) -> int:
        return self._here() - len(self._trainings)

    @property
    def kinds(self) -> Mapping[str, int]:
        return {"cpu": self.free}

    @property
    def waiting(self) -> Sequence[str]:
        return ()

    def submit(self, task: Task) -> None:
        now = time.monotonic()
        if self._idle_since:
            self.refills.add(self._idle_since.popleft(), now)
        training = Training(task, random.Random(task.seed))
        self._trainings[task.trial] = training
        self._train(training, now)
        if self.busy_since is None and len(self._trainings) == self._workers:
            self.busy_since = now

    def proceed(self, trial: str) -> None:
        training, now = self._trainings[trial], time.monotonic()
        self.answers.add(training.due, now)
        if training.epoch == EPOCHS:
            self._end(training, now, Outcome.completed)
        else:
            self._train(training, now)

    def stop(self, trial: str) -> None:
        training, now = self._trainings[trial], time.monotonic()
        self.answers.add(training.due, now)
        self._end(training, now, Outcome.pruned)

    def interrupt(self, trial: str) -> None:
        self._end(self._trainings[trial], time.monotonic(), Outcome.interrupted)

    def kill(self, trial: str, end: TrialEnd) -> None:
        self._due = [each for each in self._due if each[2].trial != trial]
        heapq.heapify(self._due)
        self._say(time.monotonic(), Ended(trial, end))

    def events(self, timeout: float | None) -> Sequence[Event]:
        now = time.monotonic()
        next_due = self._due[0][0] if self._due else now + EPOCH_SECONDS
        if self._here() < self._workers:
            next_due = min(next_due, now + self._stagger / self._workers)
        until = min(next_due, now + (timeout or 0.0))
        if until > now:
            time.sleep(until - now)
            now = time.monotonic()
        found = []
        while self._due and self._due[0][0] <= now:
            due, _, event = heapq.heappop(self._due)
            if isinstance(event, Ended):
                del self._trainings[event.trial]
                self._idle_since.append(due)
            found.append(event)
        return found

    def close(self) -> None: ...

    def _here(self) -> int:
        """The workers that have come up."""
        passed = time.monotonic() - self._began
        return min(self._workers, 1 + int(self._workers * passed / self._stagger))

    def _train(self, training: Training, begin: float) -> None:
        training.epoch += 1
        training.due = begin + EPOCH_SECONDS
        metrics = metrics_of(training.task, training.epoch, training.noise)
        self._say(training.due, Epoch(training.task.trial, training.epoch, metrics))

    def _end(self, training: Training, now: float, outcome: Outcome) -> None:
        end = TrialEnd(
            outcome, epochs=training.epoch, best_epoch=training.epoch,
            best=metrics_of(training.task, training.epoch, training.noise),
            seconds=EPOCH_SECONDS * training.epoch, data_hash="0123456789abcdef", device="cpu",
            rows={"train": 1078, "validation": 359, "test": 360},
        )  # fmt: skip
        self._say(now, Ended(training.task.trial, end))

    def _say(self, due: float, event: Event) -> None:
        heapq.heappush(self._due, (due, next(self._order), event))


def metrics_of(task: Task, epoch: int, noise: random.Random) -> dict[str, float]:
    """What a real training logs: a noisy curve whose end depends on the learning rate."""
    lr = task.configuration.optimizer.parameters["lr"]
    right = 1.0 / (1.0 + 100 * abs(lr - 3e-3)) - 0.5 / epoch + noise.gauss(0.0, 0.02)
    return {
        "train/loss": 1.02 - right,
        "train/accuracy": right + 0.01,
        "train/f1": right + 0.005,
        "val/loss": 1.1 - right,
        "val/accuracy": right,
        "val/f1": right - 0.004,
        "optim/lr": lr,
        "time/epoch_s": EPOCH_SECONDS,
    }
