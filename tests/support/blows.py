"""Trainings in a worker that are hit where a test says: in a step, at an epoch, at their end.

A test writes a file `<trial>@<point>` with the kind of blow into a folder that the environment
names, followed by `once` where further attempts are to be spared. Points are the epochs (hit in the
first step), `<epoch>.<step>`, `<epoch>-objective` and `end`, after the last epoch. Every epoch that
a worker begins is noted in the file `log`.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from studies.engines import Task
from studies.engines.training import train_task
from studies.records import EpochReport, TrialEnd

FOLDER = "FAIRTUNE_TEST_BLOWS"
VALUES: dict[str, Any] = {"nan": float("nan"), "inf": float("inf"), "none": None, "text": "good"}


def perform(task: Task, ask: Callable[[EpochReport], bool]) -> TrialEnd:
    """Train a task, its state written after every epoch."""
    from lightning_modules.networks import SupervisedModule
    from lightning_modules.training.resume_checkpoint import ResumeCheckpoint

    step, validated = SupervisedModule.training_step, SupervisedModule.on_validation_epoch_end

    def hit(module: SupervisedModule, batch: Any, index: int) -> Any:
        epoch = module.current_epoch + 1
        if index == 0:
            note(task.trial, epoch)
            blow(task.trial, str(epoch))
        if kind := blow(task.trial, f"{epoch}.{index + 1}"):
            batch = (batch[0] * VALUES[kind], *batch[1:])
        return step(module, batch, index)

    def objective(module: SupervisedModule) -> None:
        validated(module)
        if kind := blow(task.trial, f"{module.current_epoch + 1}-objective"):
            module.epoch_metrics[module.objective] = VALUES[kind]

    with (
        mock.patch.object(SupervisedModule, "training_step", hit),
        mock.patch.object(SupervisedModule, "on_validation_epoch_end", objective),
        mock.patch.object(ResumeCheckpoint, "due", True),
    ):
        end = train_task(task, ask)
    blow(task.trial, "end")
    return end


@dataclass(frozen=True)
class There:
    """The same on a machine whose processes have not the environment of the test."""

    folder: str

    def __call__(self, task: Task, ask: Callable[[EpochReport], bool]) -> TrialEnd:
        os.environ[FOLDER] = self.folder
        return perform(task, ask)


def instant(task: Task, ask: Callable[[EpochReport], bool]) -> TrialEnd:
    """A trial that takes no time."""
    from studies.records import Outcome

    metrics = {"val/accuracy": (task.seed % 97) / 97}
    ask(EpochReport(1, metrics))
    return TrialEnd(Outcome.completed, epochs=1, best_epoch=1, best=metrics)


def note(trial: str, epoch: int) -> None:
    with (Path(os.environ[FOLDER]) / "log").open("a") as log:
        log.write(f"{trial}@{epoch} {os.getpid()}\n")


def blow(trial: str, point: str) -> str | None:
    """Do what the test wants at this point; a value's name where it wants a value."""
    order = Path(os.environ[FOLDER]) / f"{trial}@{point}"
    try:
        kind, _, once = order.read_text().partition(" ")
    except FileNotFoundError:
        return None
    if once:
        order.unlink()
    if kind in VALUES:
        return kind
    KINDS[kind](order)
    return None


def _raise(_: Path) -> None:
    raise ValueError("no such luck")


def _leak(_: Path) -> None:
    names = ("FAIRTUNE_STORAGE", "MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_PASSWORD",
             "A_FAULT_TEST_API_KEY")  # fmt: skip
    raise ValueError(" ".join(os.environ.get(name, "") for name in names))


def _memory(_: Path) -> None:
    raise MemoryError


def _exit(_: Path) -> None:
    sys.exit(3)


def _die(_: Path) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _segfault(_: Path) -> None:
    ctypes.string_at(0)


def _wait(order: Path) -> None:
    """Wait at a barrier until the test takes it away."""
    order.with_name(f"{order.name}.reached").write_text(str(os.getpid()))
    while order.exists():
        time.sleep(0.01)


def _stick(order: Path) -> None:
    """Hang in C code that never lets another thread run."""
    order.with_name(f"{order.name}.reached").write_text(str(os.getpid()))
    ctypes.PyDLL(None).sleep(1000)


def _bear(order: Path) -> None:
    """Start a child, as a data loader does, and hang."""
    child = subprocess.Popen(["sleep", "1000"])
    order.with_name(f"{order.name}.child").write_text(str(child.pid))
    _wait(order)


KINDS: dict[str, Callable[[Path], None]] = {
    "raise": _raise,
    "leak": _leak,
    "memory": _memory,
    "exit": _exit,
    "die": _die,
    "segfault": _segfault,
    "wait": _wait,
    "stick": _stick,
    "bear": _bear,
}
