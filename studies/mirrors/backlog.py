"""What a mirror lacks, as the record and the notes of deliveries say."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Literal

from studies.mirrors.progress import Progress
from studies.records import STOPPED, Outcome, RecordReader, Trial
from studies.records.deliveries import UNKNOWN, Deliveries

LIVE_SECONDS = 5.0
"""A trial that runs for longer is shown while it runs."""
FLUSH_SECONDS = 0.5
"""How long a delivery may wait to be noted: what is not noted is looked for again."""
ATTEMPTED = UNKNOWN
"""The revision of a trial that may be there, in part or whole."""

Until = Literal["", "leave", "finish"]
"""What the driver waits for: nothing while the study runs, the trials, the results too."""


@dataclass
class Backlog:
    """The trials of which a mirror lacks something, or may do so later."""

    mirror: str
    deliveries: Deliveries
    store: str
    progress: Progress
    delivered: dict[str, int] = field(default_factory=dict)
    """The revisions that the mirror has, by the trial's key."""
    pending: dict[int, Trial] = field(default_factory=dict)
    """The trials of which something may be missing, by their rows."""
    seen: int = -1
    """The revision up to which the record was looked through."""
    failures: Counter[int] = field(default_factory=Counter)
    """How often it failed, by the row of a trial or a search: others come first."""
    delivered_count: int = 0
    """Trials that were delivered here."""
    _unflushed: dict[str, tuple[int, str]] = field(default_factory=dict)
    _flushed_at: float = 0.0

    def __post_init__(self) -> None:
        self.delivered = self.deliveries.revisions(self.mirror, self.store)

    def doubt(self) -> None:
        """Whatever was delivered is to be looked for, also by others if that is cut short."""
        self.deliveries.doubt(self.mirror, self.store)
        self.progress.is_incomplete()
        self.delivered = dict.fromkeys(self.delivered, ATTEMPTED)

    def forget(self) -> None:
        """The mirror has lost everything, or is to be made anew."""
        self.deliveries.forget(self.mirror, self.store)
        self.progress.is_incomplete()
        self._unflushed.clear()
        self.delivered.clear()
        self.pending.clear()
        self.seen = -1

    def update(self, record: RecordReader, until: Until) -> None:
        """Add what has changed in the record. Where the driver waits no trial runs any more."""
        revision = record.revision
        if revision == self.seen and not until:
            return
        for trial in record.trials(since=self.seen):
            if self.delivered.get(trial.key) == trial.revision:
                self.pending.pop(trial.id, None)
            else:
                self.pending[trial.id] = trial
        self.seen = revision
        if until:
            for row, trial in self.pending.items():
                if trial.outcome is None:
                    ended = replace(trial, outcome=Outcome.interrupted, reason=STOPPED)
                    self.pending[row] = ended

    def mark_delivered(self, trial: Trial, remote: str, *, written: bool) -> None:
        """Take note that the mirror has all that the record says of a trial, under the name
        `remote`; `written` says whether anything of that was missing."""
        self.pending.pop(trial.id, None)
        self.delivered[trial.key] = trial.revision
        self._unflushed[trial.key] = (trial.revision, remote)
        if time.monotonic() - self._flushed_at > FLUSH_SECONDS:
            self.flush()
        self.delivered_count += written
        self.progress.works()

    def flush(self) -> None:
        """Write what was delivered to the file of deliveries."""
        if self._unflushed:
            rows = [(key, *row) for key, row in self._unflushed.items()]
            self.deliveries.note(self.mirror, self.store, rows)
            self._unflushed.clear()
        self._flushed_at = time.monotonic()

    def attempt(self, keys: list[str]) -> None:
        """Write down that these trials will be made, so that nobody makes them twice."""
        new = [key for key in keys if key not in self.delivered]
        if new:
            rows = [(key, ATTEMPTED, "") for key in new]
            self.deliveries.note(self.mirror, self.store, rows)
            self.delivered |= dict.fromkeys(new, ATTEMPTED)


def is_live(trial: Trial) -> bool:
    """Whether a trial has run for so long that it is shown while it runs."""
    started = trial.started.timestamp() if trial.started else 0.0
    return trial.outcome is None and time.time() - started > LIVE_SECONDS
