"""The confirmation: the best configurations of every arm on the same fresh seeds."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from optuna.trial import FrozenTrial, TrialState

from lightning_modules.configuration import Configuration
from studies.archive import Archive, Asked, Ledger, configuration_of
from studies.phases import ArmSearch, derive_seed, trial_key
from studies.records import TrialRecord
from studies.spec import ConfirmSection, Spec


@dataclass(frozen=True)
class Planned:
    """One training of the confirmation."""

    arm: str
    configuration: Configuration
    seed_index: int

    @property
    def identity(self) -> tuple[str, str, int]:
        return self.arm, self.configuration.hash, self.seed_index


def confirmation_name(study: str) -> str:
    """The Optuna study of the confirmation; no study name can hold a colon."""
    return f"{study}:confirm"


def seeds_of(confirm: ConfirmSection, arms: int) -> int:
    """How many fresh seeds; `auto` is the smallest number at which a verdict is possible at all
    after Holm's correction over all pairs of arms, plus two."""
    if confirm.seeds != "auto":
        return confirm.seeds
    from studies.verdicts import seeds_for_a_verdict  # scipy takes half a second

    return seeds_for_a_verdict(max(1, math.comb(arms, 2))) + 2


def plan(spec: Spec, searches: Sequence[ArmSearch]) -> list[Planned]:
    """Every training of the confirmation: all arms at one seed before the next seed."""
    assert spec.confirm is not None
    chosen = [
        (search.arm.name, configuration_of(trial))
        for search in searches
        for trial in best_trials(search.ledger.trials(), spec.confirm.top, spec.objective.goal)
    ]
    return [
        Planned(arm, configuration, index)
        for index in range(seeds_of(spec.confirm, len(searches)))
        for arm, configuration in chosen
    ]


def ranked(trials: Iterable[FrozenTrial], goal: str) -> list[FrozenTrial]:
    """The completed ones, best first; the earlier wins ties."""
    completed = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    sign = -1 if goal == "maximize" else 1
    return sorted(completed, key=lambda trial: (sign * (trial.value or 0.0), trial.number))


def best_trials(trials: Iterable[FrozenTrial], top: int, goal: str) -> list[FrozenTrial]:
    """The `top` completed trials of different configurations, best first."""
    distinct: dict[str, FrozenTrial] = {}
    for trial in ranked(trials, goal):
        distinct.setdefault(trial.user_attrs["config_hash"], trial)
    return list(distinct.values())[:top]


@dataclass
class Confirmation:
    """Hands out the planned trainings that do not exist yet."""

    spec: Spec
    ledger: Ledger
    planned: Sequence[Planned]
    running: dict[int, Asked] = field(default_factory=dict)

    @classmethod
    def open(cls, spec: Spec, archive: Archive, planned: Sequence[Planned]) -> Confirmation:
        """The confirmation of a study, continued where the storage has it."""
        ledger = archive.ledger(
            confirmation_name(spec.study),
            spec.objective.goal,
            reuse=False,
            attributes={"study": spec.study, "arm": "", "phase": "confirm"},
        )
        return cls(spec, ledger, planned)

    def __post_init__(self) -> None:
        trials = self.ledger.trials()
        existing = {_identity(trial) for trial in trials}
        self._queued = sum(trial.state == TrialState.WAITING for trial in trials)
        missing = [each for each in self.planned if each.identity not in existing]
        self.open_count = len(missing) + self._queued
        """Trainings still to do when this was opened."""
        self._missing: Iterator[Planned] = iter(missing)

    def ask(self) -> Asked | None:
        """The next training, or None when all exist."""
        if not self._queued:
            missing = next(self._missing, None)
            if missing is None:
                return None
            self.ledger.enqueue(
                {},
                arm=missing.arm,
                seed_index=missing.seed_index,
                config_hash=missing.configuration.hash,
                configuration=json.dumps(missing.configuration.to_dict()),
            )
            self._queued += 1
        trial = self.ledger.study.ask()
        self._queued -= 1
        attributes = trial.user_attrs
        record = TrialRecord(
            key=trial_key(f"{attributes['arm']}-confirm".lstrip("-"), trial.number),
            number=trial.number,
            arm=attributes["arm"],
            phase="confirm",
            seed=derive_seed(self.spec.seed, "confirm", attributes["seed_index"]),
            configuration=Configuration.resolve(json.loads(attributes["configuration"])),
            sampler="",
        )
        asked = self.ledger.begin(trial, record)
        self.running[trial.number] = asked
        return asked

    @property
    def share(self) -> float:
        """Always 0: there is only one confirmation."""
        return 0.0

    def may_prune(self, asked: Asked, epoch: int) -> bool:
        """Never: every seed counts."""
        return False

    def finished(self, asked: Asked, epochs: int) -> None:
        """A trial was told."""
        del self.running[asked.record.number]


def _identity(trial: FrozenTrial) -> tuple[str, str, int]:
    attributes = trial.user_attrs
    return attributes["arm"], attributes["config_hash"], attributes["seed_index"]
