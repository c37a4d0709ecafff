"""The search of an arm within its budget, and how trials are named and seeded."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

import optuna
from optuna.trial import FrozenTrial, TrialState

from lightning_modules.configuration import Configuration
from studies.archive import FINISHED, Archive, Asked, Ledger, end_of
from studies.arms import Arm
from studies.records import TrialRecord
from studies.samplers import salt_of
from studies.search import PRUNERS, SAMPLERS
from studies.space import Point
from studies.spec import Spec

FRESH = ("confirm", "cross")
"""Phases whose trainings have seeds that no search uses."""


def derive_seed(study_seed: int, phase: str, index: int, repeat: int = 1) -> int:
    """The seed of a trial, below 2^31: it depends on no arm and no worker, so that arms are
    compared in pairs. Seeds of fresh runs are odd and all others even: they never meet."""
    where = phase if repeat == 1 else f"{phase}/r{repeat}"
    digest = hashlib.sha256(f"{study_seed}/{where}/{index}".encode()).digest()
    return (int.from_bytes(digest[:4], "big") >> 2) * 2 + (phase in FRESH)


class Source(Protocol):
    """Where the runner gets trials from: the search of an arm, or the fresh runs."""

    ledger: Ledger

    def ask(self) -> Asked | None:
        """The next trial, or None when there is no more to do."""
        ...

    def may_prune(self, asked: Asked, epoch: int) -> bool:
        """Whether its pruner must be asked after this epoch."""
        ...

    def finished(self, asked: Asked, epochs: int) -> None:
        """A trial was told after that many trained epochs."""
        ...


class Budget:
    """How much of an arm's equal share is used, in trials or in epochs."""

    def __init__(self, trials: int | None, epochs: int | None, longest: int) -> None:
        self.trials = trials
        self.epochs = epochs
        self.longest = longest

    def allows(self, asked: int, spent: int, running: int) -> bool:
        """Whether another trial fits; a training is never cut short to fill an epoch budget."""
        if self.epochs is not None:
            return spent + (running + 1) * self.longest <= self.epochs
        return self.trials is None or asked < self.trials


