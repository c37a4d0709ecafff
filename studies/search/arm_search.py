"""The search of an arm within its budget, and how trials are named and seeded."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import optuna

from lightning_modules.configuration import Configuration
from lightning_modules.hashing import hash_number
from studies.records import Outcome, Record, Trial
from studies.search.device_kinds import DeviceKinds
from studies.search.frozen_trials import given_points
from studies.search.names import search_name, trial_key
from studies.search.pruning import build_pruner, report_again
from studies.search.trial_store import AskedTrial, SearchStudy, TrialStore
from studies.study_file import SAMPLERS, Arm, Spec
from studies.study_file.methods.matched_draws import salt_of
from studies.study_file.space.open_values import Point

FRESH = ("confirm", "cross")
"""Phases whose trainings have seeds that no search uses."""


def derive_seed(study_seed: int, phase: str, index: int, repeat: int = 1) -> int:
    """The seed of a trial, below 2^31: it depends on no arm and no worker, so that arms are
    compared in pairs. Seeds of fresh runs are odd and all others even: they never meet."""
    where = phase if repeat == 1 else f"{phase}/r{repeat}"
    number = hash_number(f"{study_seed}/{where}/{index}")
    return (number >> 2) * 2 + (phase in FRESH)


class TrialSource(Protocol):
    """Where the runner gets trials from: the search of an arm, or the fresh runs."""

    store: TrialStore

    def ask(self, free: Mapping[str, int]) -> AskedTrial | None:
        """The next trial that can begin with the free workers of every kind; None where there is
        none."""
        ...

    def finished(self, trial: Trial) -> None:
        """Take note that a trial has ended or was interrupted."""
        ...


class Budget:
    """How much of an arm's equal share is used, in trials or in epochs."""

    def __init__(self, trials: int | None, epochs: int | None, longest: int) -> None:
        self.trials = trials
        self.epochs = epochs
        self.longest = longest

    def allows(self, trial_count: int, epochs_spent: int, running: int) -> bool:
        """Whether another trial fits, beside those that exist and the epochs of those that ended;
        a training is never cut short to fill an epoch budget."""
        if self.epochs is not None:
            return epochs_spent + (running + 1) * self.longest <= self.epochs
        return self.trials is None or trial_count < self.trials


