"""One study of Optuna's storage, brought up to a search of the record.

A trial is added only when all before it are there, so what is there says what is missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import optuna
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState

from lightning_modules.errors import StorageError
from studies.home import redact
from studies.mirrors import optuna_trial
from studies.records import Search, Trial
from studies.records.reader import IDENTITY


@dataclass
class OptunaStudy:
    """A study that belongs to the record, and what it is known to hold."""

    storage: RDBStorage
    study: optuna.Study
    id: int
    count: int = 0
    """Trials that are there."""
    open: dict[int, FrozenTrial] = field(default_factory=dict)
    """Those of them that can still change, by number."""
    noted: dict[str, Any] = field(default_factory=dict)
    """The attributes of the study."""

    @classmethod
    def find(
        cls,
        storage: RDBStorage,
        search: Search,
        notes: Mapping[str, Any],
        trials: Sequence[Trial],
        *,
        anew: bool,
    ) -> OptunaStudy:
        """The study of a search whose trials are given, made where it is missing; made again
        where somebody has changed it, or where it is to be made `anew`.

        Raises StorageError where the study there belongs to somebody else; it stays as it is.
        """
        found = cls._there(storage, search.name)
        if found is None:
            return cls._make(storage, search)
        there = storage.get_all_trials(found.id, deepcopy=False)
        if not found._is_ours(search, notes, there, trials):
            raise StorageError(
                f"the Optuna study {search.name} in {redact(str(storage.url))} is of another "
                "record; give this study another name, or name another database with "
                "FAIRTUNE_STORAGE"
            )
        numbered = {trial.number: trial for trial in trials}
        agree = all(
            each.number in numbered and optuna_trial.agrees(each, numbered[each.number])
            for each in there
        )
        if anew or not agree:
            optuna.delete_study(study_name=search.name, storage=storage)
            return cls._make(storage, search)
        found.count = len(there)
        found.open = {each.number: each for each in there if not each.state.is_finished()}
        return found

    @classmethod
    def _there(cls, storage: RDBStorage, name: str) -> OptunaStudy | None:
        try:
            study_id = storage.get_study_id_from_name(name)
        except KeyError:
            return None
        study = optuna.load_study(study_name=name, storage=storage, **PLAIN)
        return cls(storage, study, study_id, noted=storage.get_study_user_attrs(study_id))

    @classmethod
    def _make(cls, storage: RDBStorage, search: Search) -> OptunaStudy:
        study = optuna.create_study(
            study_name=search.name, storage=storage, direction=search.goal, **PLAIN
        )
        return cls(storage, study, storage.get_study_id_from_name(search.name))

    def _is_ours(
        self,
        search: Search,
        notes: Mapping[str, Any],
        there: Sequence[FrozenTrial],
        trials: Sequence[Trial],
    ) -> bool:
        if IDENTITY in self.noted:
            return bool(self.noted[IDENTITY] == notes[IDENTITY])
        if not self.noted and not there:  # made by a process that was killed right after
            return self.study.direction.name.lower() == search.goal
        keys = [key for each in there if (key := each.user_attrs.get("key")) is not None]
        recorded = [trial.key for trial in trials[: len(keys)]]
        return self.noted.get("study") == notes.get("study") and keys == recorded

    def note(self, attributes: Mapping[str, Any]) -> bool:
        """Write attributes of the study, those that differ; whether there were any."""
        changed = {name: v for name, v in attributes.items() if self.noted.get(name) != v}
        for name, value in changed.items():
            self.storage.set_study_user_attr(self.id, name, value)
            self.noted[name] = value
        return bool(changed)

    def add(self, trial: Trial) -> None:
        """Add the next trial."""
        assert trial.number == self.count
        added = optuna_trial.frozen(trial)
        self.study.add_trial(added)
        self.count += 1
        if not added.state.is_finished():
            self.open[trial.number] = added

    def update(self, trial: Trial) -> bool:
        """Bring a trial that is there and can change up to the record; whether it had to be."""
        held, wanted = self.open[trial.number], optuna_trial.frozen(trial)
        epochs = wanted.intermediate_values.items() - held.intermediate_values.items()
        user = _changes(held.user_attrs, wanted.user_attrs)
        system = _changes(held.system_attrs, wanted.system_attrs)
        if held.state == wanted.state and not (epochs or user or system):
            return False
        storage = self.storage
        trial_id = storage.get_trial_id_from_study_id_trial_number(self.id, trial.number)
        if wanted.state == TrialState.RUNNING != held.state:
            storage.set_trial_state_values(trial_id, wanted.state)
        for name, value in user:
            storage.set_trial_user_attr(trial_id, name, value)
        for name, value in system:
            storage.set_trial_system_attr(trial_id, name, value)
        for epoch, value in sorted(epochs):
            if epoch not in held.intermediate_values:
                storage.set_trial_intermediate_value(trial_id, epoch, value)
        if wanted.state not in (held.state, TrialState.RUNNING):
            storage.set_trial_state_values(trial_id, wanted.state, wanted.values)
        self.open[trial.number] = wanted
        if wanted.state.is_finished():
            del self.open[trial.number]
        return True


PLAIN: Mapping[str, Any] = {
    "sampler": optuna.samplers.RandomSampler(),
    "pruner": optuna.pruners.NopPruner(),
}
"""What Optuna would make for every study: nobody asks here."""


def _changes(known: Mapping[str, Any], wanted: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    return [(name, value) for name, value in wanted.items() if known.get(name) != value]
