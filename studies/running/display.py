"""Who hears what happens while a study runs: the screen."""

from __future__ import annotations

from collections.abc import Sequence

from lightning_modules.data.preparation.summary import DataSummary
from studies.records import Trial, TrialEnd
from studies.search import AskedTrial


class Display:
    """Hears of everything that happens in a run, to show it; this one shows nothing."""

    def phase(self, name: str, total: int | None, done: int) -> None:
        """A phase begins: `search` or `confirm`, with so many trials, some of them done."""

    def resumed(self, ended: Sequence[Trial]) -> None:
        """A study goes on whose earlier runs have ended these trials."""

    def data(self, summaries: Sequence[DataSummary]) -> None:
        """What the data of the study became, before anything is trained."""

    def started(self, asked: AskedTrial) -> None:
        """A trial was given to a worker."""

    def epoch(self, asked: AskedTrial, epoch: int, value: float) -> None:
        """A trial finished an epoch with this value of the objective."""

    def retried(self, asked: AskedTrial, end: TrialEnd) -> None:
        """A trial ended in a way that allows another attempt."""

    def ended(self, asked: AskedTrial, end: TrialEnd, value: float | None) -> None:
        """A trial ended; `value` is the objective at its best epoch."""

    def waiting(self, text: str) -> None:
        """The study has ended; what is still waited for, and how not to."""

    def stopping(self, trials: int) -> None:
        """The study is being stopped; so many trials are to finish their epoch."""
