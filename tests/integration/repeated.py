"""Studies of several searches per arm, in memory, with trainings that follow a script."""

import hashlib
import re
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial, TrialState

from studies import document, results
from studies.archive import Archive
from studies.comparison import Comparison, compare
from studies.continuing import search_names
from studies.driver import as_recorded, note_look
from studies.engines import Task
from studies.engines.inline import InlineEngine
from studies.home import Home
from studies.records import EpochReport, Outcome, TrialEnd, TrialRecord
from studies.results import StudyResults, Trial
from studies.runner import Display, Runner
from studies.spec import Spec, resolve

EPOCHS = 3
FILE = """
study: repeated
data: digits
model: {name: mlp, hidden: [4]}
optimizer:
  - {name: sgd, lr: {min: 1e-3, max: 1.0, log: true, num: 3}}
  - {name: momentum, lr: {min: 1e-3, max: 1.0, log: true, num: 3}}
  - {name: adam, lr: {min: 1e-4, max: 1e-1, log: true, num: 3}}
trainer: {epochs: 3}
objective: {metric: val/accuracy}
search: {method: random, trials: 2, repeats: 2}
compare: {factor: optimizer}
confirm: {seeds: 1}
"""
TWO_ARMS = FILE.replace("  - {name: momentum, lr: {min: 1e-3, max: 1.0, log: true, num: 3}}\n", "")
PLACE = re.compile(r"(?P<arm>[a-z]+)(?:-r(?P<repeat>\d+))?(?:-(?P<phase>confirm|cross))?-\d+")
Fact = tuple[Any, ...]


def share(*of: Any) -> float:
    """A number in [0, 1) that depends on nothing else."""
    digest = hashlib.sha256("/".join(map(str, of)).encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


@dataclass(frozen=True)
class Place:
    """Where in a study a training is."""

    arm: str
    repeat: int
    phase: str

    @classmethod
    def of(cls, key: str) -> "Place":
        found = PLACE.fullmatch(key)
        assert found, key
        return cls(found["arm"], int(found["repeat"] or 1), found["phase"] or "search")


@dataclass(frozen=True)
class Script:
    """What the trainings of a study come to."""

    lead: Mapping[str, float] = field(default_factory=dict)
    """What every training of an arm is better by."""
    leads: Mapping[tuple[str, int], float] = field(default_factory=dict)
    """The same for an arm in one repeat."""
    noise: float = 0.02
    failing: float = 0.0
    """The share of the trainings that diverge."""
    lost: Callable[[Place], bool] = lambda _: False
    """Whether all trainings of a place diverge."""

    def train(self, task: Task, on_epoch: Callable[[EpochReport], bool]) -> TrialEnd:
        place = Place.of(task.trial)
        luck = (place.arm, task.seed, task.configuration.hash, task.split)
        if self.lost(place) or share("fails", *luck) < self.failing:
            return TrialEnd(Outcome.diverged, epochs=1)
        level = 0.5 + self.lead.get(place.arm, 0.0) + self.noise * share(*luck)
        level += self.leads.get((place.arm, place.repeat), 0.0)
        best: dict[str, float] = {}
        for epoch in range(1, EPOCHS + 1):
            best = {"val/accuracy": level - 0.1 / epoch, "val/loss": 1 - level + 0.1 / epoch}
            if not on_epoch(EpochReport(epoch, best)):
                return TrialEnd(Outcome.pruned, epochs=epoch, best_epoch=epoch, best=best)
        test = {"test/accuracy": level - 0.05} if task.evaluate_test else {}
        rows = {"train": 1000, "validation": 300, "test": 300}
        return TrialEnd(
            Outcome.completed, epochs=EPOCHS, best_epoch=EPOCHS, best=best, test=test, rows=rows
        )


class Memory(InMemoryStorage):
    """Optuna's own looks for waiting trials only behind the last one that it handed out: it would
    not find the interrupted ones, as databases do."""

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        if states == (TrialState.WAITING,):
            states = {TrialState.WAITING}
        return super().get_all_trials(study_id, deepcopy, states)


class Watcher:
    """A tracker that notes when trainings begin and end."""

    def __init__(self) -> None:
        self.order: list[tuple[str, TrialRecord, TrialEnd | None]] = []

    def start_trial(self, record: TrialRecord, *, resume: bool) -> None:
        self.order.append(("start", record, None))

    def epoch(self, key: str, epoch: int, metrics: Mapping[str, float]) -> None: ...

    def finish_trial(self, key: str, end: TrialEnd) -> None:
        record = next(record for _, record, _ in reversed(self.order) if record.key == key)
        self.order.append(("end", record, end))

    def run_id(self, key: str) -> str | None: ...


@dataclass
class Kept:
    """A study that is run, stopped, changed and run again, as the driver does it."""

    home: Home
    script: Script = field(default_factory=Script)
    archive: Archive = field(default_factory=lambda: Archive(Memory()))
    watcher: Watcher = field(default_factory=Watcher)

    @classmethod
    def at(cls, path: Path, script: Script | None = None) -> "Kept":
        return cls(Home.at(path), script or Script())

    def run(self, text: str = FILE, *, stop_after: int | None = None, slots: int = 1) -> int:
        """Run the file, to its end or until so many trainings have begun; how many it took."""
        begun = 0

        def counted(task: Task, on_epoch: Callable[[EpochReport], bool]) -> TrialEnd:
            nonlocal begun
            begun += 1
            return self.script.train(task, on_epoch)

        spec = as_recorded(read(text), self.archive, self.home)
        engine = InlineEngine(counted, slots=slots)
        runner = Runner(
            spec,
            self.home,
            self.archive,
            self.watcher,
            engine,
            Display(),
            stopping=lambda: stop_after is not None and begun >= stop_after,
        )
        runner.run()
        engine.close()
        first = search_names(spec.study, self.archive)[0]
        if runner.finished:
            note_look(self.results, self.archive)
        self.archive.note(first, {"finished": spec.text if runner.finished else ""})
        return begun

    @property
    def results(self) -> StudyResults:
        return results.read(self.archive, self.home, "repeated")

    @property
    def comparison(self) -> Comparison:
        return compare(self.results)

    def trials(self, arm: str, repeat: int, phase: str = "search") -> list[Trial]:
        found = [
            t for t in self.results.trials if (t.arm, t.repeat, t.phase) == (arm, repeat, phase)
        ]
        return sorted(found, key=lambda trial: trial.number)

    @property
    def facts(self) -> set[Fact]:
        """Everything that does not depend on which worker was free first."""
        return {fact_of(trial) for trial in self.results.trials}


def fact_of(trial: Trial) -> Fact:
    """A trial without its times; fresh runs are numbered as they come."""
    number = trial.number if trial.phase == "search" else None
    known = (trial.arm, trial.repeat, trial.phase, number, trial.seed, trial.split)
    outcome = (trial.outcome, trial.epochs, trial.value, tuple(sorted(trial.test.items())))
    return *known, trial.config_hash, *outcome


def read(text: str) -> Spec:
    return resolve(document.parse(text, "study.yaml"))
