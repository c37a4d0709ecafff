"""What the actors of `ray_workers.py` train, and how long they wait for answers."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from studies.engines import Task
from studies.engines.worker import Perform
from studies.records import EpochReport, Outcome, TrialEnd


@dataclass(frozen=True)
class Paced:
    """Trains so that an epoch takes a while at least, and notes every wait for an answer.

    There is a file per worker: the moment at which it began its first task, and then a line of two
    numbers for every epoch: the moment of its answer, and the seconds that it took to come.
    """

    perform: Perform
    folder: str
    epoch_seconds: float

    def __call__(self, task: Task, ask: Callable[[EpochReport], bool]) -> TrialEnd:
        file = Path(self.folder) / str(os.getpid())
        began = time.monotonic()
        with file.open("a", buffering=1) as notes:
            if not file.stat().st_size:
                notes.write(f"{began}\n")

            def timed(report: EpochReport) -> bool:
                nonlocal began
                time.sleep(max(0.0, began + self.epoch_seconds - time.monotonic()))
                asked = time.monotonic()
                try:
                    return ask(report)
                finally:
                    began = time.monotonic()
                    notes.write(f"{began} {began - asked}\n")

            return self.perform(task, timed)


def no_training(task: Task, ask: Callable[[EpochReport], bool]) -> TrialEnd:
    """Reports made-up metrics, as many as a training has, and imports nothing for it."""
    noise = random.Random(task.seed)
    epochs = int(task.configuration.trainer["epochs"])
    best, metrics = 0.0, {}
    for epoch in range(1, epochs + 1):
        right = 1 - 0.5 / epoch + noise.gauss(0.0, 0.02)
        metrics = {
            "train/loss": 1.02 - right,
            "train/accuracy": right + 0.01,
            "val/loss": 1.1 - right,
            "val/accuracy": right,
            "optim/lr": 0.001,
        }
        best = max(best, right)
        if not ask(EpochReport(epoch, metrics)):
            return TrialEnd(Outcome.pruned, epochs=epoch, best_epoch=epoch, best=metrics)
    return TrialEnd(Outcome.completed, epochs=epochs, best_epoch=epochs, best=metrics)
