"""Studies of several searches per arm, in memory, with trainings that follow a script."""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from studies import results
from studies.analysis import Comparison, compare
from studies.engines import Task
from studies.engines.inline import InlineEngine
from studies.home import Home
from studies.records import EpochReport, Outcome, Record, Trial, TrialEnd
from studies.results import StudyResults
from studies.running.run_study import as_recorded, note_look
from studies.running.trial_loop import Display, Runner
from studies.study_file import Spec, document, resolve

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


class Watched(Record):
    """A record that notes when trainings begin and end."""

    def __init__(self) -> None:
        made = Record.in_memory()
        super().__init__(made.connection, made.path)
        self.order: list[tuple[str, Trial]] = []

    def begin(self, trial: Trial, sampler_state: Mapping[str, Any] | None = None) -> Trial:
        begun = super().begin(trial, sampler_state)
        self.order.append(("start", begun))
        return begun

    def finish(self, trial: Trial) -> Trial:
        finished = super().finish(trial)
        self.order.append(("end", finished))
        return finished


@dataclass
class Kept:
    """A study that is run, stopped, changed and run again, as the driver does it."""

    home: Home
    script: Script = field(default_factory=Script)
    record: Watched = field(default_factory=Watched)

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

        spec = as_recorded(read(text), self.record, self.home)
        engine = InlineEngine(counted, slots=slots)
        runner = Runner(
            spec,
            self.home,
            self.record,
            engine,
            Display(),
            stopping=lambda: stop_after is not None and begun >= stop_after,
        )
        runner.run()
        engine.close()
        if runner.finished:
            note_look(self.results, self.record)
        self.record.note({"finished": spec.text if runner.finished else ""})
        return begun

    @property
    def results(self) -> StudyResults:
        return results.read_results(self.record, self.home, "repeated")

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
