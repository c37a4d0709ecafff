"""Which GPUs are found, with NVML replaced by one that knows two boards and a board cut in two."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from studies.devices import discovery
from studies.devices.discovery import Gpu, driver, gpus

GIB = 2**30


class NoSuchThing(Exception):
    """What this NVML raises."""


@dataclass
class Board:
    """A board, or a slice of one."""

    uuid: str
    name: str
    memory: int = 80 * GIB
    slices: list["Board | None"] = field(default_factory=list)
    can_be_cut: bool = True


class PretendedNvml:
    """The part of NVML that is asked for boards and slices."""

    NVMLError = NoSuchThing

    def __init__(self, *boards: Board | None) -> None:
        self.boards = boards

    def nvmlDeviceGetCount(self) -> int:
        return len(self.boards)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> Board:
        return self._there(self.boards[index])

    def nvmlDeviceGetName(self, board: Board) -> str:
        return board.name

    def nvmlDeviceGetUUID(self, board: Board) -> str:
        return board.uuid

    def nvmlDeviceGetMemoryInfo(self, board: Board) -> Any:
        return SimpleNamespace(total=board.memory)

    def nvmlDeviceGetMigMode(self, board: Board) -> tuple[int, int]:
        if not board.can_be_cut:
            raise NoSuchThing
        return (int(bool(board.slices)),) * 2

    def nvmlSystemGetDriverVersion(self) -> str:
        return "580.65.06"

    def nvmlSystemGetCudaDriverVersion_v2(self) -> int:
        return 12040

    def nvmlDeviceGetMaxMigDeviceCount(self, board: Board) -> int:
        return len(board.slices)

    def nvmlDeviceGetMigDeviceHandleByIndex(self, board: Board, index: int) -> Board:
        return self._there(board.slices[index])

    def _there(self, board: Board | None) -> Board:
        if board is None:
            raise NoSuchThing
        return board


BIG = Board("GPU-aaaa", "NVIDIA H200", 140 * GIB)
SMALL = Board("GPU-bbbb", "NVIDIA T4", 16 * GIB, can_be_cut=False)
CUT = Board(
    "GPU-cccc",
    "NVIDIA H100",
    slices=[
        Board("MIG-1111", "NVIDIA H100 MIG 3g.40gb", 40 * GIB),
        None,
        Board("MIG-2222", "NVIDIA H100 MIG 3g.40gb", 40 * GIB),
    ],
)


@pytest.fixture
def with_boards(monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def pretended() -> Iterator[PretendedNvml]:
        yield PretendedNvml(BIG, SMALL, CUT, None)

    monkeypatch.setattr(discovery, "nvml", pretended)
    monkeypatch.setattr(discovery, "torch_knows_no_gpu", lambda: False)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


@pytest.mark.usefixtures("with_boards")
def test_boards_and_slices_are_found_by_uuid_with_kind_and_memory() -> None:
    assert list(gpus()) == [
        Gpu("GPU-aaaa", "NVIDIA H200", 140 * GIB),
        Gpu("GPU-bbbb", "NVIDIA T4", 16 * GIB),
        Gpu("MIG-1111", "NVIDIA H100 MIG 3g.40gb", 40 * GIB),
        Gpu("MIG-2222", "NVIDIA H100 MIG 3g.40gb", 40 * GIB),
    ]


@pytest.mark.usefixtures("with_boards")
@pytest.mark.parametrize(
    ("shown", "found"),
    [
        ("1,0", ["GPU-bbbb", "GPU-aaaa"]),
        (" 0 , 1 ", ["GPU-aaaa", "GPU-bbbb"]),
        ("2", ["MIG-1111"]),
        ("MIG-2222", ["MIG-2222"]),
        ("GPU-b", ["GPU-bbbb"]),
        ("GPU-", []),  # several begin so
        ("0,-1,1", ["GPU-aaaa"]),
        ("0,7,1", ["GPU-aaaa"]),
        ("1,1", ["GPU-bbbb"]),
        ("-1", []),
        ("", []),
        ("NoDevFiles", []),
    ],
)
def test_only_what_the_variable_shows_is_used(
    monkeypatch: pytest.MonkeyPatch, shown: str, found: list[str]
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", shown)
    assert [gpu.uuid for gpu in gpus()] == found


@pytest.mark.usefixtures("with_boards")
def test_a_torch_for_the_cpu_has_no_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "torch_knows_no_gpu", lambda: True)
    assert list(gpus()) == []


def test_without_a_driver_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    import pynvml

    def no_driver() -> None:
        raise pynvml.NVMLError(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)

    monkeypatch.setattr(pynvml, "nvmlInit", no_driver)
    assert list(gpus()) == []


@pytest.mark.usefixtures("with_boards")
def test_the_driver_says_its_version_and_that_of_cuda() -> None:
    assert driver() == {"driver": "580.65.06", "cuda": "12.4"}


def test_without_a_driver_there_is_no_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "nvml", lambda: nullcontext(None))
    assert driver() == {}
