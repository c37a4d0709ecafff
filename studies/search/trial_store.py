"""The trials of one search, or of the fresh runs of a phase: kept in the record, and for sampler
and pruner in an Optuna study in memory, which is built from the record when a study goes on."""

from __future__ import annotations

import math
import sys
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import optuna
from optuna.distributions import (
    BaseDistribution,
    distribution_to_json,
)
from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial, TrialState

from lightning_modules.configuration import Configuration
from studies.records import Outcome, Record, Search, Trial, TrialEnd
from studies.records.sharing import Sections
from studies.records.types import TRAINED
from studies.search.device_kinds import DeviceKinds, seed_of
from studies.search.frozen_trials import frozen, state_of
from studies.study_file.methods.cma_sampler import GENERATIONS, ReplayedCmaEsSampler

optuna.logging.set_verbosity(optuna.logging.WARNING)


@dataclass(frozen=True)
class AskedTrial:
    """A trial that was handed out and has not ended."""

    store: TrialStore
    trial: Trial
    configuration: Configuration
    handle: optuna.Trial | None = None
    """The trial of the search's Optuna study; a fresh run has none."""
    curve: dict[int, float] = field(default_factory=dict)
    """The objective after every epoch, of earlier attempts too: training again gives the same."""
    answers: dict[int, bool] = field(default_factory=dict)
    """Whether the pruner ended the trial, after every epoch at which it was asked."""
    kind: str | None = None
    """The kind of device that it is to train on; None for any."""
    alone: bool = False
    """Whether it is to train without others on its device: it ran out of memory beside them."""

    @property
    def key(self) -> str:
        """The trial's name."""
        return self.trial.key


@dataclass
class TrialStore:
    """The trials of one search or phase, handed out and finished one by one."""

    record: Record
    search: Search
    study: SearchStudy | None = None
    """None where no sampler and no pruner is asked: for fresh runs."""
    reuse: bool = True
    """Whether the result of a configuration may stand for a second trial of it."""
    trials: dict[int, Trial] = field(default_factory=dict)
    """Every trial that was begun, by number."""
    cached_results: dict[str, Trial] = field(default_factory=dict)
    """The first finished trial of every configuration whose result can be used again: one of the
    code that trials run with now."""
    _sections: Sections = field(default_factory=Sections)

    def __post_init__(self) -> None:
        for trial in self.record.trials(self.search.id):
            self._remember(trial)
            if self.study is not None:
                self.study.restore(trial)

    @property
    def interrupted(self) -> list[int]:
        """The numbers of the trials that are to be continued."""
        return [n for n, trial in self.trials.items() if trial.outcome == Outcome.interrupted]

    @property
    def ended(self) -> list[Trial]:
        """The trials that are over."""
        return [trial for trial in self.trials.values() if trial.has_ended]

    @property
    def worked(self) -> bool:
        """Whether any trial has ended well."""
        well = (Outcome.completed, Outcome.pruned)
        return any(trial.outcome in well for trial in self.trials.values())

    def begin(
        self,
        trial: Trial,
        configuration: Configuration,
        handle: optuna.Trial | None = None,
        kind: str | None = None,
    ) -> AskedTrial:
        """Hand out a trial that was not known before, to train on a kind of device."""
        state = None
        if self.study is not None and handle is not None:
            trial = self.study.described(trial, handle)
            state = self.study.changed_state()
        trial = replace(trial, search=self.search.id, device=kind or "")
        begun = self.record.begin(trial, state)
        self.trials[begun.number] = begun
        return AskedTrial(self, begun, configuration, handle, kind=kind)

    def take_interrupted(
        self, numbers: deque[int], devices: DeviceKinds, free: Mapping[str, int]
    ) -> tuple[int, str] | None:
        """Take out the first of some interrupted trials that can go on now, its seed bound to the
        kind of device on which it does; its number and the kind, for `resume`."""
        for number in numbers:
            seed, before = seed_of(self.trials[number]), self.trials[number].device
            if kind := devices.choose(seed, free, before):
                numbers.remove(number)
                devices.bind(seed, kind, free)
                return number, kind
        return None

    def resume(self, number: int, kind: str | None = None) -> AskedTrial:
        """Hand out an interrupted trial again, to train on a kind of device."""
        begun = self.record.begin(replace(self.trials[number], device=kind or ""))
        self.trials[number] = begun
        configuration = Configuration.of(begun.configuration)
        handle = None if self.study is None else self.study.handle(number)
        alone = self.record.ran_out_of_memory(begun.id)
        return AskedTrial(
            self, begun, configuration, handle, dict(begun.curve), kind=kind, alone=alone
        )

    def epoch(
        self, asked: AskedTrial, epoch: int, metrics: Mapping[str, float], value: float | None
    ) -> bool:
        """Write down an epoch, `value` being None where it has no objective; whether it is new."""
        if epoch in asked.curve:
            return False
        if value is not None:
            asked.curve[epoch] = value
        self.record.epoch(asked.trial.id, epoch, metrics, value)
        return True

    def end_attempt(self, asked: AskedTrial, end: TrialEnd) -> int:
        """Write that an attempt at a trial failed; how many have, in all runs of the study."""
        return self.record.end_attempt(asked.trial.id, end)

    def begin_attempt(self, asked: AskedTrial) -> None:
        """Write that a trial that failed is tried once more."""
        self.record.begin_attempt(asked.trial.id)

    def reuse_result(self, asked: AskedTrial, other: Trial) -> AskedTrial:
        """Give a trial the epochs of another one with the same configuration."""
        self.record.copy_epochs(other.id, asked.trial.id)
        for epoch, value in other.curve.items():
            if asked.handle is not None and epoch not in asked.curve:
                asked.handle.report(value, epoch)
            asked.curve[epoch] = value
        return replace(asked, trial=replace(asked.trial, duplicate_of=other.number))

    def finish(self, asked: AskedTrial, end: TrialEnd, value: float | None) -> Trial:
        """Write how a trial ended; an interrupted one is handed out again later.

        Raises ValueError where a completed one has no finite value.
        """
        if end.outcome == Outcome.completed and (value is None or not math.isfinite(value)):
            raise ValueError(f"{asked.key} completed without a finite value: {value}")
        trial = asked.trial.finished(end, value, datetime.now())
        if self.study is not None and asked.handle is not None:
            trial = self.study.finish(trial, asked.handle)
        shared = self._sections.shared(trial.configuration)
        trial = self.record.finish(replace(trial, configuration=shared, curve=asked.curve))
        self._remember(trial)
        return trial

    def _remember(self, trial: Trial) -> None:
        self.trials[trial.number] = trial
        # other code may train the same configuration to another result
        same_code = trial.code == self.record.code
        if self.reuse and same_code and trial.outcome in TRAINED:
            self.cached_results.setdefault(trial.config_hash, trial)


