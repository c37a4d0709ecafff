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

from studies.mirrors.optuna import trial as optuna_trial
from studies.mirrors.optuna.owner import Claim
from studies.records import Search, Trial


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
    shifted: bool = False
    """Whether the trials there are known to have other numbers than those of the record."""

    @classmethod
    def find(
        cls,
        storage: RDBStorage,
        search: Search,
        claim: Claim,
        wanted: Mapping[str, Any],
        trials: Sequence[Trial],
        *,
        anew: bool,
    ) -> OptunaStudy:
        """The study of a search whose trials and attributes are given, made where it is missing;
        made again where somebody has changed it, or where it is to be made `anew`.

        Raises StorageError where the study there belongs to somebody else; it stays as it is.
        """
        found = cls._there(storage, search.name)
        if found is None:
            return cls._make(storage, search, claim)
        there = storage.get_all_trials(found.id, deepcopy=False)
        numbered = {trial.number: trial for trial in trials}
        ours = claim.owns(search.name, found.noted, wanted, there, numbered)
        agree = found.study.direction.name.lower() == search.goal and all(
            each.number in numbered and optuna_trial.agrees(each, numbered[each.number])
            for each in there
        )
        if anew or not (ours and agree):
            optuna.delete_study(study_name=search.name, storage=storage)
            return cls._make(storage, search, claim)
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
    def _make(cls, storage: RDBStorage, search: Search, claim: Claim) -> OptunaStudy:
        study = optuna.create_study(
            study_name=search.name, storage=storage, direction=search.goal, **PLAIN
        )
        made = cls(storage, study, storage.get_study_id_from_name(search.name))
        made.note(claim.stamp)  # first: until then nothing says whose it is
        return made

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
            self.shifted = self.has_more  # before anything is written to another trial

    @property
    def has_more(self) -> bool:
        """Whether there are trials that were not added here, and that may have shifted numbers."""
        try:
            self.storage.get_trial_id_from_study_id_trial_number(self.id, self.count)
        except KeyError:
            return False
        return True

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
