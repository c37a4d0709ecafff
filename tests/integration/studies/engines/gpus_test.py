"""Worker processes on two pretended GPUs, which they share in twos."""

from collections.abc import Iterator

import pytest

from lightning_modules.configuration import Configuration
from studies.engines import Ended, Epoch, Event, Task
from studies.engines.local import MAX_STARTUP_FAILURES, LocalEngine
from studies.engines.places import Place
from studies.records import Outcome, TrialEnd
from tests.support.worker_trainings import on_gpu

CONFIGURATION = Configuration.resolve({"data": "digits", "model": "mlp"})
PLACES = [Place("NVIDIA H200", "GPU-1"), Place("NVIDIA A100", "GPU-2")]
GIVEN_UP = TrialEnd(Outcome.interrupted)


@pytest.fixture
def engine() -> Iterator[LocalEngine]:
    engine = LocalEngine(4, on_gpu, places=PLACES)
    assert engine.free == 4  # before any is started
    engine.start()
    wait_for_workers(engine, 4)
    yield engine
    engine.close()


def event_of(engine: LocalEngine, trial: str) -> Event:
    """The next event, which is of that trial."""
    for _ in range(100):
        for event in engine.events(1.0):
            assert event.trial == trial
            return event
    raise AssertionError("the engine said nothing")


def ended(engine: LocalEngine, trial: str) -> Ended:
    event = event_of(engine, trial)
    assert isinstance(event, Ended)
    return event


def begun(engine: LocalEngine, trial: str) -> dict[str, float]:
    """What a trial says after its first epoch; it waits then."""
    event = event_of(engine, trial)
    assert isinstance(event, Epoch) and event.epoch == 1
    return dict(event.metrics)


def submit(engine: LocalEngine, trial: str, seed: int = 0, **parts: object) -> None:
    engine.submit(Task(trial, CONFIGURATION, seed, None, **parts))  # type: ignore[arg-type]


def run(engine: LocalEngine, trial: str, seed: int = 0, **parts: object) -> dict[str, float]:
    """Submit a task, and let it train an epoch."""
    submit(engine, trial, seed, **parts)
    return begun(engine, trial)


def end(engine: LocalEngine, trial: str) -> Ended:
    engine.stop(trial)
    return ended(engine, trial)


def wait_for_workers(engine: LocalEngine, free: int) -> None:
    while engine.free != free:
        engine.events(0.1)


def test_every_worker_sees_the_gpu_of_its_place_and_so_does_who_replaces_it(
    engine: LocalEngine,
) -> None:
    assert engine.kinds == {"NVIDIA H200": 2, "NVIDIA A100": 2} and engine.free == 4
    first = {name: run(engine, name) for name in "abcd"}
    gpus = [first[name]["val/gpu"] for name in "abcd"]
    assert sorted(gpus[:2]) == sorted(gpus[2:]) == [1, 2]  # spread before they are shared
    assert engine.kinds == {"NVIDIA H200": 0, "NVIDIA A100": 0}
    for name in "abcd":
        engine.kill(name, GIVEN_UP)
        assert ended(engine, name).shared
    wait_for_workers(engine, 4)
    again = [run(engine, name, kind="NVIDIA A100") for name in "ef"]
    assert [metrics["val/gpu"] for metrics in again] == [2, 2]
    assert engine.kinds == {"NVIDIA H200": 2, "NVIDIA A100": 0}
    assert end(engine, "e").end.device == "NVIDIA A100"


def test_a_task_that_trains_alone_waits_for_its_gpu_while_others_go_on(engine: LocalEngine) -> None:
    run(engine, "a", kind="NVIDIA H200")
    run(engine, "b", kind="NVIDIA H200")
    run(engine, "c", kind="NVIDIA A100")
    submit(engine, "alone", alone=True)
    assert list(engine.waiting) == ["alone"] and engine.free == 0  # it is to have c's
    engine.proceed("a")
    assert isinstance(event_of(engine, "a"), Epoch)
    assert not end(engine, "c").shared
    assert begun(engine, "alone")["val/gpu"] == 2
    assert not engine.waiting and engine.free == 0
    assert end(engine, "a").shared and engine.kinds == {"NVIDIA H200": 1, "NVIDIA A100": 0}
    last = end(engine, "alone")
    assert not last.shared and last.end.device == "NVIDIA A100"  # a worker is told its own
    assert engine.kinds == {"NVIDIA H200": 1, "NVIDIA A100": 2}
    assert end(engine, "b").shared


def test_a_task_that_waits_is_given_up_or_survives_the_death_of_whom_it_waits_for(
    engine: LocalEngine,
) -> None:
    on = {"kind": "NVIDIA A100"}
    run(engine, "a", 2, **on)
    submit(engine, "given up", alone=True, **on)
    engine.kill("given up", GIVEN_UP)
    assert ended(engine, "given up").end == GIVEN_UP
    assert not engine.waiting
    wait_for_workers(engine, 3)
    submit(engine, "next", alone=True, **on)
    engine.proceed("a")  # it dies
    assert ended(engine, "a").end.outcome == Outcome.crashed
    assert begun(engine, "next")["val/gpu"] == 2
    engine.kill("next", GIVEN_UP)
    assert ended(engine, "next").end == GIVEN_UP
    wait_for_workers(engine, 4)


def test_a_worker_that_has_lost_its_gpu_is_replaced(engine: LocalEngine) -> None:
    before = run(engine, "a", kind="NVIDIA A100")
    end(engine, "a")
    for number in range(MAX_STARTUP_FAILURES + 1):
        submit(engine, str(number), 1, kind="NVIDIA A100")
        lost = ended(engine, str(number))
        reason = "RuntimeError: CUDA error: device-side assert triggered"
        assert (lost.end.outcome, lost.end.reason) == (Outcome.error, reason)
    wait_for_workers(engine, 4)
    after = [run(engine, name, kind="NVIDIA A100") for name in "bc"]
    assert before["val/process"] not in [metrics["val/process"] for metrics in after]
    assert {metrics["val/gpu"] for metrics in after} == {2}
