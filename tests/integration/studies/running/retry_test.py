"""What the driver does with trials that fail, on a real SQLite file, with scripted trainings."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lightning_modules.errors import FairtuneError, Interrupted, NothingCompletedError
from studies.engines import Task
from studies.engines.inline import InlineEngine
from studies.engines.worker import Perform
from studies.home import Home
from studies.records import EpochReport, Outcome, Record, RecordReader, Trial, TrialEnd
from studies.running.trial_loop import Display, Runner
from studies.study_file import document, resolve

EPOCHS = 3
FILE = f"""
study: grid
data: digits
model: {{name: mlp, hidden: [4]}}
optimizer: {{name: sgd, lr: {{values: [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]}}}}
trainer: {{epochs: {EPOCHS}}}
search: {{method: grid}}
"""
CRASHED = TrialEnd(Outcome.crashed, reason="the worker process was killed by SIGKILL")
Ask = Callable[[EpochReport], bool]


@dataclass
class Trainings:
    """Trainings of which some end badly, so many times in all, after their second epoch."""

    bad: str | tuple[str, ...]
    """The trials, by the beginnings of their names."""
    end: TrialEnd
    times: int
    attempts: list[str] = field(default_factory=list)
    """The trials that were begun, in order."""
    interrupted: list[str] = field(default_factory=list)
    """The trials that were asked to be continued later."""

    def __call__(self, task: Task, ask: Ask) -> TrialEnd:
        self.attempts.append(task.trial)
        best: dict[str, float] = {}
        for epoch in range(1, EPOCHS + 1):
            best = {"val/accuracy": epoch / 10}
            try:
                go_on = ask(EpochReport(epoch, best))
            except Interrupted:
                self.interrupted.append(task.trial)
                raise
            if not go_on:
                return TrialEnd(Outcome.pruned, epochs=epoch, best_epoch=epoch, best=best)
            if epoch == 2 and task.trial.startswith(self.bad) and self.times:
                self.times -= 1
                return self.end
        return TrialEnd(Outcome.completed, epochs=EPOCHS, best_epoch=EPOCHS, best=best)


def run(
    home: Home,
    perform: Perform,
    stopping: Callable[[], bool] = lambda: False,
    display: Display | None = None,
) -> None:
    """Run the study."""
    engine = InlineEngine(perform)
    spec = resolve(document.parse(FILE, "study.yaml"))
    try:
        with Record.writing(home, "grid") as record:
            Runner(spec, home, record, engine, display or Display(), stopping).run()
    finally:
        engine.close()


def trials(home: Home) -> list[Trial]:
    with RecordReader.open(home, "grid") as record:
        return record.trials()


def epochs(home: Home) -> list[list[int]]:
    """The epochs of every trial, in their order."""
    with RecordReader.open(home, "grid") as record:
        return [[row.epoch for row in record.epochs(trial.id)] for trial in record.trials()]


def outcomes(home: Home) -> list[Outcome | None]:
    return [trial.outcome for trial in trials(home)]


@pytest.mark.parametrize("times", [1, 2])
def test_a_trial_that_crashes_is_tried_again_and_every_epoch_kept_once(
    times: int, tmp_path: Path
) -> None:
    home, trainings = Home.at(tmp_path), Trainings("trial-0001", CRASHED, times)
    run(home, trainings)
    assert trainings.attempts.count("trial-0001") == 1 + times
    assert len(trainings.attempts) == 6 + times
    assert outcomes(home) == [Outcome.completed] * 6
    assert epochs(home) == [list(range(1, EPOCHS + 1))] * 6
    assert all(len(trial.curve) == EPOCHS for trial in trials(home))


def test_the_third_attempt_is_the_last_one_across_runs_of_the_study(tmp_path: Path) -> None:
    home, trainings = Home.at(tmp_path), Trainings("trial-0001", CRASHED, times=9)
    run(home, trainings, lambda: trainings.times == 8)
    assert trials(home)[1].outcome == Outcome.interrupted
    run(home, trainings)
    assert trainings.attempts.count("trial-0001") == 3
    end = trials(home)[1]
    assert end.outcome == Outcome.crashed
    assert end.reason == "the worker process was killed by SIGKILL (3 attempts)"
    assert outcomes(home).count(Outcome.completed) == 5


@pytest.mark.parametrize(
    "outcome", [Outcome.diverged, Outcome.error, Outcome.timeout, Outcome.out_of_memory]
)
def test_what_would_come_again_is_not_tried_again(outcome: Outcome, tmp_path: Path) -> None:
    home, trainings = Home.at(tmp_path), Trainings("trial-0001", TrialEnd(outcome), times=9)
    run(home, trainings)
    assert len(trainings.attempts) == 6
    assert outcomes(home).count(outcome) == 1


def test_a_stop_lets_the_running_trial_end_its_epoch_and_the_next_run_goes_on(
    tmp_path: Path,
) -> None:
    home, trainings = Home.at(tmp_path), Trainings("none", CRASHED, times=0)
    stopped = threading.Event()

    class Screen(Display):
        def stopping(self, trials: int) -> None:
            stopped.set()

    def perform(task: Task, ask: Ask) -> TrialEnd:
        def late(report: EpochReport) -> bool:
            """The third trial is in the middle of an epoch when the study is stopped."""
            assert task.trial != "trial-0002" or stopped.wait(60)
            return ask(report)

        return trainings(task, late)

    run(home, perform, lambda: len(trainings.attempts) == 3, Screen())
    assert epochs(home)[2] == [1]  # it was kept
    assert trainings.interrupted == ["trial-0002"]
    assert outcomes(home).count(Outcome.interrupted) == 1
    run(home, trainings)
    assert outcomes(home) == [Outcome.completed] * 6


def test_only_what_an_interrupted_trial_needs_is_kept(tmp_path: Path) -> None:
    home = Home.at(tmp_path)

    def perform(task: Task, ask: Ask) -> TrialEnd:
        assert task.continuation is not None
        Path(task.continuation).mkdir(parents=True, exist_ok=True)
        return trainings(task, ask)

    trainings = Trainings("none", CRASHED, times=0)
    run(home, perform, lambda: len(trainings.attempts) == 3)
    kept = home.study("grid") / "continuations"
    assert [folder.name for folder in kept.iterdir()] == ["trial-0002"]
    run(home, perform)
    assert list(kept.iterdir()) == []


def test_a_study_of_which_every_trial_fails_stops_and_says_why(tmp_path: Path) -> None:
    home = Home.at(tmp_path)
    broken = TrialEnd(Outcome.error, reason="ValueError: no such luck")
    trainings = Trainings("trial", broken, times=9)
    with pytest.raises(NothingCompletedError, match="the last 5 trials failed: error: ValueError"):
        run(home, trainings)
    assert outcomes(home) == [Outcome.error] * 5
    trainings.times = 0
    run(home, trainings)
    assert outcomes(home) == [Outcome.error] * 5 + [Outcome.completed]


def test_a_fault_that_meets_every_trial_stops_a_study_that_had_worked(tmp_path: Path) -> None:
    home = Home.at(tmp_path)
    broken = TrialEnd(Outcome.error, reason="OSError: the disk is gone")
    trainings = Trainings(tuple(f"trial-000{i}" for i in range(1, 6)), broken, times=9)
    with pytest.raises(FairtuneError, match="OSError: the disk is gone") as caught:
        run(home, trainings)
    assert caught.value.exit_code == 1


def test_a_second_request_to_stop_ends_the_running_trials_at_once(tmp_path: Path) -> None:
    home, trainings = Home.at(tmp_path), Trainings("none", CRASHED, times=0)
    asked = 0

    def stopping() -> bool:
        nonlocal asked
        asked += len(trainings.attempts) >= 3
        if asked == 2:
            raise KeyboardInterrupt
        return asked > 0

    with pytest.raises(KeyboardInterrupt):
        run(home, trainings, stopping)
    assert None not in outcomes(home)
    run(home, trainings)
    assert outcomes(home) == [Outcome.completed] * 6
