"""A trial under way, as the driver knows it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from lightning_modules.user_code import imports
from studies.engines import Task
from studies.home import Home
from studies.inputs.weights import weights_file
from studies.search import AskedTrial
from studies.search.arm_search import TrialSource
from studies.search.trial_store import TrialStore
from studies.study_file import Spec


@dataclass
class RunningTrial:
    """A trial that was handed out, and how far it has come in this run."""

    source: TrialSource
    asked: AskedTrial
    since: float = 0.0
    epochs: int = 0
    """A further attempt reports the same epochs again."""
    losses: int = 0
    """How often the machine that trained it went away."""

    @property
    def store(self) -> TrialStore:
        """The store of the search that it belongs to."""
        return self.source.store

    def task(self, spec: Spec, home: Home, kinds: Collection[str]) -> Task:
        """What an engine is to train, which has those kinds of devices."""
        asked, trial = self.asked, self.asked.trial
        return Task(
            trial.key,
            asked.configuration,
            trial.seed,
            str(home.checkpoint(spec.study, trial.key)),
            str(home.continuation(spec.study, trial.key)),
            str(home.logged(spec.study, trial.key)),
            evaluate_test=trial.phase == "confirm",
            allowed=imports.allowed(),
            weights=weights_file(asked.configuration, home),
            split=trial.split,
            env=spec.env,
            metrics=spec.metrics,
            kind=asked.kind if asked.kind in kinds else None,
            alone=asked.alone,
        )
