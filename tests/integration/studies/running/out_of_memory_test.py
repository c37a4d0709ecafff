"""A trial for which there is no memory beside others is trained once more, alone."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
import torch

from studies.engines import Engine, Task
from studies.engines.inline import InlineEngine
from studies.engines.local import LocalEngine
from studies.engines.places import Place
from studies.home import Home
from studies.records import EpochReport, Outcome, Record, RecordReader, TrialEnd
from studies.running.display import Display
from studies.running.running_trial import RunningTrial
from studies.running.running_trials import INTERRUPTED, RunningTrials
from studies.running.trial_loop import Runner
from studies.study_file import Spec, document, resolve
from tests.support.worker_trainings import fits_alone

FILE = """
study: memory
data: digits
model: {name: mlp, hidden: [4]}
optimizer: {name: sgd, lr: {values: [0.1, 0.2, 0.3, 0.4]}}
trainer: {epochs: 3, trial_timeout: 60}
search: {method: grid}
"""
TOO_LARGE = "OutOfMemoryError: CUDA out of memory."
GPU = Place("NVIDIA H200", "GPU-1")


def study() -> Spec:
    return resolve(document.parse(FILE, "study.yaml"))


def run(home: Home, engine: Engine, stopping: Callable[[], bool] = lambda: False) -> list[str]:
    """Run the study; how its trials ended."""
    try:
        with Record.writing(home, "memory") as record:
            Runner(study(), home, record, engine, Display(), stopping).run()
    finally:
        engine.close()
    with RecordReader.open(home, "memory") as record:
        return [f"{trial.outcome} {trial.reason}".strip() for trial in record.trials()]


@dataclass
class Large:
    """Trainings side by side, of which the second one finds no memory beside another one, and
    finds it alone where `fits`."""

    fits: bool
    training: set[str] = field(default_factory=set)
    attempts: list[str] = field(default_factory=list)
    beside: list[str] = field(default_factory=list)
    """Who trained beside the large one when it was alone."""
    failed: bool = False
    two: threading.Barrier = field(default_factory=lambda: threading.Barrier(2))

    def __call__(self, task: Task, ask: Callable[[EpochReport], bool]) -> TrialEnd:
        self.attempts.append(task.trial)
        self.training.add(task.trial)
        try:
            if len(self.attempts) <= 2:
                self.two.wait(60)
            large, best = task.trial == "trial-0001", {"val/accuracy": 0.5}
            for epoch in (1, 2, 3):
                ask(EpochReport(epoch, best))
                if large and task.alone:
                    self.beside += self.training - {task.trial}
                if large and not (task.alone and self.fits):
                    self.failed = True
                    raise torch.OutOfMemoryError("CUDA out of memory.")
            return TrialEnd(Outcome.completed, epochs=3, best_epoch=1, best=best)
        finally:
            self.training.discard(task.trial)


@pytest.mark.parametrize(
    ("fits", "end"),
    [
        (True, "completed"),
        (False, f"out_of_memory {TOO_LARGE} (2 attempts, the last one alone)"),
    ],
)
def test_a_trial_that_shared_is_tried_once_more_alone(fits: bool, end: str, tmp_path: Path) -> None:
    large = Large(fits)
    assert run(Home.at(tmp_path), InlineEngine(large, 2)) == [
        "completed",
        end,
        "completed",
        "completed",
    ]
    assert large.attempts.count("trial-0001") == 2 and len(large.attempts) == 5
    assert large.beside == []


def test_a_trial_that_shared_is_alone_too_where_the_study_was_stopped_meanwhile(
    tmp_path: Path,
) -> None:
    home, large = Home.at(tmp_path), Large(fits=True)
    ends = run(home, InlineEngine(large, 2), stopping=lambda: large.failed)
    assert [end.partition(" ")[0] for end in ends][1] == "interrupted"
    again = Large(fits=True, two=threading.Barrier(1))
    assert run(home, InlineEngine(again, 2)) == ["completed"] * 4
    assert again.attempts.count("trial-0001") == 1 and again.beside == []


def test_a_trial_that_was_alone_is_not_tried_again(tmp_path: Path) -> None:
    large = Large(fits=True, two=threading.Barrier(1))
    ends = run(Home.at(tmp_path), InlineEngine(large, 1))
    assert ends == ["completed", f"out_of_memory {TOO_LARGE}", "completed", "completed"]
    assert len(large.attempts) == 4


def test_worker_processes_leave_their_gpu_to_a_trial_that_needs_it_alone(tmp_path: Path) -> None:
    engine = LocalEngine(2, fits_alone, places=[GPU])
    assert run(Home.at(tmp_path), engine) == ["completed"] * 4
    with RecordReader.open(Home.at(tmp_path), "memory") as record:
        assert [record.attempts(trial.id) for trial in record.trials()] == [1, 2, 1, 1]
        assert {trial.device for trial in record.trials()} == {GPU.kind}


class Waits:
    """An engine at which one trial waits to be alone."""

    def __init__(self) -> None:
        self.waiting, self.killed = ["waits"], list[tuple[str, Outcome]]()

    def kill(self, trial: str, end: TrialEnd) -> None:
        self.killed.append((trial, end.outcome))


def waiting_trials(tmp_path: Path, engine: Waits) -> RunningTrials:
    """A trial that waits, and one that trains, both since long ago."""
    trials = RunningTrials(
        study(), Home.at(tmp_path), Record.in_memory(), cast(Engine, engine), Display(),
        lambda: False,
    )  # fmt: skip
    for key in ("waits", "trains"):
        trials.running[key] = RunningTrial(*cast(tuple, (None, SimpleNamespace())), since=-1e9)
    return trials


def test_a_trial_that_waits_does_not_exceed_its_time(tmp_path: Path) -> None:
    engine = Waits()
    trials = waiting_trials(tmp_path, engine)
    trials.end_overdue()
    assert engine.killed == [("trains", Outcome.timeout)]
    assert trials.running["waits"].since > 0  # from when it was last seen waiting


def test_a_trial_that_waits_is_not_waited_for_when_the_study_is_stopped(tmp_path: Path) -> None:
    engine = Waits()
    waiting_trials(tmp_path, engine).interrupt()
    assert engine.killed == [("waits", INTERRUPTED.outcome)]
