"""What is said of room on GPUs, by what trainings took of them."""

from collections.abc import Sequence
from typing import Any

import pytest

from studies.devices import discovery
from studies.devices.discovery import Gpu
from studies.records import Trial
from studies.sentences.gpu_room import Machine, gpu_room, room_on_gpus
from tests.support.made import spec_of, trial

GIB = 2**30
H200 = Gpu("GPU-1", "NVIDIA H200", 139 * GIB)
T4 = Gpu("GPU-2", "Tesla T4", 15 * GIB)
SPEC = spec_of()


def trained(
    gpu_gib: float | None, busy: float | None = 30.0, device: str = H200.kind, memory: float = 2000
) -> Trial:
    figures = {"memory": memory, "gpu_memory": gpu_gib and 1024 * gpu_gib, "gpu_utilization": busy}
    system = {f"system/{name}": value for name, value in figures.items() if value is not None}
    return trial(SPEC, "sgd", 0, 0.5, device=device, system=system)


def said(*trials: Trial, **changes: Any) -> str:
    usual = {"gpus": [H200], "per_gpu": 1, "cores": 64, "memory": 512 * GIB}
    return gpu_room(trials, Machine(**{**usual, **changes}))


def test_the_largest_training_says_how_many_fit_and_a_tenth_stays_free() -> None:
    assert said(trained(10.0), trained(31.0), trained(3.1)) == (
        "4 would fit on each GPU (NVIDIA H200; the largest training took 31.0 of 139 GiB): "
        "--per-gpu 4"
    )


@pytest.mark.parametrize(
    ("changes", "option"),
    [
        ({}, "--per-gpu 12"),
        ({"cores": 6}, "--per-gpu 6"),
        ({"cores": 6, "gpus": [H200, H200]}, "--per-gpu 3"),
        ({"memory": 16 * GIB}, "--per-gpu 7"),
        ({"memory": 16 * GIB, "gpus": [H200, H200]}, "--per-gpu 3"),
        ({"per_gpu": 11}, "--per-gpu 12"),
        ({"per_gpu": 12}, ""),
        ({"per_gpu": 20}, ""),
        ({"cores": 1}, ""),
        ({"gpus": []}, ""),
    ],
)
def test_cores_and_memory_of_the_machine_are_shared_too(
    changes: dict[str, Any], option: str
) -> None:
    assert said(trained(10.0), **changes).rpartition(": ")[2] == option


@pytest.mark.parametrize(
    "trials",
    [
        [],
        [trained(None, None)],
        [trained(None)],
        [trained(3.1, None)],
        [trained(3.1, 80.0)],
        [trained(3.1, 20.0), trained(3.1, 141.0)],
        [trained(70.0)],
        [trained(3.1, device="Tesla T4")],
    ],
    ids=["nothing", "on the CPU", "no memory", "slices", "busy", "busy on average", "large",
         "elsewhere"],
)  # fmt: skip
def test_nothing_is_said_where_nothing_is_known_or_gained(trials: Sequence[Trial]) -> None:
    assert said(*trials) == ""


def test_no_more_are_said_to_fit_than_the_option_takes() -> None:
    assert said(trained(0.5, memory=10.0), cores=256).endswith("--per-gpu 64")


def test_a_program_whose_device_nobody_knows_counts() -> None:
    assert said(trained(10.0, device="")).endswith("--per-gpu 12")


def test_of_several_kinds_the_smallest_number_is_the_option() -> None:
    trials = [trained(10.0), trained(4.0, device=T4.kind)]
    assert said(*trials, gpus=[H200, T4, H200]) == (
        "more would fit on each GPU, by the largest training: "
        "12 on each NVIDIA H200 (10.0 of 139 GiB), 3 on each Tesla T4 (4.0 of 15 GiB): "
        "--per-gpu 3"
    )
    assert said(trials[0], gpus=[H200, T4]) == ""


@pytest.mark.parametrize(("workers", "says"), [(1, True), (2, True), (80, False)])
def test_workers_share_the_gpus_of_this_machine(
    monkeypatch: pytest.MonkeyPatch, workers: int, says: bool
) -> None:
    monkeypatch.setattr(discovery, "gpus", lambda: [H200, Gpu("GPU-9", H200.kind, H200.memory)])
    monkeypatch.setattr("studies.sentences.gpu_room.core_count", lambda: 64)
    assert bool(room_on_gpus([trained(10.0, memory=1.0)], workers)) == says


def test_on_the_cpu_no_gpus_are_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def looked() -> Sequence[Gpu]:
        raise AssertionError

    monkeypatch.setattr(discovery, "gpus", looked)
    assert room_on_gpus([trained(None, None)], 4) == ""
