"""The worker process: trains one task after the other and asks after every epoch."""

from __future__ import annotations

import os
import signal
import threading
import time
import traceback
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

from studies.engines import Ended, Epoch, Task
from studies.records import Outcome, TrialEnd

if TYPE_CHECKING:
    from collections.abc import Callable

    from lightning_modules.training import EpochReport


def work(connection: Connection, lifeline: Connection) -> None:
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

        connection.send(Ended(task.trial, perform(task, ask)))


def perform(task: Task, on_epoch: Callable[[EpochReport], bool]) -> TrialEnd:
    """Train a task; whatever its code raises becomes the outcome."""
    from lightning_modules.training import train

    start = time.perf_counter()
    try:
        result = train(
            task.configuration,
            task.seed,
            on_epoch=on_epoch,
            checkpoint=Path(task.checkpoint) if task.checkpoint else None,
            evaluate_test=task.evaluate_test,
        )
    except (EOFError, BrokenPipeError):
        raise  # the driver is gone
    except BaseException as error:
        return failure(error, time.perf_counter() - start)
    return TrialEnd(
        outcome=Outcome(result.outcome),
        reason=result.reason,
        epochs=result.epochs,
        best_epoch=result.best_epoch,
        best=result.best,
        test=result.test,
        checkpoint=result.checkpoint,
        seconds=result.seconds,
        data_hash=result.data_hash,
    )


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
