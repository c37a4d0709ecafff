"""The worker process: trains one task after the other and asks after every epoch."""

from __future__ import annotations

import os
import signal
import threading
import time
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection

from studies.engines import Ended, Epoch, Task
from studies.records import EpochReport, Outcome, TrialEnd

Perform = Callable[[Task, Callable[[EpochReport], bool]], TrialEnd]
"""Trains a task, asking after every epoch whether to go on."""


def work(connection: Connection, lifeline: Connection, perform: Perform) -> None:
    """Train what arrives on `connection` until it closes.

    `lifeline` is the reading end of a pipe that only the driver holds open: when the driver dies,
    however suddenly, the worker follows within moments.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the driver acts
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_follow, args=(lifeline,), daemon=True).start()
    while True:
        try:
            task: Task = connection.recv()
        except EOFError:
            return

        def ask(report: EpochReport, trial: str = task.trial) -> bool:
            connection.send(Epoch(trial, report.epoch, report.metrics))
            return bool(connection.recv())

        connection.send(Ended(task.trial, _guarded(task, ask, perform)))


def _guarded(task: Task, ask: Callable[[EpochReport], bool], perform: Perform) -> TrialEnd:
    """Train a task; whatever its code raises becomes the outcome."""
    start = time.perf_counter()
    try:
        return perform(task, ask)
    except (EOFError, BrokenPipeError):
        raise  # the driver is gone
    except BaseException as error:
        return failure(error, time.perf_counter() - start)


def failure(error: BaseException, seconds: float) -> TrialEnd:
    """The end of a trial whose code raised."""
    memory = isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
    first_line = (str(error).strip().splitlines() or [""])[0]
    return TrialEnd(
        outcome=Outcome.out_of_memory if memory else Outcome.error,
        reason=f"{type(error).__name__}: {first_line}".rstrip(": "),
        traceback="".join(traceback.format_exception(error)),
        seconds=seconds,
    )


def _follow(lifeline: Connection) -> None:
    try:
        lifeline.recv_bytes()
    except (EOFError, OSError):
        os._exit(1)
