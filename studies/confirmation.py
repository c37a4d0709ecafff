"""Fresh runs: the best configurations of every search on fresh seeds, and on the other splits."""

from __future__ import annotations

import json
import math
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from optuna.trial import FrozenTrial, TrialState

from lightning_modules.configuration import Configuration
from studies.archive import Archive, Asked, Ledger, configuration_of, end_of
from studies.arms import arms
from studies.phases import ArmSearch, derive_seed, trial_key
from studies.records import TrialRecord, merit
from studies.spec import Spec

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


def fresh_name(study: str, phase: str = "confirm") -> str:
    """The Optuna study of the fresh runs of a phase; no study name can hold a colon."""
    return f"{study}:{phase}"


def pair_count(spec: Spec) -> int:
    """The pairs of arms that are compared: all of them, or those with one arm."""
    count = len(arms(spec))
    return count - 1 if spec.design.against is not None else math.comb(count, 2)


def confirm_seeds(spec: Spec) -> int:
    """How many fresh seeds; where the file leaves it open, the smallest number at which a verdict
    between configurations is possible at all after Holm's correction, plus two."""
    if spec.design.seeds is not None:
        return spec.design.seeds
    from studies.verdicts import seeds_for_a_verdict  # scipy takes half a second

    return seeds_for_a_verdict(max(1, pair_count(spec))) + 2


def plan(spec: Spec, searches: Sequence[ArmSearch]) -> list[PlannedTraining]:
    """Every fresh run that the searches of a repeat ask for: all arms at one seed before the
    next seed."""
    chosen = [
        (search, trial)
        for search in searches
        for trial in best_trials(search.ledger.trials(), spec)
    ]
    return [
        PlannedTraining(
            search.arm.name,
            configuration_of(trial),
            _seed_index(spec, trial, index),
            repeat=search.repeat,
            split=search.split,
        )
        for index in range(confirm_seeds(spec))
        for search, trial in chosen
    ]


def _seed_index(spec: Spec, trial: FrozenTrial, index: int) -> int:
    """Which fresh seed a training has: all winners the same ones. Where trials are the unit every
    draw has its own, the same in all arms: one seed that suits an arm must not count many times."""
    return index if spec.design.at is None else MOST_SEEDS * trial.number + index


def ranked(trials: Iterable[FrozenTrial], spec: Spec) -> list[FrozenTrial]:
    """The completed ones, best first; ties are broken by the loss on the same part, then by the
    number."""
    completed = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    return sorted(completed, key=lambda trial: (_merit(trial, spec), trial.number))


def _merit(trial: FrozenTrial, spec: Spec) -> tuple[float, float]:
    end = end_of(trial)
    return merit(trial.value, end.best if end else {}, spec.objective)


def best_trials(
    trials: Iterable[FrozenTrial], spec: Spec, top: int | None = None
) -> list[FrozenTrial]:
    """The `top` completed trials of different configurations, best first.

    Where the search is read at a smaller budget, the defaults are none of its draws.
    """
    top = spec.design.top if top is None else top
    distinct: dict[str, FrozenTrial] = {}
    for trial in ranked(trials, spec):
        if spec.design.at is None or not trial.user_attrs.get("default"):
            distinct.setdefault(trial.user_attrs["config_hash"], trial)
    return list(distinct.values())[:top]


@dataclass
class Confirmation:
    """Hands out the planned trainings of a phase that do not exist yet."""

    spec: Spec
    ledger: Ledger
    phase: str = "confirm"
    running: dict[int, Asked] = field(default_factory=dict)

    @classmethod
    def open(cls, spec: Spec, archive: Archive, phase: str = "confirm") -> Confirmation:
        """The fresh runs of a study, continued where the storage has them."""
        ledger = archive.ledger(
            fresh_name(spec.study, phase),
            spec.objective.goal,
            reuse=False,
            attributes={"study": spec.study, "arm": "", "phase": phase},
        )
        return cls(spec, ledger, phase)

    def __post_init__(self) -> None:
        trials = self.ledger.trials()
        self.existing = {_identity(trial) for trial in trials}
        """What exists or is planned."""
        self.queued = sum(trial.state == TrialState.WAITING for trial in trials)
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
        return len(self._missing) + self.queued

    def ask(self) -> Asked | None:
        """The next training, or None where there is none."""
        if not self.queued:
            if not self._missing:
                return None
            self._enqueue(self._missing.popleft())
        trial = self.ledger.study.ask()
        self.queued -= 1
        attributes = trial.user_attrs
        arm, repeat = attributes["arm"], attributes.get("repeat", 1)
        record = TrialRecord(
            key=trial_key(arm, trial.number, repeat, self.phase),
            number=trial.number,
            arm=arm,
            phase=self.phase,
            seed=derive_seed(self.spec.seed, self.phase, attributes["seed_index"], repeat),
            configuration=Configuration.resolve(json.loads(attributes["configuration"])),
            sampler="",
            repeat=repeat,
            split=attributes.get("split"),
        )
        asked = self.ledger.begin(trial, record)
        self.running[trial.number] = asked
        return asked

    def _enqueue(self, planned: PlannedTraining) -> None:
        self.ledger.enqueue(
            {},
            arm=planned.arm,
            repeat=planned.repeat,
            split=planned.split,
            seed_index=planned.seed_index,
            config_hash=planned.configuration.hash,
            configuration=json.dumps(planned.configuration.to_dict()),
        )
        self.queued += 1

    def may_prune(self, asked: Asked, epoch: int) -> bool:
        """Never: every seed counts."""
        return False

    def finished(self, asked: Asked, epochs: int) -> None:
        """A trial was told."""
        del self.running[asked.record.number]


def _identity(trial: FrozenTrial) -> tuple[str, int, str, int]:
    known = trial.user_attrs
    return known["arm"], known.get("repeat", 1), known["config_hash"], known["seed_index"]
