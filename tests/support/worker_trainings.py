"""Trainings that a worker process can import."""

import ctypes
import os
import signal
from collections.abc import Callable

from studies.engines import Task
from studies.engines.training import train_task
from studies.records import EpochReport, Outcome, TrialEnd


def perform(task: Task, on_epoch: Callable[[EpochReport], bool]) -> TrialEnd:
    """Seed 1 raises, seed 2 is killed, seed 3 reads an empty file, seed 4 has no memory left,
    seed 5 trains and seed 6 crashes in C; others report their process until they are stopped."""
    if task.seed == 1:
        raise ValueError("no such luck")
    if task.seed == 3:
        raise EOFError("Ran out of input")
    if task.seed == 4:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
    if task.seed == 5:
        return train_task(task, on_epoch)
    if task.seed == 6:
        ctypes.string_at(0)
    if task.seed == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    epoch = 1
    while on_epoch(EpochReport(epoch, {"val/accuracy": float(os.getpid())})):
        epoch += 1
    return TrialEnd(Outcome.pruned, epochs=epoch)
