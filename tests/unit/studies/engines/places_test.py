"""Where workers train: who shares a GPU, who waits to have it alone, and what a worker sees."""

import os
import pickle

import pytest

from lightning_modules.configuration import Configuration
from studies.devices.discovery import Gpu
from studies.engines import Task
from studies.engines.places import MACHINE, WITHOUT_GPU, Occupancy, Place, ProcessName, places_of

H200, A100 = Place("NVIDIA H200", "GPU-1"), Place("NVIDIA A100", "GPU-2")
CONFIGURATION = Configuration.resolve({"data": "digits", "model": "mlp"})


def task(trial: str) -> Task:
    return Task(trial, CONFIGURATION, 0, None, alone=True)


def test_every_gpu_is_a_place_and_without_any_the_machine_is_the_only_one() -> None:
    gpus = [Gpu("GPU-1", "NVIDIA H200", 2**37), Gpu("GPU-2", "NVIDIA A100", 2**36)]
    assert places_of(gpus) == [H200, A100]
    assert places_of(()) == [MACHINE]


@pytest.mark.parametrize(
    ("place", "seen"), [(H200, "GPU-1"), (WITHOUT_GPU, ""), (MACHINE, "as before")]
)
def test_whoever_reads_the_name_of_a_process_sees_the_gpu_of_its_place(
    place: Place, seen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "as before")
    name = pickle.dumps(ProcessName.at(place))
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "as before"
    assert pickle.loads(name) == "fairtune-worker"
    assert os.environ["CUDA_VISIBLE_DEVICES"] == seen


def test_a_trial_has_shared_its_place_where_another_one_was_there_at_any_time() -> None:
    at = Occupancy()
    at.begin("a", H200)
    at.begin("elsewhere", A100)
    at.begin("b", H200)
    assert at.end("b")
    at.begin("c", A100)
    assert at.end("a")  # although b had left before
    assert at.end("elsewhere") and at.end("c")
    at.begin("a", H200)
    assert not at.end("a")  # the next time it was alone


def test_a_place_is_held_from_when_a_task_waits_for_it_until_the_task_has_ended() -> None:
    at = Occupancy()
    at.begin("a", H200)
    at.hold(H200, task("b"))
    assert list(at.waiting) == ["b"] and list(at.drained()) == []
    slots = [H200, H200, A100]
    assert at.free(slots, slots) == {"NVIDIA H200": 0, "NVIDIA A100": 1}
    at.end("a")
    assert list(at.drained()) == [(H200, task("b"))]
    at.begin("b", H200)
    assert not at.waiting and not list(at.drained()) and at.is_held(H200)
    assert not at.end("b")
    assert at.free(slots, slots) == {"NVIDIA H200": 2, "NVIDIA A100": 1}


def test_a_place_is_free_again_where_the_task_that_waited_for_it_is_given_up() -> None:
    at = Occupancy()
    at.begin("a", H200)
    at.hold(H200, task("b"))
    assert not at.end("b")
    assert not at.is_held(H200) and at.busy(H200) == 1
