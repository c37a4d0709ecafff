"""The metrics of a program that says nothing to fairtune, from what it writes for others."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from studies.engines import Task
from studies.engines.programs.captured import Captured
from studies.engines.programs.csv_file import CsvFile
from studies.engines.programs.log_lines import LogLines
from studies.engines.programs.process import ProgramProcess, written
from studies.engines.programs.tensorboard_files import TensorboardFiles
from studies.engines.programs.written_epochs import (
    CountedEpochs,
    Epochs,
    NumberedEpochs,
    Written,
)
from studies.program import metric_name
from studies.study_file.metrics_source import EPOCH, TEST, MetricsSource

EVERY_SECONDS = 0.1
"""How often a file is looked at."""
SHARE = 20
"""Times as long as a look took it is not looked again: a large file costs the training little."""
COUNTERS = ("epoch", "step", "global_step", "_step", "_runtime", "_timestamp")
"""What is logged beside metrics, and is none."""


class Source(Protocol):
    """Where metrics are read while a program runs."""

    numbered: bool
    """Whether its epochs are numbered, once it has been read."""

    def heard(self, line: str) -> Iterator[Written]:
        """What a line of the program's log says."""
        ...

    def news(self, over: bool) -> Iterator[Written]:
        """What was written since the last look; `over` once the program has ended."""
        ...

    def missing(self, metric: str) -> str:
        """What is said where a metric was not found."""
        ...


class WrittenMetrics:
    """Reads what a program writes as the reports that it does not make."""

    def __init__(self, wanted: MetricsSource, task: Task, folder: Path) -> None:
        """`folder` is that of the trial's state; what an attempt before has written is removed."""
        self._objective = task.configuration.objective.metric
        self._wanted = wanted
        self._called = {theirs: ours for ours, theirs in wanted.names.items()}
        self._source = _source(wanted, task, folder)
        self._epochs: Epochs | None = None
        self._test: dict[str, float] = {}
        self._number = 0
        self._due = 0.0

    @property
    def variables(self) -> Mapping[str, str]:
        """The environment that a program needs for it."""
        return self._source.variables() if isinstance(self._source, Captured) else {}

    @property
    def in_log(self) -> bool:
        """Whether both of the program's streams are read."""
        return self._wanted.way == "log"

    def missing(self) -> str:
        """What is said where the objective was not found."""
        return self._source.missing(self._objective)

    def require_read(self) -> None:
        """Raise UserError where the program has not read what it is told."""
        if isinstance(self._source, Captured):
            self._source.require_read()

    def reports(self, program: ProgramProcess) -> Iterator[dict[str, Any]]:
        """The epochs of a program while it runs, and its test at last, as it would report them."""
        for line in program.lines(EVERY_SECONDS):
            if line:
                program.log.append(line)
                yield from self._epochs_of(self._source.heard(line))
            if time.monotonic() >= self._due:
                yield from self._look(over=False)
        while not program.ends_within(EVERY_SECONDS):  # it has closed its streams
            yield from self._look(over=False)
        yield from self._look(over=True)
        if self._epochs is not None:
            yield from map(self._report, self._epochs.rest())
        if self._test:
            yield {"test": self._test}

    def _look(self, over: bool) -> Iterator[dict[str, Any]]:
        began = time.monotonic()
        found = list(self._source.news(over))
        now = time.monotonic()
        self._due = now + max(EVERY_SECONDS, SHARE * (now - began))
        yield from self._epochs_of(found)

    def _epochs_of(self, found: Iterable[Written]) -> Iterator[dict[str, Any]]:
        for each in found:
            if self._epochs is None:
                kind = NumberedEpochs if self._source.numbered else CountedEpochs
                self._epochs = kind(self._objective)
            metrics = {self._name(name): value for name, value in each.metrics.items()}
            self._test |= {name: metrics[name] for name in metrics if name.startswith(TEST)}
            rest = {
                name: value
                for name, value in metrics.items()
                if not name.startswith(TEST) and name.rpartition("/")[2] not in COUNTERS
            }
            at = each.at
            if at is None and not self._source.numbered:
                at = metrics.get(EPOCH)  # what is logged with the epoch belongs together
            if rest or at is not None:
                yield from map(self._report, self._epochs.add(Written(rest, at)))

    def _report(self, metrics: dict[str, float]) -> dict[str, Any]:
        self._number += 1
        return {"epoch": self._number, "metrics": metrics}

    def _name(self, name: str) -> str:
        """What a metric is called that was written by that name."""
        if name in self._called:
            return self._called[name]
        return name if self.in_log or name == self._objective else metric_name(name)


def _source(wanted: MetricsSource, task: Task, folder: Path) -> Source:
    if wanted.way == "log":
        return LogLines(wanted.patterns)
    if wanted.way in ("csv", "tensorboard"):
        checkpoint = str(Path(task.checkpoint or "").absolute())
        own = str(written(folder))
        path = Path(wanted.path.replace("{folder}", own).replace("{checkpoint}", checkpoint))
        return CsvFile(path, wanted.epoch) if wanted.way == "csv" else TensorboardFiles(path)
    return Captured(wanted, task, folder)