class SharingStorage(InMemoryStorage):
    """Optuna's trials in memory; thousands of them share the names and kinds of parameters."""

    def __init__(self) -> None:
        super().__init__()
        self._kinds: dict[tuple[str, BaseDistribution], BaseDistribution] = {}

    def set_trial_param(
        self,
        trial_id: int,
        param_name: str,
        param_value_internal: float,
        distribution: BaseDistribution,
    ) -> None:
        """As Optuna's, with one distribution for all trials where they are equal."""
        name = sys.intern(param_name)
        kind = self._kinds.setdefault((name, distribution), distribution)
        super().set_trial_param(trial_id, name, param_value_internal, kind)


class SearchStudy:
    """The Optuna study of a search, in memory."""

    def __init__(self, search: Search, pruner: optuna.pruners.BasePruner) -> None:
        self.storage = SharingStorage()
        self.study = optuna.create_study(
            storage=self.storage, study_name=search.name, direction=search.goal, pruner=pruner
        )
        self._id = self.storage.get_study_id_from_name(search.name)
        for name, value in search.sampler_state.items():
            if name == GENERATIONS:
                self.study.set_user_attr(name, value)
            else:
                self.storage.set_study_system_attr(self._id, name, value)
        self._saved = dict(search.sampler_state)
        self._described: dict[tuple[tuple[str, int], ...], dict[str, str]] = {}
        """What the record says of distributions, by what they are; the storage keeps them all."""

    def ask(
        self, sampler: optuna.samplers.BaseSampler, point: Mapping[str, Any] | None = None
    ) -> optuna.Trial:
        """The next trial; with `point` its parameters are given."""
        self.study.sampler = sampler
        if isinstance(sampler, ReplayedCmaEsSampler):
            sampler.search = self.study
        if point is not None:
            self.study.enqueue_trial(dict(point))
        return self.study.ask()

    def restore(self, trial: Trial) -> None:
        """Take in a trial of the record; they come in the order of their numbers."""
        # one that is to be continued runs; its epochs are reported when it is handed out again
        state = state_of(trial) if trial.has_ended else TrialState.RUNNING
        curve = dict(trial.curve) if trial.has_ended else {}
        template = frozen(trial, state, intermediate_values=curve)
        self.storage.create_new_trial(self._id, template_trial=template)

    def handle(self, number: int) -> optuna.Trial:
        """The Optuna trial of a number, to report epochs to while it runs."""
        known = self.storage.get_trial_id_from_study_id_trial_number(self._id, number)
        return optuna.Trial(self.study, known)

    def changed_state(self) -> dict[str, Any] | None:
        """What the sampler notes of the search, where that differs from what was given before."""
        state = {**self.storage.get_study_system_attrs(self._id), **self.study.user_attrs}
        if state == self._saved:
            return None
        self._saved = dict(state)
        return self._saved

    def described(self, trial: Trial, handle: optuna.Trial) -> Trial:
        """A trial with what Optuna knows of it."""
        frozen = self._get(handle.number)
        return replace(
            trial,
            params=frozen.params,
            distributions=self._described_kinds(frozen),
            sampler_state=dict(frozen.system_attrs),
        )

    def _described_kinds(self, frozen: FrozenTrial) -> dict[str, str]:
        kinds = frozen.distributions
        known = tuple((name, id(kind)) for name, kind in kinds.items())
        if known not in self._described:
            texts = {name: distribution_to_json(kind) for name, kind in kinds.items()}
            self._described[known] = texts
        return self._described[known]

    def finish(self, trial: Trial, handle: optuna.Trial) -> Trial:
        """Tell Optuna how a trial ended; an interrupted one goes on running for it, and what the
        pruner noted of it is noted again when it is continued."""
        if not trial.has_ended:
            return trial
        self.study.tell(handle.number, trial.value, state_of(trial))
        return replace(trial, sampler_state=dict(self._get(handle.number).system_attrs))

    def _get(self, number: int) -> FrozenTrial:
        known = self.storage.get_trial_id_from_study_id_trial_number(self._id, number)
        return self.storage.get_trial(known)
