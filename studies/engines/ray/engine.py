"""An engine whose workers are on the machines of a Ray cluster."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass, replace
from logging import getLogger
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from secrets import token_hex

from lightning_modules.errors import ClusterError
from studies.engines import Answer, Ended, Epoch, Event, Task
from studies.engines.places import MACHINE, Place
from studies.engines.pool import Pool
from studies.engines.ray.messages import (
    Failed,
    FromClient,
    Gone,
    Kill,
    Notice,
    Opened,
    Order,
    Ready,
    Reply,
    Said,
    Submit,
    Wanted,
)
from studies.engines.ray.terms import Terms
from studies.engines.worker import Perform
from studies.home.safe_path import with_safe_path
from studies.records import Outcome, TrialEnd

CLOSE_SECONDS = 5.0
"""How long the client may take to end its actors."""
OPEN_SECONDS = 120.0
"""How long Ray may take to start here, or to let the client in."""
MOST_SAID = 2000
"""Characters of what the client printed last."""


@dataclass(eq=False)
class RayWorker:
    """An actor that has joined, and what it trains."""

    number: int
    place: Place
    tell: Callable[[object], None]
    attempt: int = 0
    trial: str | None = None
    epoch: int = 0
    """The last one that was reported."""
    started: bool = True

    def send(self, message: Task | Answer) -> None:
        if isinstance(message, Task):
            self.trial, self.epoch = message.trial, 0
            self.tell(Submit(self.number, self.attempt, message))
        else:
            self.tell(Reply(self.number, self.attempt, self.epoch, message))


class RayEngine(Pool[RayWorker]):
    """Runs each task in an actor of a Ray cluster; actors may come and go."""

    def __init__(
        self,
        wanted: Wanted,
        perform: Perform,
        preload: Sequence[str],
        terms: Callable[[], AbstractContextManager[Terms]],
    ) -> None:
        """`perform` and `preload` are as for the local engine; `terms` says what nodes must have
        in common with this process."""
        super().__init__()
        self._order = (wanted, perform, preload)
        self._terms = terms
        self._workers: dict[int, RayWorker] = {}
        self._attempts = 0
        self._opened = ExitStack()
        self._client: subprocess.Popen[bytes] | None = None
        self._pipe: Connection
        self._is_open = False
        """Whether the client is connected to a cluster."""
        self._open_until = math.inf

    def start(self) -> None:
        """Start the client, which connects to the cluster."""
        if self._client is not None:
            return
        wanted, perform, preload = self._order
        folder = ""
        if wanted.address is None:
            folder = self._opened.enter_context(_folder_of_ray())
        self._said = tempfile.TemporaryFile()  # noqa: SIM115  (until `close`)
        self._opened.callback(self._said.close)
        self._pipe, theirs = Pipe()
        their_parent, self._parent = Pipe(duplex=False)
        self._opened.callback(self._parent.close)
        self._opened.callback(self._pipe.close)
        with theirs, their_parent:
            ends = (theirs.fileno(), their_parent.fileno())
            self._client = subprocess.Popen(
                [sys.executable, "-m", "studies.engines.ray.client", *map(str, ends)],
                pass_fds=ends,
                stdin=subprocess.DEVNULL,
                stdout=self._said,
                stderr=self._said,
                env=environment_for(wanted),
                start_new_session=True,  # Ctrl-C is for the driver to hear
            )
        terms = self._opened.enter_context(self._terms())
        self._open_until = time.monotonic() + OPEN_SECONDS
        self._tell(Order(replace(wanted, folder=folder), terms, perform, preload))

    @property
    def kinds(self) -> Mapping[str, int]:
        known = [worker.place for worker in self._workers.values()] or [MACHINE]
        return self._at.free(known, [worker.place for worker in self._idle])

    def kill(self, trial: str, end: TrialEnd) -> None:
        if trial not in self.waiting:
            worker = self._busy.pop(trial)
            worker.trial = None
            worker.tell(Kill(worker.number, worker.attempt))
        self._report_end(Ended(trial, end))

    def events(self, timeout: float | None) -> Sequence[Event]:
        if not self._reported and self._client is not None:
            if wait([self._pipe], timeout):
                while self._pipe.poll():
                    self._hear()
            elif not self._is_open and time.monotonic() > self._open_until:
                raise ClusterError(self._why_not_open())
        events, self._reported = self._reported, []
        return events

    def close(self) -> None:
        if self._client is not None:
            with suppress(OSError):
                self._pipe.send(None)
            with suppress(subprocess.TimeoutExpired):
                self._client.wait(CLOSE_SECONDS)
        self._opened.close()  # the end of the parent's pipe kills the client and what it started
        if self._client is not None:
            self._client.wait()
            self._client = None

    def _begin(self, task: Task, worker: RayWorker) -> None:
        self._attempts += 1
        worker.attempt = self._attempts
        super()._begin(task, worker)

    def _tell(self, message: object) -> None:
        with suppress(OSError):  # `events` will notice
            self._pipe.send(message)

    def _hear(self) -> None:
        try:
            message: FromClient = self._pipe.recv()
        except (EOFError, OSError):
            raise ClusterError(self._why_client_ended()) from None
        match message:
            case Ready(number, place):
                worker = RayWorker(number, place, self._tell)
                self._workers[number] = worker
                self._free(worker)
            case Said(number, attempt, event):
                worker = self._workers[number]
                if attempt == worker.attempt:
                    self._take(worker, event)
            case Gone():
                self._lose(self._workers.pop(message.actor), message)
            case Notice(text):
                getLogger("fairtune").warning(text)
            case Failed(error):
                raise error
            case Opened():
                self._is_open = True

    def _take(self, worker: RayWorker, event: Event) -> None:
        """A worker says something of the attempt that it was given last."""
        ended_by_force = worker.trial is None
        if isinstance(event, Epoch):
            worker.epoch = event.epoch
            if not ended_by_force:
                self._reported.append(event)
            return
        if not ended_by_force:
            del self._busy[event.trial]
            worker.trial = None
            self._free(worker)
            self._report_end(event)
        else:
            self._free(worker)

    def _free(self, worker: RayWorker) -> None:
        self._idle.append(worker)
        self._begin_drained()

    def _lose(self, worker: RayWorker, gone: Gone) -> None:
        """A worker has gone, with its trial."""
        if worker in self._idle:
            self._idle.remove(worker)
        if not any(each.place == worker.place for each in self._workers.values()):
            for trial, place in list(self._at.waiting.items()):
                if place == worker.place:
                    end = TrialEnd(Outcome.interrupted, gone.reason)
                    self._report_end(Ended(trial, end, blameless=True))
        if worker.trial is None:
            return
        del self._busy[worker.trial]
        outcome = Outcome.out_of_memory if gone.out_of_memory else Outcome.crashed
        if gone.blameless:
            outcome = Outcome.interrupted
        end = TrialEnd(outcome, gone.reason)
        self._report_end(Ended(worker.trial, end, blameless=gone.blameless))

    def _why_not_open(self) -> str:
        address = self._order[0].address
        if address is None:
            return f"Ray has not started on this machine for {OPEN_SECONDS:g} s"
        return (
            f"Ray has not answered at {address} for {OPEN_SECONDS:g} s: see `ray status` on the "
            "head of the cluster for where it is, and whether this machine can reach it"
        )

    def _why_client_ended(self) -> str:
        assert self._client is not None
        with suppress(subprocess.TimeoutExpired):
            self._client.wait(CLOSE_SECONDS)
        self._said.seek(0)
        said = self._said.read()[-MOST_SAID:].decode(errors="replace").strip().splitlines()
        last = f" ({said[-1]})" if said else ""
        return (
            f"the connection to Ray has ended{last}; what was trained is kept, and the same "
            "command continues the study"
        )


def environment_for(wanted: Wanted) -> dict[str, str]:
    """The variables of the client: Ray sends nothing to its makers, and one that is started here
    listens on this machine only, to those who know its token."""
    found = with_safe_path({**os.environ, "RAY_USAGE_STATS_ENABLED": "0"})
    if wanted.address is None:
        found.pop("RAY_ADDRESS", None)
        found |= {
            "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": token_hex(32),
        }
    return found


def _folder_of_ray() -> tempfile.TemporaryDirectory[str]:
    """A folder whose path is short enough for the sockets in it."""
    short = tempfile.gettempdir() if len(tempfile.gettempdir()) < 30 else "/tmp"
    return tempfile.TemporaryDirectory(
        prefix="fairtune-ray-", dir=short, ignore_cleanup_errors=True
    )
