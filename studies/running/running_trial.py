"""A trial under way, as the driver knows it."""

from __future__ import annotations

from dataclasses import dataclass

from studies.search import AskedTrial
from studies.search.arm_search import TrialSource
from studies.search.trial_store import TrialStore


@dataclass
class RunningTrial:
    """A trial that was handed out, and how far it has come in this run."""

    source: TrialSource
    asked: AskedTrial
    since: float = 0.0
    epochs: int = 0
    """A further attempt reports the same epochs again."""

    @property
    def store(self) -> TrialStore:
        """The store of the search that it belongs to."""
        return self.source.store
