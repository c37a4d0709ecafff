"""A worker process on a node: the local engine with one worker, asked from afar.

The methods may be called again, when nobody knows whether a call arrived: each does its work once.
They come on threads of Ray's; the engine belongs to a thread of its own.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue

from lightning_modules.errors import FairtuneError, StorageError
from studies.devices import discovery
from studies.engines import Answer, Epoch, Event, Task
from studies.engines.local import LocalEngine
from studies.engines.places import WITHOUT_GPU, Place, places_of
from studies.engines.ray.joining import shares_home
from studies.engines.ray.parcels import Files, Scratch, temporary_folder
from studies.engines.ray.terms import Terms
from studies.engines.worker import Perform
from studies.records import Outcome, TrialEnd

LISTEN_SECONDS = 30.0
"""How long a call waits for news; then it is made again."""
DESERTED_SECONDS = 600.0
"""How long nobody may listen: large states are long on their way, and a driver may be paused."""
LOOK_SECONDS = 1.0
"""Between two looks for a state to continue from, while a trial is under way."""
NO_STORAGE = f"{StorageError.__name__}: "
"""How the end of a trial begins that could not write: a matter of its node, unless that shares the
home."""
KILLED = TrialEnd(Outcome.interrupted)
"""Nobody hears of it: the driver has said the end of what it kills."""


@dataclass(frozen=True)
class Message:
    """Something that was said, and what came to be on the disk with it."""

    number: int
    attempt: int
    event: Event | None
    """None where files alone have come to be, or nothing can be trained here any more."""
    files: Files
    error: str = ""
    """Why that is so."""


class Host:
    """Trains tasks one after the other."""

    def __init__(self, engine: LocalEngine, place: Place, folder: Path | None) -> None:
        """`folder` is for what trials write, where this node does not share the home."""
        self.place = place
        self._folder = folder
        self._engine = engine
        self._calls: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._said: deque[Message] = deque()
        self._count = 0
        self._more = threading.Condition()
        self._attempt = 0
        self._task: Task | None = None
        """What is under way."""
        self._waits_at: int | None = None
        """The epoch whose answer is awaited."""
        self._scratch: Scratch | None = None
        self._look_at = 0.0
        self.is_ready = threading.Event()
        """Whether its worker has started, or cannot be."""
        self._listeners = 0
        self._heard_at = time.monotonic()
        """When somebody listened last."""
        threading.Thread(target=self._run, daemon=True).start()

    @classmethod
    def open(
        cls,
        terms: Terms,
        perform: Perform,
        preload: Sequence[str],
        cpus: int,
        on_gpu: bool,
        node: str,
    ) -> Host:
        """A host at the device that Ray has given to this process; its worker has started, as the
        time that a trial may take counts from when it is given to a host."""
        (first, *_) = places_of(discovery.gpus()) if on_gpu else [WITHOUT_GPU]
        engine = LocalEngine(1, perform, preload, [first], cpus if cpus > 1 else 0)
        folder = None if shares_home(terms) else temporary_folder()
        host = cls(engine, replace(first, node=node), folder)
        host.is_ready.wait()
        host._heard_at = time.monotonic()  # from now on somebody is to listen
        threading.Thread(target=leave_when_deserted, args=(host,), daemon=True).start()
        return host

    @property
    def shares_home(self) -> bool:
        """Whether trials write to the home of the driver themselves."""
        return self._folder is None

    def submit(self, attempt: int, task: Task, files: Files, weights: bytes | None) -> None:
        """Begin an attempt at a task, instead of an earlier one that is still under way."""
        self._call(partial(self._begin, attempt, task, files, weights))

    def answer(self, attempt: int, epoch: int, answer: Answer) -> None:
        """Answer an epoch, if the worker waits for just that."""
        self._call(partial(self._answer, attempt, epoch, answer))

    def kill(self, attempt: int) -> None:
        """End an attempt by force, if it is under way."""
        self._call(partial(self._kill, attempt))

    def listen(self, after: int) -> list[Message]:
        """The messages after that number, as soon as there are any; those up to it have arrived.
        Nothing where nothing is said for a while."""
        with self._more:
            while self._said and self._said[0].number <= after:
                self._said.popleft()
            self._listeners += 1
            self._more.wait_for(lambda: self._said, LISTEN_SECONDS)
            self._listeners -= 1
            self._heard_at = time.monotonic()
            return list(self._said)

    def is_deserted(self) -> bool:
        """Whether nobody has listened for long: the head of the cluster may be gone, and with it
        who would end this process."""
        return not self._listeners and time.monotonic() - self._heard_at > DESERTED_SECONDS

    def _call(self, call: Callable[[], None]) -> None:
        self._calls.put(call)
        self._engine.wake()

    def _run(self) -> None:
        try:
            self._engine.start()
            while not self._engine.free:
                self._engine.events(None)
            self.is_ready.set()
            while True:
                for event in self._engine.events(None if self.shares_home else LOOK_SECONDS):
                    self._report(event)
                self._look()
                while True:
                    try:
                        self._calls.get_nowait()()
                    except Empty:
                        break
        except FairtuneError as error:
            self._say(None, error=str(error))
        except Exception as error:  # a full disk, say: nobody would hear of it otherwise
            self._say(None, error=f"{type(error).__name__}: {error}")
        finally:
            self.is_ready.set()

    def _look(self) -> None:
        """Send the state of a trial that is in the midst of an epoch: its node may go."""
        if self._scratch is None or time.monotonic() < self._look_at:
            return
        self._look_at = time.monotonic() + LOOK_SECONDS
        if files := self._scratch.state(at_rest=True):
            self._say(None, files)

    def _begin(self, attempt: int, task: Task, files: Files, weights: bytes | None) -> None:
        if attempt <= self._attempt:
            return
        self._kill(self._attempt)
        self._attempt, self._task, self._waits_at = attempt, task, None
        if self._folder is not None:
            self._scratch = Scratch.new(self._folder)
            task = self._scratch.unpack(task, files, weights)
        self._engine.submit(replace(task, kind=None, alone=False))

    def _answer(self, attempt: int, epoch: int, answer: Answer) -> None:
        if (attempt, epoch) != (self._attempt, self._waits_at) or self._task is None:
            return
        self._waits_at = None
        getattr(self._engine, answer.value)(self._task.trial)

    def _kill(self, attempt: int) -> None:
        if attempt == self._attempt and self._task is not None:
            self._engine.kill(self._task.trial, KILLED)
            for event in self._engine.events(0):
                self._report(event)

    def _report(self, event: Event) -> None:
        if self._task is None or event.trial != self._task.trial:
            return
        if isinstance(event, Epoch):
            self._waits_at = event.epoch
            self._say(event, self._scratch.state() if self._scratch else {})
            return
        files: Files = {}
        if self._scratch is not None:
            if event.end.reason.startswith(NO_STORAGE):
                raise StorageError(event.end.reason.removeprefix(NO_STORAGE))
            files = self._scratch.results(killed=event.end is KILLED)
            self._scratch.remove()
            self._scratch = None
        self._task = None
        self._say(event, files)

    def _say(self, event: Event | None, files: Files = {}, error: str = "") -> None:  # noqa: B006
        with self._more:
            self._count += 1
            self._said.append(Message(self._count, self._attempt, event, files, error))
            self._more.notify_all()


def leave_when_deserted(host: Host) -> None:
    """End this process, and its worker with it, once nobody listens any more; for a thread."""
    while not host.is_deserted():
        time.sleep(LOOK_SECONDS)
    os._exit(1)
