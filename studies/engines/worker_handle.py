"""A worker process as its engine sees it: the process, its pipes and what it does."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

from studies.engines import Answer, Task, process_group
from studies.engines.last_words import exit_words
from studies.engines.places import Place


@dataclass(eq=False)
class WorkerHandle:
    """A worker process as the engine knows it."""

    place: Place
    process: multiprocessing.process.BaseProcess
    pipe: Connection
    last_words: Connection
    theirs: Sequence[Connection]
    trial: str | None = None
    proven: bool = False
    """Whether it has finished a trial: one that dies before that would die again."""
    started: bool = False
    not_started: str = ""
    """Why it could not be started."""
    killed: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def send(self, message: Task | Answer) -> None:
        if isinstance(message, Task):
            self.trial = message.trial
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # `events` will notice
            self.pipe.send(message)

    def kill(self) -> None:
        self.killed = True
        if self.started and self.process.pid is not None:
            process_group.kill(self.process.pid)
            self.process.kill()  # it may not lead its group yet

    def join(self) -> None:
        with self.lock:
            if self.started:
                self.process.join()

    def traceback(self) -> str | None:
        """Where it crashed, unless it was killed."""
        if not self.last_words.poll():
            return None
        return os.read(self.last_words.fileno(), 2**16).decode(errors="replace") or None

    def death(self) -> str:
        code = self.process.exitcode if self.started else None
        return (
            "the worker process did not start"
            if code is None
            else exit_words("the worker process", code)
        )
