"""Fresh runs: the best configurations of every search on fresh seeds, and on the other splits."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from lightning_modules.configuration import Configuration
from studies.records import Outcome, Record, Trial
from studies.results.ranking import best_trials
from studies.search.arm_search import ArmSearch, derive_seed, new_trial
from studies.search.device_kinds import DeviceKinds
from studies.search.names import fresh_name, trial_key
from studies.search.trial_store import AskedTrial, TrialStore
from studies.study_file import Spec, confirm_seeds

MOST_SEEDS = 10_000
"""Fresh seeds of a configuration, at most."""


@dataclass(frozen=True)
class PlannedTraining:
    """One training of a configuration that was chosen."""

    arm: str
    configuration: Configuration
    seed_index: int
    repeat: int = 1
    """The repeat whose split and seeds it has."""
    split: int | None = None

    @property
    def identity(self) -> tuple[str, int, str, int]:
        return self.arm, self.repeat, self.configuration.hash, self.seed_index


def plan(spec: Spec, searches: Sequence[ArmSearch]) -> list[PlannedTraining]:
    """Every fresh run that the searches of a repeat ask for: all arms at one seed before the
    next seed."""
    chosen = [
        (search, trial) for search in searches for trial in best_trials(search.store.ended, spec)
    ]
    return [
        PlannedTraining(
            search.arm.name,
            Configuration.of(trial.configuration),
            _seed_index(spec, trial, index),
            repeat=search.repeat,
            split=search.split,
        )
        for index in range(confirm_seeds(spec))
        for search, trial in chosen
    ]


def _seed_index(spec: Spec, trial: Trial, index: int) -> int:
    """Which fresh seed a training has: all winners the same ones. Where trials are the unit every
    draw has its own, the same in all arms: one seed that suits an arm must not count many times."""
    return index if spec.design.at is None else MOST_SEEDS * trial.number + index


@dataclass
class Confirmation:
    """Hands out the planned trainings of a phase that do not exist yet."""

    spec: Spec
    store: TrialStore
    phase: str = "confirm"
    running: set[int] = field(default_factory=set)
    """The numbers of the trials that were handed out."""
    devices: DeviceKinds = field(default_factory=DeviceKinds)

    @classmethod
    def open(cls, spec: Spec, record: Record, phase: str = "confirm") -> Confirmation:
        """The fresh runs of a study, continued where the record has them."""
        name = fresh_name(spec.study, phase)
        search = record.add_search(name, arm="", phase=phase, goal=spec.objective.goal)
        return cls(spec, TrialStore(record, search, reuse=False), phase)

    def __post_init__(self) -> None:
        self.existing = {_identity(trial) for trial in self.store.trials.values()}
        """The identities of the runs that exist or are planned."""
        self.interrupted = deque(self.store.interrupted)
        self.devices.recall(self.store.trials.values())
        self._missing: deque[PlannedTraining] = deque()

    def add(self, planned: Iterable[PlannedTraining]) -> None:
        """Plan trainings; those that exist are not planned again."""
        for each in planned:
            if each.identity not in self.existing:
                self.existing.add(each.identity)
                self._missing.append(each)

    @property
    def open_count(self) -> int:
        """Trainings that wait to be handed out."""
        return len(self._missing) + len(self.interrupted)

    def ask(self, free: Mapping[str, int]) -> AskedTrial | None:
        """The next training that can begin with the free workers of every kind; None where there is
        none."""
        asked = self._continue(free) or self._begin(free)
        if asked is not None:
            self.running.add(asked.trial.number)
        return asked

    def _continue(self, free: Mapping[str, int]) -> AskedTrial | None:
        found = self.store.take_interrupted(self.interrupted, self.devices, free)
        return None if found is None else self.store.resume(*found)

    def _begin(self, free: Mapping[str, int]) -> AskedTrial | None:
        for place, planned in enumerate(self._missing):
            seed = (self.phase, planned.repeat, self._seed(planned))
            if kind := self.devices.choose(seed, free):
                del self._missing[place]
                self.devices.bind(seed, kind, free)
                trial = self._new_trial(planned)
                return self.store.begin(trial, planned.configuration, kind=kind)
        return None

    def _seed(self, planned: PlannedTraining) -> int:
        return derive_seed(self.spec.seed, self.phase, planned.seed_index, planned.repeat)

    def _new_trial(self, planned: PlannedTraining) -> Trial:
        number = len(self.store.trials)
        return new_trial(
            planned.configuration,
            key=trial_key(planned.arm, number, planned.repeat, self.phase),
            number=number,
            arm=planned.arm,
            phase=self.phase,
            seed=self._seed(planned),
            seed_index=planned.seed_index,
            repeat=planned.repeat,
            split=planned.split,
        )

    def finished(self, trial: Trial) -> None:
        """Take note that a run has ended or was interrupted."""
        self.running.discard(trial.number)
        if trial.outcome == Outcome.interrupted:
            self.interrupted.append(trial.number)


def _identity(trial: Trial) -> tuple[str, int, str, int]:
    return trial.arm, trial.repeat, trial.config_hash, trial.seed_index or 0
