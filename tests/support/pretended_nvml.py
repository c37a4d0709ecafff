"""NVIDIA's management library as a test pretends it, for boards and slices of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from studies.devices import discovery

GIB = 2**30


class NoSuchThing(Exception):
    """What this NVML raises."""


@dataclass
class Board:
    """A board, or a slice of one."""

    uuid: str
    name: str
    memory: int | None = 80 * GIB
    """None where it has none of its own."""
    slices: list["Board | None"] = field(default_factory=list)
    can_be_cut: bool = True
    capability: tuple[int, int] | None = None
    processes: list[tuple[int, int | None]] | None = field(default_factory=list)
    """The number and the bytes of each, None where they are unknown; None where nobody may ask."""
    used: int = 0
    """Bytes of all processes."""
    busy: int | None = None
    """Per cent of the time; None where that is not known."""


class PretendedNvml:
    """The part of NVML that is asked for boards and slices, and for their use."""

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
        if board.memory is None:
            raise NoSuchThing
        return SimpleNamespace(total=board.memory, used=board.used)

    def nvmlDeviceGetCudaComputeCapability(self, board: Board) -> list[int]:
        if board.capability is None:
            raise NoSuchThing
        return list(board.capability)

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

    def nvmlDeviceGetHandleByUUID(self, uuid: str) -> Board:
        parts = [each for board in self.boards if board for each in (board, *board.slices)]
        return self._there(next((each for each in parts if each and each.uuid == uuid), None))

    def nvmlDeviceGetComputeRunningProcesses(self, board: Board) -> list[Any]:
        if board.processes is None:
            raise NoSuchThing
        return [SimpleNamespace(pid=pid, usedGpuMemory=held) for pid, held in board.processes]

    def nvmlDeviceGetUtilizationRates(self, board: Board) -> Any:
        if board.busy is None:
            raise NoSuchThing
        return SimpleNamespace(gpu=board.busy)

    def _there(self, board: Board | None) -> Board:
        if board is None:
            raise NoSuchThing
        return board


def pretend_nvml(patch: pytest.MonkeyPatch, *boards: Board | None) -> None:
    """The machine of this process has these boards; None is one that has failed."""

    @contextmanager
    def pretended() -> Iterator[PretendedNvml]:
        yield PretendedNvml(*boards)

    patch.setattr(discovery, "nvml", pretended)
    patch.setattr(discovery, "torch_knows_no_gpu", lambda: False)
