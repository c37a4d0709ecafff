"""The benchmark of many workers: its arithmetic, its table, and its workers, without waiting."""

from collections.abc import Callable
from io import StringIO
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from studies.engines import Ended, Epoch, Task
from studies.records import Outcome
from studies.study_file import document, resolve

Benchmark = Callable[[str], ModuleType]


class Clock:
    """A clock that only sleeping moves."""

    now = 100.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(benchmark: Benchmark, monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(benchmark("simulated_workers"), "time", clock)
    return clock


def task(name: str) -> Task:
    configuration: Any = SimpleNamespace(optimizer=SimpleNamespace(parameters={"lr": 0.01}))
    return Task(name, configuration, 1, None)


def row(epochs: float, median: float, p99: float) -> dict[str, Any]:
    return {
        "search": "tpe", "workers": 500, "epochs_per_second": epochs, "trials_per_second": 25.0,
        "answer_ms": {"median": median, "p99": p99, "max": 400.0}, "refill_ms": {},
        "driver_cores": 0.5, "other_cores": 0.25, "peak_mb": 150.0, "record_mb": 20.0,
        "load_average": 1.0,
    }  # fmt: skip


def test_a_worker_has_its_epoch_one_second_after_its_answer(
    benchmark: Benchmark, clock: Clock
) -> None:
    module = benchmark("simulated_workers")
    workers = module.SimulatedWorkers(1, stagger=1.0)
    workers.submit(task("a"))
    assert (workers.busy_since, workers.free) == (100.0, 0)
    for epoch in range(1, module.EPOCHS + 1):
        (event,) = workers.events(5.0)
        assert isinstance(event, Epoch)
        assert (event.epoch, len(event.metrics)) == (epoch, 8)
        clock.now += 0.25  # the driver is busy with something else
        workers.proceed("a")
    assert workers.answers.between(0.0, 1e9) == pytest.approx([0.25] * module.EPOCHS)
    (event,) = workers.events(0.0)
    assert isinstance(event, Ended)
    assert (event.end.outcome, event.end.epochs) == (Outcome.completed, module.EPOCHS)
    clock.now += 0.5
    workers.submit(task("b"))
    assert workers.refills.between(0.0, 1e9) == pytest.approx([0.5])


def test_workers_come_up_one_after_the_other(benchmark: Benchmark, clock: Clock) -> None:
    workers = benchmark("simulated_workers").SimulatedWorkers(10, stagger=20.0)
    assert workers.free == 1
    clock.now += 9.0
    assert workers.free == 5
    clock.now += 100.0
    assert workers.free == 10


def test_waits_are_those_that_ended_in_the_window(benchmark: Benchmark) -> None:
    waits = benchmark("simulated_workers").Waits()
    for begin, end in ((0.0, 1.0), (1.5, 2.0), (1.0, 3.0)):
        waits.add(begin, end)
    assert waits.between(1.0, 3.0) == [1.0, 0.5]


def test_the_spread_of_waits_is_in_milliseconds(benchmark: Benchmark) -> None:
    spread = benchmark("many_workers_run").spread([number / 1000 for number in range(1, 100)])
    assert spread == pytest.approx({"median": 50.0, "p99": 99.0, "max": 99.0})


@pytest.mark.parametrize(
    ("found", "reached"),
    [((450, 49, 299), True), ((449, 1, 2), False), ((500, 50, 2), False), ((500, 1, 300), False)],
)
def test_the_target_is_of_speed_and_of_latency(
    benchmark: Benchmark, found: tuple[float, float, float], reached: bool
) -> None:
    module, text = benchmark("many_workers"), StringIO()
    module.show([row(*found)], Console(file=text, width=160))
    assert module.reaches_target(row(*found)) is reached
    assert f"is {'reached' if reached else 'missed'}." in " ".join(text.getvalue().split())
    assert "| tpe + median | " in text.getvalue()


@pytest.mark.parametrize("search", ["random", "tpe"])
def test_the_study_can_be_read(benchmark: Benchmark, search: str) -> None:
    sampler, pruner = benchmark("many_workers").SEARCHES[search]
    text = benchmark("many_workers_run").STUDY.format(epochs=20, sampler=sampler, pruner=pruner)
    spec = resolve(document.parse(text, "crowded.yaml"))
    assert (len(spec.arms), spec.max_epochs, spec.pruner.name) == (4, 20, pruner)
