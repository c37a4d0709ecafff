"""What is said of a GPU's use, with NVML and torch replaced."""

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from studies.devices import discovery, gpu_use
from studies.devices.gpu_use import GpuUse
from studies.devices.measuring import GPU_MEMORY, GPU_UTILIZATION, MEMORY, MIB, measuring
from tests.support.pretended_nvml import Board, PretendedNvml, pretend_nvml

OURS = 4711


def board(**changes: Any) -> Board:
    return Board("GPU-aaaa", "NVIDIA H200", **changes)


def use_of(place: Board) -> GpuUse:
    return GpuUse(PretendedNvml(place), place)


def test_memory_is_the_most_that_our_processes_held_at_once() -> None:
    place = board()
    use = use_of(place)
    for processes in (
        [(OURS, 300 * MIB)],
        [(OURS, 200 * MIB), (OURS + 1, 250 * MIB), (99, 5000 * MIB)],
        [(99, 9000 * MIB)],
        [],
    ):
        place.processes = processes
        use.look({OURS, OURS + 1})
    assert use.memory == 450 * MIB


def test_work_is_the_mean_of_the_looks() -> None:
    place = board()
    use = use_of(place)
    assert use.utilization is None
    for place.busy in (90, 30, None, 60):
        use.look({OURS})
    assert use.utilization == 60


@pytest.mark.parametrize("processes", [[(12, None)], [(12, 700 * MIB)], [(OURS, None)]])
def test_where_processes_cannot_be_told_apart_one_alone_has_all_memory(
    processes: list[tuple[int, int | None]],
) -> None:
    place = board(used=600 * MIB)
    use = use_of(place)
    place.processes = processes
    for place.used in (900 * MIB, 1400 * MIB, 700 * MIB):
        use.look({OURS})
    assert use.memory == 0
    assert use.memory_of_all_where_alone == 800 * MIB


@pytest.mark.parametrize(
    ("before", "later"),
    [([(12, None)], [(12, None)]), ([], [(12, None), (13, None)]), (None, None), ([], [])],
)
def test_nothing_is_said_where_others_may_hold_the_memory(
    before: list[tuple[int, int | None]] | None, later: list[tuple[int, int | None]] | None
) -> None:
    place = board(processes=before)
    use = use_of(place)
    place.processes, place.used = later, 900 * MIB
    use.look({OURS})
    assert (use.memory, use.memory_of_all_where_alone) == (0, 0)


@pytest.mark.parametrize("shown", [None, "", "0", "GPU-aaaa,MIG-1", "GPU-unknown", "none"])
def test_a_process_without_one_gpu_of_its_own_has_no_figures_of_one(
    monkeypatch: pytest.MonkeyPatch, shown: str | None
) -> None:
    pretend_nvml(monkeypatch, board(busy=50))
    if shown is None:
        monkeypatch.delenv(discovery.VISIBLE, raising=False)
    else:
        monkeypatch.setenv(discovery.VISIBLE, shown)
    with gpu_use.of_this_process() as found:
        assert found is None
    with measuring() as figures:
        pass
    assert set(figures) == {MEMORY}


def test_a_slice_has_memory_and_no_utilization(monkeypatch: pytest.MonkeyPatch) -> None:
    part = Board("MIG-1111", "NVIDIA H100 MIG 3g.40gb")
    pretend_nvml(monkeypatch, board(busy=90, slices=[part]))
    monkeypatch.setenv(discovery.VISIBLE, "MIG-1111")
    with gpu_use.of_this_process() as found:
        assert found is not None
        part.processes = [(OURS, 64 * MIB)]
        found.look({OURS})
    assert (found.memory, found.utilization) == (64 * MIB, None)


class PretendedCuda:
    """What `torch.cuda` says of a process that uses a GPU."""

    def __init__(self, reserved: int) -> None:
        self.reserved = self.peak = reserved

    def is_initialized(self) -> bool:
        return True

    def empty_cache(self) -> None:
        self.reserved = 0

    def reset_peak_memory_stats(self) -> None:
        self.peak = self.reserved

    def max_memory_reserved(self) -> int:
        return self.peak


def test_torch_says_it_where_nvml_does_not_and_forgets_earlier_trainings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cuda = PretendedCuda(reserved=5000 * MIB)
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))  # type: ignore[arg-type]
    pretend_nvml(monkeypatch, board(processes=[(12, None), (13, None)], busy=40))
    monkeypatch.setenv(discovery.VISIBLE, "GPU-aaaa")
    with measuring() as figures:
        cuda.peak = 300 * MIB
    assert (figures[GPU_MEMORY], figures[GPU_UTILIZATION]) == (300, 40)


def test_a_broken_gpu_does_not_end_a_training(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> int:
        raise RuntimeError("CUDA error: unspecified launch failure")

    cuda = PretendedCuda(reserved=0)
    for name in ("empty_cache", "max_memory_reserved"):
        monkeypatch.setattr(cuda, name, broken)
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))  # type: ignore[arg-type]
    pretend_nvml(monkeypatch, board(processes=None))
    monkeypatch.setenv(discovery.VISIBLE, "GPU-aaaa")
    with measuring() as figures:
        pass
    assert set(figures) == {MEMORY}