@dataclass
class ArmSearch:
    """One search of one arm: its Optuna study, its sampler, its pruner and its budget."""

    arm: Arm
    spec: Spec
    ledger: Ledger
    budget: Budget
    repeat: int = 1
    split: int | None = None
    """The seed of its split; None for the file's own."""
    running: dict[int, Asked] = field(default_factory=dict)
    spent: int = 0
    """Epochs of finished trials."""
    asked: int = 0
    """Trials that exist: finished, running or queued."""
    queued: deque[int] = field(default_factory=deque)
    """The numbers of those that wait to be handed out, interrupted ones among them."""

    @classmethod
    def open(
        cls,
        arm: Arm,
        spec: Spec,
        archive: Archive,
        noted: Mapping[str, Any],
        repeat: int = 1,
        split: int | None = None,
    ) -> ArmSearch:
        """A search, continued where the storage has it; `noted` is written to the first repeat."""
        attributes: dict[str, Any] = {"study": spec.study, "arm": arm.name, "phase": "search"}
        if repeat == 1:
            attributes |= {"study_file": spec.text, "sampler": str(spec.sampler), **noted}
            if spec.design.sequential:
                attributes["sequence"] = asdict(spec.design.plan)
        else:
            attributes |= {"repeat": repeat, "split": split}
        ledger = archive.ledger(
            search_name(spec.study, arm.name, repeat),
            spec.objective.goal,
            pruner=build_pruner(spec),
            attributes=attributes,
        )
        budget = Budget(spec.trials_asked, spec.epochs, spec.max_epochs)
        return cls(arm, spec, ledger, budget, repeat, split)

    def __post_init__(self) -> None:
        trials = self.ledger.trials()
        self.asked = len(trials)
        self.queued.extend(t.number for t in trials if t.state == TrialState.WAITING)
        self.spent = sum(_epochs(trial) for trial in trials)
        self._grid: Iterator[Point] | None = None
        if self.spec.sampler.name == "grid":
            self._grid = self._remaining_points(trials)

    @property
    def progress(self) -> float:
        """How much of its budget is used; arms advance in turn by this."""
        if self.budget.epochs is not None:
            return (self.spent + len(self.running) * self.budget.longest) / self.budget.epochs
        return float(self.asked - len(self.queued))

    @property
    def total(self) -> int | None:
        """Trials that this search will have; None where an epoch budget decides."""
        return int(self.arm.space.grid_size()) if self._grid is not None else self.budget.trials

    @property
    def is_done(self) -> bool:
        """Whether its budget is used and all of its trials have ended."""
        if self.queued or self.running:
            return False
        if self._grid is not None:
            return self.asked >= (self.total or 0)
        return not self.budget.allows(self.asked, self.spent, 0)

    def ask(self) -> Asked | None:
        """The next trial of this arm, or None when its budget is used."""
        if not self.queued and not self._enqueue_next():
            return None
        number = self.queued.popleft() if self.queued else self.asked
        self.asked = max(self.asked, number + 1)
        self.ledger.study.sampler = build_sampler(self.spec, number, self.repeat)
        trial = self.ledger.study.ask()
        configuration = Configuration.resolve(self.arm.space.suggest(trial))
        record = TrialRecord(
            key=trial_key(self.arm.name, trial.number, self.repeat),
            number=trial.number,
            arm=self.arm.name,
            phase="search",
            seed=derive_seed(self.spec.seed, "search", trial.number, self.repeat),
            configuration=configuration,
            sampler=self.spec.sampler.name,
            repeat=self.repeat,
            split=self.split,
        )
        asked = self.ledger.begin(trial, record)
        self.running[trial.number] = asked
        return asked

    def may_prune(self, asked: Asked, epoch: int) -> bool:
        """Whether the pruner has a say after this epoch: past the warm-up, before the end, and
        not where an earlier attempt at this trial was allowed to go on."""
        if self.spec.pruner.name == "none" or epoch in asked.reported:
            return False
        warmup = self.spec.pruner.parameters["warmup"]
        return bool(warmup < epoch < asked.record.configuration.trainer["epochs"])

    def finished(self, asked: Asked, epochs: int) -> None:
        """A trial was told."""
        del self.running[asked.record.number]
        self.spent += epochs

    def _enqueue_next(self) -> bool:
        """Make room for another trial; where its point is known beforehand, queue it."""
        if self._grid is not None:
            point = next(self._grid, None)
            if point is None:
                return False
            self.ledger.enqueue(point)
        elif not self.budget.allows(self.asked, self.spent, len(self.running)):
            return False
        elif self.asked == 0:
            self.ledger.enqueue(self.arm.space.default(), default=True)
        else:
            return True
        self.queued.append(self.asked)
        self.asked += 1
        return True

    def _remaining_points(self, trials: Sequence[FrozenTrial]) -> Iterator[Point]:
        """Grid points that no trial has; a trial's point is what it was queued with."""
        taken = {_point_key(trial.system_attrs.get("fixed_params", {})) for trial in trials}
        for point in self.arm.space.grid():
            if _point_key(point) not in taken:
                yield point


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


def build_pruner(spec: Spec) -> optuna.pruners.BasePruner:
    """The study file's pruner; its warm-up is kept by `ArmSearch.should_prune`."""
    parameters = {k: v for k, v in spec.pruner.parameters.items() if k != "warmup"}
    pruner: optuna.pruners.BasePruner = PRUNERS[spec.pruner.name].build(
        spec.max_epochs, **parameters
    )
    return pruner


def search_name(study: str, arm: str, repeat: int = 1) -> str:
    """The Optuna study of a search; no name of an arm has a slash and a number at its end."""
    if repeat > 1:
        return f"{study}/{arm}/r{repeat}"
    return f"{study}/{arm}" if arm else study


def trial_key(arm: str, number: int, repeat: int = 1, phase: str = "search") -> str:
    """A trial's name in MLflow and on the screen."""
    parts = [arm] if arm else ["trial"] * (phase == "search")
    if repeat > 1:
        parts.append(f"r{repeat}")
    if phase != "search":
        parts.append(phase)
    return "-".join([*parts, f"{number:04d}"])


def _epochs(trial: FrozenTrial) -> int:
    end = end_of(trial)
    return end.epochs if end and trial.state in FINISHED and "twin" not in trial.user_attrs else 0


def _point_key(point: Point) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, repr(value)) for name, value in point.items()))
