"""What the driver does first: trials that wait for an answer are heard before anything else."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from itertools import groupby
from pathlib import Path

import pytest

from lightning_modules.errors import StorageError
from studies.analysis.representative import KEPT_CHECKPOINTS
from studies.engines import Ended, Epoch, Event, Task
from studies.home import Home
from studies.records import Outcome, Record, TrialEnd
from studies.running.running_trials import MOST_ENDS, MOST_LOSSES
from studies.running.trial_loop import Display, Runner
from studies.search import AskedTrial
from studies.search.failure_policy import ATTEMPTS
from tests.support.made import spec_of

METRIC = "val/accuracy"
FILE = """
study: crowd
data: digits
model: {name: mlp, hidden: [4]}
optimizer: {name: sgd, lr: {min: 1e-3, max: 1.0, log: true}}
trainer: {epochs: 2}
search: {method: random, trials: 20}
"""


class Crowd:
    """Workers without a process: whatever they have to say is said when they are heard.

    `log` has what the driver did, `hear` being a look for events.
    """

    def __init__(self, home: Home, workers: int = 20) -> None:
        self.home, self.workers = home, workers
        self.log: list[str] = []
        self.ends: dict[str, TrialEnd] = {}
        """Of trials that end in another way than completed."""
        self.silent_until = 0
        """So many trials begin before anything is heard."""
        self._epochs: dict[str, int] = {}
        self._said: list[Event] = []

    def start(self) -> None: ...

    @property
    def free(self) -> int:
        return self.workers - len(self._epochs)

    @property
    def kinds(self) -> Mapping[str, int]:
        return {"cpu": self.free}

    @property
    def waiting(self) -> Sequence[str]:
        return ()

    def submit(self, task: Task) -> None:
        self.log.append("submit")
        checkpoint = Path(str(task.checkpoint))
        self.checkpoints = checkpoint.parent
        self.checkpoints.mkdir(parents=True, exist_ok=True)
        checkpoint.touch()
        self._train(task.trial, 1)

    def proceed(self, trial: str) -> None:
        self.log.append("answer")
        epoch = self._epochs[trial]
        assert (trial, epoch) in self.recorded(), "it was answered before it was recorded"
        if epoch < 2:
            self._train(trial, epoch + 1)
        else:
            done = TrialEnd(Outcome.completed, epochs=2, best_epoch=2, best={METRIC: 0.5})
            self._said.append(Ended(trial, self.ends.get(trial, done)))

    def stop(self, trial: str) -> None:
        raise AssertionError

    interrupt = stop

    def kill(self, trial: str, end: TrialEnd) -> None:
        raise AssertionError

    def events(self, timeout: float | None) -> Sequence[Event]:
        self.log.append("hear")
        if self.log.count("submit") < self.silent_until:
            return []
        said, self._said = self._said, []
        for event in said:
            if isinstance(event, Ended):
                del self._epochs[event.trial]
        return said

    def close(self) -> None: ...

    def _train(self, trial: str, epoch: int) -> None:
        self._epochs[trial] = epoch
        self._said.append(Epoch(trial, epoch, {METRIC: 0.1 * epoch}))

    def recorded(self) -> set[tuple[str, int]]:
        """Every epoch that is committed, as another process sees it."""
        query = "SELECT key, epoch FROM epochs JOIN trials ON trial = id"
        with closing(sqlite3.connect(self.home.record("crowd"))) as reader:
            return set(reader.execute(query))

    def outcomes(self) -> list[str]:
        """How trials have ended, those that have, as another process sees it."""
        query = "SELECT outcome FROM trials WHERE outcome IS NOT NULL ORDER BY number"
        with closing(sqlite3.connect(self.home.record("crowd"))) as reader:
            return [outcome for (outcome,) in reader.execute(query)]


@pytest.fixture
def crowd(tmp_path: Path) -> Crowd:
    return Crowd(Home.at(tmp_path))


@pytest.fixture
def record(crowd: Crowd) -> Iterator[Record]:
    with Record.writing(crowd.home, "crowd") as record:
        yield record


def run(crowd: Crowd, record: Record, display: Display | None = None) -> None:
    Runner(spec_of(FILE), crowd.home, record, crowd, display or Display()).run()


def test_trials_are_heard_between_the_starts_of_two_others(crowd: Crowd, record: Record) -> None:
    run(crowd, record)
    assert crowd.log.count("submit") == 20
    in_a_row = [len(list(same)) for what, same in groupby(crowd.log) if what == "submit"]
    assert in_a_row == [1] * 20


def test_all_that_is_said_at_once_is_recorded_in_one_commit_and_then_answered(
    crowd: Crowd, record: Record
) -> None:
    crowd.silent_until = 20
    record.connection.set_trace_callback(
        lambda statement: crowd.log.append("commit") if statement == "COMMIT" else None
    )
    run(crowd, record)
    after_last_start = crowd.log[len(crowd.log) - crowd.log[::-1].index("submit") :]
    done = [(what, len(list(same))) for what, same in groupby(after_last_start)]
    epoch = [("hear", 1), ("commit", 1), ("answer", 20)]
    ends = [("hear", 1), ("commit", 1)] * 2
    assert done == [*epoch, *epoch, *ends, ("hear", 1)]
    assert crowd.outcomes() == ["completed"] * 20


def test_checkpoints_are_deleted_after_the_ends_that_free_them_are_committed(
    crowd: Crowd, record: Record
) -> None:
    crowd.silent_until = 20
    there: list[int] = []

    class Shown(Display):
        def ended(self, asked: AskedTrial, end: TrialEnd, value: float | None) -> None:
            there.append(len(list(crowd.checkpoints.iterdir())))

    run(crowd, record, Shown())
    assert there[:MOST_ENDS] == [20] * MOST_ENDS
    assert len(set(there[MOST_ENDS:])) == 1
    assert len(list(crowd.checkpoints.iterdir())) == KEPT_CHECKPOINTS


def test_an_end_that_stops_the_study_takes_no_other_end_with_it(
    crowd: Crowd, record: Record
) -> None:
    crowd.silent_until = 20
    crowd.ends["trial-0003"] = TrialEnd(Outcome.error, "StorageError: the disk is full")
    with pytest.raises(StorageError, match="the disk is full"):
        run(crowd, record)
    assert crowd.outcomes() == ["completed"] * (MOST_ENDS - 1)


def test_a_study_that_is_over_ends_although_no_worker_is_left(
    crowd: Crowd, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The only node of a cluster is lost with the last end."""
    kinds = {"cpu": 1}

    def events(timeout: float | None) -> Sequence[Event]:
        said = Crowd.events(crowd, timeout)
        ended = len(crowd.outcomes()) + sum(isinstance(event, Ended) for event in said)
        kinds["cpu"] = int(ended < 20)
        return said

    monkeypatch.setattr(crowd, "events", events)
    monkeypatch.setattr(Crowd, "kinds", property(lambda self: kinds if self.free else {"cpu": 0}))
    run(crowd, record)
    assert crowd.outcomes() == ["completed"] * 20


def test_a_trial_may_lose_some_machines_without_blame_and_not_any_number(
    crowd: Crowd, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[str] = []
    lost = "trial-0003"

    def submit(task: Task) -> None:
        Crowd.submit(crowd, task)
        begun.append(task.trial)
        if task.trial == lost:
            end = Ended(lost, TrialEnd(Outcome.interrupted, "its node is gone"), blameless=True)
            crowd._said[-1] = end

    monkeypatch.setattr(crowd, "submit", submit)
    run(crowd, record)
    assert begun.count(lost) == MOST_LOSSES + ATTEMPTS
    assert sorted(crowd.outcomes()) == ["completed"] * 19 + ["crashed"]