@dataclass
class ArmSearch:
    """One search of one arm: its trials, its sampler, its pruner and its budget."""

    arm: Arm
    spec: Spec
    store: TrialStore
    budget: Budget
    repeat: int = 1
    split: int | None = None
    """The seed of its split; None for the file's own."""
    running: set[int] = field(default_factory=set)
    """The numbers of the trials that were handed out."""
    spent: int = 0
    """Epochs of trials that have ended, see `_cost`."""
    trial_count: int = 0
    """Trials that exist, in whatever state."""
    interrupted: deque[int] = field(default_factory=deque)
    """The numbers of those that wait to be continued."""
    devices: DeviceKinds = field(default_factory=DeviceKinds)
    """What all arms of its repeat train on."""

    @classmethod
    def open(
        cls,
        arm: Arm,
        spec: Spec,
        record: Record,
        repeat: int = 1,
        split: int | None = None,
        devices: DeviceKinds | None = None,
    ) -> ArmSearch:
        """A search, continued where the record has it."""
        search = record.add_search(
            search_name(spec.study, arm.name, repeat),
            arm=arm.name,
            repeat=repeat,
            split=split,
            goal=spec.objective.goal,
        )
        store = TrialStore(record, search, SearchStudy(search, build_pruner(spec)))
        budget = Budget(spec.trials_asked, spec.epochs, spec.max_epochs)
        return cls(arm, spec, store, budget, repeat, split, devices=devices or DeviceKinds())

    def __post_init__(self) -> None:
        self.trial_count = len(self.store.trials)
        self.interrupted.extend(self.store.interrupted)
        self.devices.recall(self.store.trials.values())
        self.spent = sum(self._cost(trial) for trial in self.store.ended)
        self._grid: Iterator[Point] | None = None
        if self.spec.sampler.name == "grid":
            taken = given_points(self.store.trials.values())
            self._grid = self.arm.space.grid(taken)

    @property
    def progress(self) -> float:
        """How much of its budget is used; arms advance in turn by this."""
        if self.budget.epochs is not None:
            return (self.spent + len(self.running) * self.budget.longest) / self.budget.epochs
        return float(self.trial_count - len(self.interrupted))

    @property
    def total(self) -> int | None:
        """Trials that this search will have; None where an epoch budget decides."""
        return int(self.arm.space.grid_size()) if self._grid is not None else self.budget.trials

    @property
    def is_done(self) -> bool:
        """Whether its budget is used and all of its trials have ended."""
        if self.interrupted or self.running:
            return False
        if self._grid is not None:
            return self.trial_count >= (self.total or 0)
        return not self.budget.allows(self.trial_count, self.spent, 0)

    def ask(self, free: Mapping[str, int]) -> AskedTrial | None:
        """The next trial of this arm that can begin with the free workers of every kind; None where
        its budget is used, or its next seed waits for a kind."""
        asked = self._continue(free) or self._begin(free)
        if asked is not None:
            self.running.add(asked.trial.number)
        return asked

    def _continue(self, free: Mapping[str, int]) -> AskedTrial | None:
        found = self.store.take_interrupted(self.interrupted, self.devices, free)
        if found is None:
            return None
        number, kind = found
        self._study.study.sampler = build_sampler(self.spec, number, self.repeat)
        asked = self.store.resume(number, kind)
        report_again(self.spec, asked)
        return asked

    def _begin(self, free: Mapping[str, int]) -> AskedTrial | None:
        seed = ("search", self.repeat, self._seed(self.trial_count))
        kind = self.devices.choose(seed, free)
        if kind is None:
            return None
        point, is_open = self._next_point()
        if not is_open:
            return None
        handle = self._study.ask(build_sampler(self.spec, self.trial_count, self.repeat), point)
        configuration = Configuration.resolve(self.arm.space.suggest(handle))
        is_default = self._grid is None and point is not None
        trial = self._new_trial(handle.number, configuration, is_default)
        self.devices.bind(seed, kind, free)
        self.trial_count += 1
        return self.store.begin(trial, configuration, handle, kind)

    @property
    def _study(self) -> SearchStudy:
        assert self.store.study is not None
        return self.store.study

    def _seed(self, number: int) -> int:
        return derive_seed(self.spec.seed, "search", number, self.repeat)

    def _new_trial(self, number: int, configuration: Configuration, is_default: bool) -> Trial:
        return new_trial(
            configuration,
            key=trial_key(self.arm.name, number, self.repeat),
            number=number,
            arm=self.arm.name,
            phase="search",
            seed=self._seed(number),
            default=is_default,
            repeat=self.repeat,
            split=self.split,
        )

    def finished(self, trial: Trial) -> None:
        """Take note that a trial has ended or was interrupted."""
        self.running.discard(trial.number)
        if trial.outcome == Outcome.interrupted:
            self.interrupted.append(trial.number)
        else:
            self.spent += self._cost(trial)

    def _cost(self, trial: Trial) -> int:
        """The epochs of its budget that a trial has used: at least one, and for a configuration
        that was trained before those of that training. A search that has tried all there is, or
        whose trials fail before their first epoch, comes to its end by this."""
        if trial.duplicate_of is not None:
            trial = self.store.trials[trial.duplicate_of]
        return max(1, trial.epochs)

    def _next_point(self) -> tuple[Point | None, bool]:
        """The point of another trial where it is known beforehand; whether there may be one."""
        if self._grid is not None:
            point = next(self._grid, None)
            return point, point is not None
        unfinished = len(self.running) + len(self.interrupted)
        if not self.budget.allows(self.trial_count, self.spent, unfinished):
            return None, False
        return (self.arm.space.default() if self.trial_count == 0 else None), True


def new_trial(configuration: Configuration, **known: Any) -> Trial:
    """A trial of which nothing has happened yet."""
    return Trial(
        **{
            "outcome": None, "value": None, "configuration": configuration.to_dict(),
            "config_hash": configuration.hash, "epochs": 0, "best_epoch": None, "best": {},
            "test": {}, "reason": "", "seconds": 0.0, "run_id": None, "duplicate_of": None,
            "default": False, "params": {}, "curve": {}, "started": None, "ended": None,
            **known,
        }
    )  # fmt: skip


def build_sampler(
    spec: Spec, number: int, repeat: int = 1, extra: str = ""
) -> optuna.samplers.BaseSampler:
    """The sampler of trial `number`, seeded so that a resumed search repeats itself exactly, and
    equally in every arm; `extra` is what to tell arms apart by."""
    row = SAMPLERS[spec.sampler.name]
    phase = f"sampler/{extra}" if extra else "sampler"
    seed = derive_seed(spec.seed, phase, number if row.reseed else 0, repeat)
    salt = salt_of(spec.seed, repeat, number, extra)
    sampler: optuna.samplers.BaseSampler = row.build(seed, salt, **spec.sampler.parameters)
    return sampler
