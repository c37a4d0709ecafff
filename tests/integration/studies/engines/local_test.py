"""Worker processes answer, fail and die without harming the driver."""

import os
from collections.abc import Iterator
from contextlib import closing
from multiprocessing.process import BaseProcess

import psutil
import pytest

from lightning_modules.configuration import Configuration
from lightning_modules.errors import FairtuneError
from studies.devices.measuring import MEMORY, MIB
from studies.engines import Ended, Epoch, Event, Task
from studies.engines.last_words import exit_words
from studies.engines.local import MAX_STARTUP_FAILURES, LocalEngine
from studies.records import Outcome
from tests.support.worker_trainings import perform

CONFIGURATION = Configuration.resolve({"data": "digits", "model": "mlp"})


@pytest.fixture
def engine() -> Iterator[LocalEngine]:
    engine = LocalEngine(1, perform)
    yield engine
    engine.close()


def next_event(engine: LocalEngine) -> Event:
    for _ in range(100):
        if events := engine.events(1.0):
            return events[0]
    raise AssertionError("the engine said nothing")


def test_a_trial_runs_in_another_process_and_stops_at_the_epoch_it_is_told(
    engine: LocalEngine,
) -> None:
    engine.submit(Task("trial-0000", CONFIGURATION, 0, None))
    first = next_event(engine)
    assert isinstance(first, Epoch) and first.metrics["val/accuracy"] != os.getpid()
    engine.proceed("trial-0000")
    assert isinstance(next_event(engine), Epoch)
    engine.stop("trial-0000")
    last = next_event(engine)
    assert isinstance(last, Ended)
    assert (last.end.outcome, last.end.epochs) == (Outcome.pruned, 2)
    assert last.end.system.keys() == {MEMORY}  # a worker without a GPU
    assert 10 < last.end.system[MEMORY] < psutil.virtual_memory().total / MIB


def test_a_raising_trial_is_an_error_and_a_dead_worker_is_replaced(engine: LocalEngine) -> None:
    outcomes, measured = [], []
    for seed in (1, 2, 1, 3, 4):
        engine.submit(Task(f"trial-{seed}", CONFIGURATION, seed, None))
        ended = next_event(engine)
        assert isinstance(ended, Ended)
        outcomes.append((ended.end.outcome, ended.end.reason))
        measured.append(MEMORY in ended.end.system)
    assert outcomes == [
        (Outcome.error, "ValueError: no such luck"),
        (Outcome.crashed, exit_words("the worker process", -9)),
        (Outcome.error, "ValueError: no such luck"),
        (Outcome.error, "EOFError: Ran out of input"),
        (Outcome.out_of_memory, "RuntimeError: DefaultCPUAllocator: can't allocate memory"),
    ]
    assert measured == [True, False, True, True, True]  # all but of the dead worker


def test_every_worker_has_the_loader_workers_of_its_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studies.devices.loader_workers.core_count", lambda: 6)
    said = []
    for workers in (2, 6):
        with closing(LocalEngine(workers, perform)) as engine:
            engine.submit(Task("trial-0000", CONFIGURATION, 7, None))
            ended = next_event(engine)
            assert isinstance(ended, Ended)
            said.append(ended.end.reason)
    assert said == ["3", "0"]


def test_a_worker_that_has_trained_says_where_it_crashed(engine: LocalEngine) -> None:
    one_epoch = Configuration.resolve({"data": "iris", "model": "mlp", "trainer": {"epochs": 1}})
    engine.submit(Task("trial-0000", one_epoch, 5, None))
    assert isinstance(next_event(engine), Epoch)
    engine.proceed("trial-0000")
    trained = next_event(engine)
    assert isinstance(trained, Ended) and trained.end.outcome == Outcome.completed
    engine.submit(Task("trial-0001", one_epoch, 6, None))
    crashed = next_event(engine)
    assert isinstance(crashed, Ended)
    assert (crashed.end.traceback or "").startswith("Fatal Python error: Segmentation fault")


def test_a_trial_is_interrupted_after_the_epoch_that_it_reported(engine: LocalEngine) -> None:
    engine.submit(Task("trial-0000", CONFIGURATION, 0, None))
    assert isinstance(next_event(engine), Epoch)
    engine.interrupt("trial-0000")
    last = next_event(engine)
    assert isinstance(last, Ended)
    assert (last.end.outcome, last.end.reason) == (Outcome.interrupted, "the study was stopped")
    assert engine.free == 1


def leaders() -> list[psutil.Process]:
    """The workers below this process: each leads a group of its own."""
    children = psutil.Process().children(recursive=True)
    return [child for child in children if os.getpgid(child.pid) == child.pid]


def kill_idle_worker(engine: LocalEngine) -> None:
    """Kill the engine's only worker, once it waits for its first trial."""
    while not (engine.free and (workers := leaders())):
        engine.events(0.1)
    (worker,) = workers
    worker.kill()
    worker.wait(10)
    engine.events(10.0)


def test_a_worker_that_is_killed_before_its_first_trial_is_replaced(engine: LocalEngine) -> None:
    engine.start()
    kill_idle_worker(engine)
    engine.submit(Task("trial-1", CONFIGURATION, 1, None))
    ended = next_event(engine)
    assert isinstance(ended, Ended) and ended.end.outcome == Outcome.error


def test_workers_that_all_end_before_their_first_trial_end_the_study(engine: LocalEngine) -> None:
    engine.start()
    for _ in range(MAX_STARTUP_FAILURES - 1):
        kill_idle_worker(engine)
    with pytest.raises(FairtuneError, match=r"before its first trial \(.* killed by SIGKILL, .*\)"):
        kill_idle_worker(engine)


def test_a_fork_server_that_is_killed_while_it_starts_a_worker_costs_an_attempt(
    engine: LocalEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    start, failures = engine._start_process, [EOFError("unexpected EOF")]

    def fail_once(process: BaseProcess) -> None:
        if failures:
            raise failures.pop()
        start(process)

    monkeypatch.setattr(engine, "_start_process", fail_once)
    engine.submit(Task("trial-0000", CONFIGURATION, 0, None))
    ended = next_event(engine)
    assert isinstance(ended, Ended)
    assert (ended.end.outcome, ended.end.reason) == (
        Outcome.crashed,
        "the worker process did not start",
    )
    while not engine.free:
        engine.events(0.1)
    engine.submit(Task("trial-0000", CONFIGURATION, 0, None))
    assert isinstance(next_event(engine), Epoch)


def test_workers_that_never_start_end_the_study(
    engine: LocalEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []

    def fail(process: BaseProcess) -> None:
        tried.append(process)
        raise EOFError("unexpected EOF")

    monkeypatch.setattr(engine, "_start_process", fail)
    engine.start()
    with pytest.raises(FairtuneError, match="no worker process can be started: the process that"):
        while True:
            engine.events(1.0)
    assert len(tried) == MAX_STARTUP_FAILURES
