"""The arithmetic of `ray_workers.py`."""

from collections.abc import Callable
from types import ModuleType

import pytest

Benchmark = Callable[[str], ModuleType]
CLIENT, ACTOR = "python -m studies.engines.ray.client 5 6", "ray::SlotActor.listen"
FORK_SERVER = "python -c from multiprocessing.forkserver import main; main(5)"


def test_notes_of_a_worker_are_read_but_for_a_line_that_it_still_writes(
    benchmark: Benchmark,
) -> None:
    notes = benchmark("ray_workers").Notes.read("10.0\n11.5 0.25\n12.5 0.5\n13.")
    assert (notes.began, notes.waits) == (10.0, [(11.5, 0.25), (12.5, 0.5)])


def test_answers_count_that_came_between_two_moments(benchmark: Benchmark) -> None:
    module = benchmark("ray_workers")
    notes = [
        module.Notes(0.0, [(9.9, 7.0), (10.0, 0.010), (14.0, 0.020)]),
        module.Notes(0.0, [(12.0, 0.030), (20.0, 8.0)]),
    ]
    found = module.answers(notes, 10.0, 20.0)
    assert found["epochs_per_second"] == pytest.approx(0.3)
    assert found["median_ms"] == pytest.approx(20.0)
    assert found["p99_ms"] == pytest.approx(29.8)
    assert found["longest_ms"] == pytest.approx(30.0)


def test_processes_are_told_apart_by_their_command_and_parent(benchmark: Benchmark) -> None:
    processes = [
        (10, 1, CLIENT, True),
        (11, 10, "gcs_server", False),
        (12, 10, "raylet", False),
        (13, 12, ACTOR, False),
        (14, 13, "python -c from multiprocessing.resource_tracker import main", False),
        (15, 13, FORK_SERVER, False),
        (16, 15, FORK_SERVER, True),
        (17, 1, "python -m studies.mirrors.process home study", False),
        (18, 12, "ray::IDLE", False),
    ]
    assert benchmark("ray_workers").kinds_of(processes) == {
        10: "client", 11: "Ray", 12: "Ray", 13: "actor", 14: "tracker", 15: "fork server",
        16: "worker", 17: "mirrors", 18: "Ray",
    }  # fmt: skip


def test_a_worker_notes_when_it_began_and_how_long_each_answer_took(
    benchmark: Benchmark, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = benchmark("ray_trainings")
    clock = iter([100.0, 101.0, 102.0, 102.5, 103.0, 104.0, 104.25])
    monkeypatch.setattr(module.time, "monotonic", lambda: next(clock))
    slept: list[float] = []
    monkeypatch.setattr(module.time, "sleep", slept.append)
    paced = module.Paced(lambda task, ask: [ask(1), ask(2)], str(tmp_path), 3.0)
    assert paced("task", lambda report: report == 1) == [True, False]
    (file,) = tmp_path.iterdir()
    notes = benchmark("ray_workers").Notes.read(file.read_text())
    assert notes.began == 100.0
    assert notes.waits == [(102.5, 0.5), (104.25, 0.25)]
    assert slept == [2.0, 2.5]
