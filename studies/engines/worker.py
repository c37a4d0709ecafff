"""The worker process: trains one task after the other and asks after every epoch."""

from __future__ import annotations

import faulthandler
import multiprocessing
import signal
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.connection import Connection
from typing import Any

from lightning_modules.errors import Interrupted
from studies.devices.measuring import measuring
from studies.engines import Answer, Ended, Epoch, Event, Task, process_group
from studies.engines.memory import is_out_of_memory, leave_gpu_empty
from studies.home.safe_path import give_back_safe_path
from studies.records import STOPPED, EpochReport, Outcome, TrialEnd

Perform = Callable[[Task, Callable[[EpochReport], bool]], TrialEnd]
"""Trains a task, asking after every epoch whether to go on; that may raise Interrupted."""


def work(
    connection: Connection, parent_pipe: Connection, last_words: Connection, perform: Perform
) -> None:
    """Train what arrives on `connection` until it closes.

    `parent_pipe` is the reading end of a pipe that only the driver holds open: when the driver
    dies, however suddenly, the worker and its children follow within moments. Where the worker
    crashes, `last_words` gets the traceback.
    """
    # a loader of data has processes of its own; all of the group end together
    multiprocessing.current_process().daemon = False
    give_back_safe_path()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the driver acts
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    process_group.become_group_leader(parent_pipe.fileno())
    threading.Thread(target=process_group.follow, args=(parent_pipe,), daemon=True).start()

    def say(event: Event) -> None:
        try:
            connection.send(event)
        except OSError:  # the driver is gone
            process_group.leave()

    def hear() -> Any:
        try:
            return connection.recv()
        except (EOFError, OSError):
            process_group.leave()

    while True:
        task: Task = hear()
        faulthandler.disable()  # Lightning takes its handlers away at the end of a training
        faulthandler.enable(last_words.fileno())

        def ask(report: EpochReport, trial: str = task.trial) -> bool:
            say(Epoch(trial, report.epoch, report.metrics))
            answer: Answer = hear()
            return answer.goes_on()

        end = measured(task, ask, perform)
        broken = not leave_gpu_empty()
        say(Ended(task.trial, end, broken=broken))
        if broken:
            process_group.leave()


def measured(task: Task, ask: Callable[[EpochReport], bool], perform: Perform) -> TrialEnd:
    """Train a task, and say in its end what it took of the machine, however it ended."""
    with measuring() as system:
        end = guarded(task, ask, perform)
    return replace(end, system=system)


def guarded(task: Task, ask: Callable[[EpochReport], bool], perform: Perform) -> TrialEnd:
    """Train a task; whatever its code raises becomes the outcome."""
    start = time.perf_counter()
    try:
        return perform(task, ask)
    except Interrupted:
        seconds = time.perf_counter() - start
        return TrialEnd(Outcome.interrupted, reason=STOPPED, seconds=seconds)
    except BaseException as error:
        return failure(error, time.perf_counter() - start)


def failure(error: BaseException, seconds: float) -> TrialEnd:
    """The end of a trial whose code raised."""
    return TrialEnd(
        outcome=Outcome.out_of_memory if is_out_of_memory(error) else Outcome.error,
        reason=f"{type(error).__name__}: {first_line(error)}".rstrip(": "),
        traceback="".join(traceback.format_exception(error)),
        seconds=seconds,
    )


def first_line(error: BaseException) -> str:
    """The first line of what an exception says."""
    return next(iter(str(error).strip().splitlines()), "")
