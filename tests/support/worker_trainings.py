"""Trainings that a worker process can import."""

import ctypes
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import torch

from studies.engines import Task
from studies.engines.training import train_task
from studies.records import EpochReport, Outcome, TrialEnd


def perform(task: Task, on_epoch: Callable[[EpochReport], bool]) -> TrialEnd:
    """Seed 1 raises, seed 2 is killed, seed 3 reads an empty file, seed 4 has no memory left,
    seed 5 trains, seed 6 crashes in C and seed 7 says how many loader workers it may have; others
    report their process until they are stopped."""
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
    if task.seed == 7:
        return TrialEnd(Outcome.completed, reason=str(task.loader_workers))
    if task.seed == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    epoch = 1
    while on_epoch(EpochReport(epoch, {"val/accuracy": float(os.getpid())})):
        epoch += 1
    return TrialEnd(Outcome.pruned, epochs=epoch)


def on_gpu(task: Task, on_epoch: Callable[[EpochReport], bool]) -> TrialEnd:
    """Reports its process and the number of the GPU that it sees until it is stopped. Seed 1 breaks
    its GPU for its process, seed 2 is killed after its first epoch, and seed 3 has memory enough
    only where it is alone."""
    if task.seed == 1:
        torch.cuda.is_initialized = lambda: True
        torch.cuda.synchronize = asserted  # type: ignore[assignment]
        asserted()
    seen = os.environ["CUDA_VISIBLE_DEVICES"]
    metrics = {"val/gpu": float(seen.removeprefix("GPU-")), "val/process": float(os.getpid())}
    epoch = 1
    while on_epoch(EpochReport(epoch, metrics)):
        epoch += 1
        if task.seed == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        if task.seed == 3 and not task.alone:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")
    return TrialEnd(
        Outcome.completed, epochs=epoch, best_epoch=1, best=metrics, device=task.kind or "nowhere"
    )


def fits_alone(task: Task, on_epoch: Callable[[EpochReport], bool]) -> TrialEnd:
    """Trial 1 finds no memory beside another one, and every other waits until it has found out."""
    assert task.checkpoint is not None
    folder = Path(task.checkpoint).parent / "training"
    folder.mkdir(parents=True, exist_ok=True)
    here, large = folder / task.trial, task.trial == "trial-0001"
    here.touch()
    try:
        while not task.alone and len(list(folder.iterdir())) < 2:
            time.sleep(0.01)
        if large and not task.alone:
            (folder / "found out").touch()
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")
        while not (folder / "found out").exists():
            time.sleep(0.01)
        for epoch in (1, 2, 3):
            on_epoch(EpochReport(epoch, {"val/accuracy": 0.5}))
            beside = {each.name for each in folder.iterdir()} - {"found out", task.trial}
            if large and beside:
                raise torch.OutOfMemoryError(f"CUDA out of memory beside {beside}.")
    finally:
        here.unlink()
    best = {"val/accuracy": 0.5}
    return TrialEnd(
        Outcome.completed, epochs=3, best_epoch=1, best=best, device=task.kind or "nowhere"
    )


def asserted() -> None:
    """What CUDA says to every call after such an error."""
    raise RuntimeError("CUDA error: device-side assert triggered")
