"""The only way into Optuna storage: studies, their trials, and how a trial is resumed.

A `Ledger` is one Optuna study. Its trials carry, as user attributes, everything that the MLflow
run says of them, so that a study can be read without MLflow.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import optuna
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from lightning_modules.configuration import Configuration
from studies.home import Home
from studies.records import Outcome, TrialEnd, TrialRecord
from studies.storage import SteadyStorage, open_storage

optuna.logging.set_verbosity(optuna.logging.WARNING)

FILES = "files"
"""The attribute of a study that says which files its trials read and ran."""
FINISHED = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)
STATES = {Outcome.completed: TrialState.COMPLETE, Outcome.pruned: TrialState.PRUNED}


@dataclass
class Archive:
    """An opened Optuna storage: a home's database, or `InMemoryStorage` where nothing is kept."""

    storage: BaseStorage

    @classmethod
    def open(cls, home: Home) -> Archive:
        """Open the home's storage, creating it where it is missing.

        Raises StorageError where the database cannot be used.
        """
        return cls(open_storage(home.optuna_url))

    def close(self) -> None:
        """Close the connections."""
        if isinstance(self.storage, SteadyStorage):
            self.storage.remove_session()
            self.storage.engine.dispose()

    def names(self) -> list[str]:
        """The names of all Optuna studies in the storage."""
        return [study.study_name for study in self.storage.get_all_studies()]

    def ledger(
        self,
        name: str,
        goal: Literal["minimize", "maximize"],
        *,
        pruner: optuna.pruners.BasePruner | None = None,
        reuse: bool = True,
        attributes: Mapping[str, Any],
    ) -> Ledger:
        """The Optuna study called `name`, created where it is missing."""
        study = optuna.create_study(
            storage=self.storage,
            study_name=name,
            direction=goal,
            pruner=pruner or optuna.pruners.NopPruner(),
            load_if_exists=True,
        )
        self.note(name, attributes)
        return Ledger(study, reuse)

    def attributes(self, name: str) -> dict[str, Any]:
        """The user attributes of a study."""
        study_id = self.storage.get_study_id_from_name(name)
        return self.storage.get_study_user_attrs(study_id)

    def note(self, name: str, attributes: Mapping[str, Any]) -> None:
        """Write user attributes of a study, those that differ."""
        study_id = self.storage.get_study_id_from_name(name)
        known = self.storage.get_study_user_attrs(study_id)
        for key, value in attributes.items():
            if known.get(key) != value:
                self.storage.set_study_user_attr(study_id, key, value)

    def release(self, name: str) -> None:
        """Queue the trials of a study whose driver died."""
        Ledger(optuna.load_study(study_name=name, storage=self.storage))

    def trials(self, name: str) -> list[FrozenTrial]:
        """Every trial of a study, in order."""
        study_id = self.storage.get_study_id_from_name(name)
        return self.storage.get_all_trials(study_id, deepcopy=False)


@dataclass(frozen=True)
class Asked:
    """A trial that the storage has handed out and that waits to be told."""

    ledger: Ledger
    trial: optuna.Trial
    record: TrialRecord
    resumed: bool = False
    reported: set[int] = field(default_factory=set)
    """Epochs that were reported, by earlier attempts too: training again gives the same values."""


@dataclass
class Ledger:
    """One Optuna study: its trials, handed out and told one by one."""

    study: optuna.Study
    reuse: bool = True
    """Whether the result of a configuration may stand for a second trial of it."""
    finished: dict[int, FrozenTrial] = field(default_factory=dict)
    """The trials that were told, by number."""
    by_hash: dict[str, FrozenTrial] = field(default_factory=dict)
    """The first finished trial of every configuration whose result can be used again."""

    def __post_init__(self) -> None:
        self.release()
        for trial in self.trials():
            if trial.state in FINISHED:
                self._remember(trial)

    def trials(self) -> list[FrozenTrial]:
        """Every trial so far, in order."""
        return self.study.get_trials(deepcopy=False)

    def release(self) -> None:
        """Queue the trials of a driver that died: they keep their number and their parameters."""
        for trial in self.trials():
            if trial.state == TrialState.RUNNING:
                self._requeue(trial._trial_id)

    def enqueue(self, point: Mapping[str, Any], **attributes: Any) -> None:
        """Queue a trial with fixed parameters."""
        self.study.enqueue_trial(dict(point), user_attrs=attributes or None)

    def begin(self, trial: optuna.Trial, record: TrialRecord) -> Asked:
        """A trial that was handed out, with what is known of it written down."""
        found = self.study._storage.get_trial(trial._trial_id)
        known = found.user_attrs
        attributes = {
            "key": record.key,
            "seed": record.seed,
            "config_hash": record.configuration.hash,
            "configuration": json.dumps(record.configuration.to_dict()),
        }
        for key, value in attributes.items():
            if known.get(key) != value:
                trial.set_user_attr(key, value)
        return Asked(self, trial, record, "outcome" in known, set(found.intermediate_values))

    def report(self, asked: Asked, epoch: int, value: float) -> None:
        """Note the objective after an epoch."""
        if epoch not in asked.reported:
            asked.trial.report(value, epoch)
            asked.reported.add(epoch)

    def count_failure(self, asked: Asked) -> int:
        """Note that an attempt at a trial failed; how many have, in all runs of the study."""
        failed = int(asked.trial.user_attrs.get("failed_attempts", 0)) + 1
        asked.trial.set_user_attr("failed_attempts", failed)
        return failed

    @property
    def worked(self) -> bool:
        """Whether any trial has ended well."""
        return any(trial.state in STATES.values() for trial in self.finished.values())

    def tell(self, asked: Asked, end: TrialEnd, value: float | None, run_id: str | None) -> None:
        """Close a trial; an interrupted one is queued again."""
        trial = asked.trial
        if run_id is not None:
            trial.set_user_attr("mlflow_run_id", run_id)
        trial.set_user_attr("outcome", end.outcome.value)
        trial.set_user_attr("end", end.to_json())
        if end.outcome == Outcome.interrupted:
            self._requeue(trial._trial_id)
            return
        state = STATES.get(end.outcome, TrialState.FAIL)
        if state == TrialState.COMPLETE and (value is None or not math.isfinite(value)):
            raise ValueError(f"{asked.record.key} completed without a finite value: {value}")
        told = self.study.tell(trial, value if state == TrialState.COMPLETE else None, state)
        self._remember(told)

    def _remember(self, trial: FrozenTrial) -> None:
        self.finished[trial.number] = trial
        outcome, config_hash = trial.user_attrs.get("outcome"), trial.user_attrs.get("config_hash")
        reusable = (Outcome.completed, Outcome.pruned, Outcome.diverged)
        if self.reuse and outcome in reusable:
            self.by_hash.setdefault(str(config_hash), trial)

    def _requeue(self, trial_id: int) -> None:
        storage = self.study._storage
        storage.set_trial_user_attr(trial_id, "outcome", Outcome.interrupted.value)
        storage.set_trial_state_values(trial_id, TrialState.WAITING)


def end_of(trial: FrozenTrial) -> TrialEnd | None:
    """How a told trial ended, as it was written."""
    text = trial.user_attrs.get("end")
    return None if text is None else TrialEnd.from_json(text)


def configuration_of(trial: FrozenTrial) -> Configuration:
    """The configuration of a trial that has started."""
    return Configuration.resolve(json.loads(trial.user_attrs["configuration"]))
