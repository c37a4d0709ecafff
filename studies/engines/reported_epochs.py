"""The epochs that a program or a function of the user's reports, and the trial's end by them."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lightning_modules.configuration import Configuration
from lightning_modules.errors import UserError
from lightning_modules.training.best_epoch import is_better
from studies.engines import Task
from studies.engines.places import CPU
from studies.records import EpochReport, Outcome, TrialEnd


def device_of(task: Task) -> str:
    """Where a program or a function may train: the model of its GPU, or `cpu`."""
    accelerator = task.configuration.trainer["accelerator"]
    return CPU if accelerator == CPU or task.kind is None else task.kind


@dataclass
class ReportedEpochs:
    """What a program or a function has reported, checked."""

    configuration: Configuration
    who: str
    """Who reports: `the program` or `the function`."""
    patience: int = 1
    """The epoch by which the objective must have been reported."""
    hint: Callable[[], str] = lambda: ""
    """What is said where it was not."""
    epochs: list[dict[str, float]] = field(default_factory=list)
    test: dict[str, float] = field(default_factory=dict)
    diverged: str = ""
    _best: int | None = None
    _began: float = field(default_factory=time.perf_counter)

    def epoch(self, said: Mapping[str, Any]) -> EpochReport:
        """Take an epoch; UserError where it is not the next one, or not as it should be."""
        objective, number = self.configuration.objective, len(self.epochs) + 1
        if said["epoch"] != number or isinstance(said["epoch"], bool):
            expected = f"epoch {number} was expected: they count 1, 2, 3, ..."
            raise UserError(f"{self.who} reported epoch {said['epoch']!r} where {expected}")
        longest = self.configuration.reports
        if number > longest:
            of = "trainer.epochs"
            if longest < self.configuration.trainer["epochs"]:
                of += " / trainer.val_every"  # one for every validation
            text = f"more epochs than {of} ({longest}): give it {{epochs}}"
            raise UserError(f"{self.who} reported {text}, or set trainer.epochs to what it takes")
        metrics = self._numbers(said.get("metrics"), f"epoch {number}")
        if objective.metric not in metrics and not self.best and number == self.patience:
            raise self.lacks_objective(metrics, number)
        value, now = metrics.get(objective.metric, 0.0), time.perf_counter()
        metrics["time/epoch_s"], self._began = now - self._began, now
        self.epochs.append(metrics)
        if not math.isfinite(value):
            self.diverged = f"{objective.metric} is {value!r} after epoch {number}"
        elif is_better(metrics, self.best, objective):
            self._best = number
        return EpochReport(number, metrics)

    def lacks_objective(self, metrics: Mapping[str, float], number: int) -> UserError:
        """What is said of a training that has reported so many epochs without its objective."""
        names, hint = ", ".join(metrics) or "nothing", self.hint()
        epochs = "epoch 1" if number == 1 else f"its first {number} epochs"
        text = f"{self.who} did not report {self.configuration.objective.metric} in {epochs}"
        return UserError(f"{text}, but {names}" + (f": {hint}" if hint else ""))

    def take_test(self, said: Any) -> None:
        """Take the metrics of the test part."""
        found = self._numbers(said, "the test")
        self.test = {f"test/{name.removeprefix('test/')}": found[name] for name in found}

    @property
    def best(self) -> dict[str, float]:
        """The metrics of the best epoch."""
        return self.epochs[self._best - 1] if self._best else {}

    def end(
        self, outcome: Outcome, reason: str, began: float, task: Task, log: str | None = None
    ) -> TrialEnd:
        """The end of the trial."""
        return TrialEnd(
            outcome,
            reason=reason,
            epochs=len(self.epochs),
            best_epoch=self._best,
            best=self.best,
            test=self.test if task.evaluate_test else {},
            traceback=log,
            seconds=time.perf_counter() - began,
            device=device_of(task),
        )

    def _numbers(self, said: Any, where: str) -> dict[str, float]:
        if not isinstance(said, dict):
            form = '{"epoch": 1, "metrics": {"val/loss": 0.5}}'
            raise UserError(f"{self.who} reported {where} without metrics; the form is {form}")
        for name, value in said.items():
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise UserError(f"{name} is {value!r} in {where}, which is no number")
        return {name: float(value) for name, value in said.items()}
