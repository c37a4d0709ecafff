"""Who hears what happens while a study runs: the screen, and what keeps its records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from studies.archive import Asked
from studies.records import TrialEnd, TrialRecord


class Display:
    """What the runner tells the screen; this one shows nothing."""

    def phase(self, name: str, total: int | None, done: int) -> None:
        """A phase begins: `search` or `confirm`, with so many trials, some of them done."""

    def started(self, asked: Asked) -> None:
        """A trial was given to a worker."""

    def epoch(self, asked: Asked, epoch: int, value: float) -> None:
        """A trial finished an epoch with this value of the objective."""

    def retried(self, asked: Asked, end: TrialEnd) -> None:
        """A trial ended in a way that allows another attempt."""

    def ended(self, asked: Asked, end: TrialEnd, value: float | None) -> None:
        """A trial was told; `value` is the objective at its best epoch."""

    def stopping(self, trials: int) -> None:
        """The study is being stopped; so many trials are to finish their epoch."""


class Tracker(Protocol):
    """Where the runner writes what happened; its calls do not wait for the writing."""

    def start_trial(self, record: TrialRecord, *, resume: bool) -> None: ...

    def epoch(self, key: str, epoch: int, metrics: Mapping[str, float]) -> None: ...

    def finish_trial(self, key: str, end: TrialEnd) -> None: ...

    def run_id(self, key: str) -> str | None: ...
