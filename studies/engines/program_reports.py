"""What a user's program reports: its lines read, and its epochs and metrics checked."""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lightning_modules.configuration import Configuration
from lightning_modules.errors import UserError
from lightning_modules.training.best_epoch import is_better
from studies.engines import Task
from studies.records import EpochReport, Outcome, TrialEnd

NOT_FINITE = re.compile(r"(?<=[\s:,\[])([+-]?)(nan|inf)(?:inity)?(?=[\s,}\]])", re.IGNORECASE)
"""What C and awk print where JSON knows no word; Python's json reads NaN and Infinity."""


def read_report(line: str) -> dict[str, Any] | None:
    """The JSON object of a line, which may be a report; None where the line is none.

    Raises UserError where it looks like a report that cannot be read.
    """
    if not line.lstrip().startswith("{"):
        return None
    try:
        said = json.loads(NOT_FINITE.sub(_json_number, line))
    except ValueError as error:
        if re.match(r'\s*\{\s*"(epoch|test)"', line):
            raise UserError(f"the program reported what is no JSON: {line.strip()!r}") from error
        return None
    return said if isinstance(said, dict) else None


def _json_number(word: re.Match[str]) -> str:
    if word[2].lower() == "nan":
        return "NaN"
    return ("-" if word[1] == "-" else "") + "Infinity"


@dataclass
class ProgramReports:
    """What a program has reported so far, checked as it comes."""

    configuration: Configuration
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
            raise UserError(f"the program reported epoch {said['epoch']!r} where {expected}")
        longest = int(self.configuration.trainer["epochs"])
        if number > longest:
            text = f"more epochs than trainer.epochs ({longest}): give it {{epochs}}"
            raise UserError(f"the program reported {text}, or set trainer.epochs to what it takes")
        metrics = _numbers(said.get("metrics"), f"epoch {number}")
        if objective.metric not in metrics:
            names = ", ".join(metrics) or "nothing"
            text = f"the program did not report {objective.metric} in epoch {number}, but {names}"
            raise UserError(text)
        value, now = metrics[objective.metric], time.perf_counter()
        metrics["time/epoch_s"], self._began = now - self._began, now
        self.epochs.append(metrics)
        if not math.isfinite(value):
            self.diverged = f"{objective.metric} is {value!r} after epoch {number}"
        elif is_better(metrics, self.best, objective):
            self._best = number
        return EpochReport(number, metrics)

    def take_test(self, said: Any) -> None:
        """Take the metrics of the test part."""
        metrics = _numbers(said, "the test")
        self.test = {f"test/{name.removeprefix('test/')}": metrics[name] for name in metrics}

    @property
    def best(self) -> dict[str, float]:
        """The metrics of the best epoch so far; empty before the first one."""
        return self.epochs[self._best - 1] if self._best else {}

    def end(
        self, outcome: Outcome, reason: str, began: float, task: Task, log: str | None = None
    ) -> TrialEnd:
        """The end of the trial, with everything that the program has reported."""
        return TrialEnd(
            outcome,
            reason=reason,
            epochs=len(self.epochs),
            best_epoch=self._best,
            best=self.best,
            test=self.test if task.evaluate_test else {},
            traceback=log,
            seconds=time.perf_counter() - began,
            device="",
        )


def _numbers(said: Any, where: str) -> dict[str, float]:
    if not isinstance(said, dict):
        form = '{"epoch": 1, "metrics": {"val/loss": 0.5}}'
        raise UserError(f"the program reported {where} without metrics; the form is {form}")
    for name, value in said.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise UserError(f"{name} is {value!r} in {where}, which is no number")
    return {name: float(value) for name, value in said.items()}
