"""Studies that are run inside the test, without their mirrors."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from unittest import mock

from studies.analysis import StudyOutcome
from studies.engines import Task
from studies.engines.inline import InlineEngine
from studies.engines.places import Place
from studies.engines.worker import Perform
from studies.home import Home
from studies.records import EpochReport, Outcome, RecordReader, Trial, TrialEnd
from studies.running.display import Display
from studies.running.run_study import run_study
from studies.study_file import document, resolve

FILE = """
study: lives
data: iris
model: {name: mlp, hidden: [4]}
optimizer:
  - {name: sgd, lr: {values: [0.1, 0.2, 0.3]}}
  - {name: adam, lr: {values: [0.1, 0.2, 0.3]}}
trainer: {epochs: 2}
search: {method: grid}
compare: {factor: optimizer, claim: configurations}
confirm: {seeds: 1}
"""
EPOCHS = 2
Fails = Mapping[str, tuple[Outcome, int]]
"""How trials end that do not complete, and after how many epochs, by their keys."""
Ask = Callable[[EpochReport], bool]


class Alone:
    """In place of the mirrors of a run: nothing."""

    def __init__(self, *_: object) -> None: ...

    def tick(self) -> None: ...

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_, **__: None


@contextmanager
def without_processes() -> Iterator[None]:
    """Meanwhile commands train in this process, and tell no mirror."""

    def inline(
        workers: int, perform: Perform, preload: Sequence[str], places: Sequence[Place]
    ) -> InlineEngine:
        return InlineEngine(perform, workers, places[0])

    with (
        mock.patch("studies.running.run_study.LocalEngine", inline),
        mock.patch("studies.running.run_study.Mirroring", Alone),
    ):
        yield


def run(
    home: Home, fails: Fails | None = None, *, file: str = FILE, code: str = "v1"
) -> StudyOutcome:
    """Run a study with trainings that follow a script; `code` is the identity of their code."""
    fails = fails or {}

    def perform(task: Task, ask: Ask) -> TrialEnd:
        outcome, epochs = fails.get(task.trial, (Outcome.completed, EPOCHS))
        best: dict[str, float] = {}
        for epoch in range(1, epochs + 1):
            best = {"val/accuracy": (task.seed % 89) / 100 + epoch / 1000, "val/loss": 1 / epoch}
            ask(EpochReport(epoch, best))
        done = outcome == Outcome.completed
        return TrialEnd(
            outcome,
            reason="" if done else "no such luck",
            epochs=epochs,
            best_epoch=epochs if done else None,
            best=best if done else {},
            traceback=None if done else "Traceback: no such luck",
        )

    with mock.patch("studies.running.run_study.Mirroring", Alone):
        return run_study(
            resolve(document.parse(file, "lives.yaml")),
            home,
            workers=1,
            display=Display(),
            engine=lambda: InlineEngine(perform, 1),
            function={"function train": code},
        )


def trials(home: Home, study: str = "lives") -> dict[str, Trial]:
    """All trials of a record by their keys."""
    with RecordReader.open(home, study) as record:
        return {trial.key: trial for trial in record.trials()}
