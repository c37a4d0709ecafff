"""How much of its GPU a process uses, by NVML and by torch. Nothing here raises: a training does
not end because nobody can say what it takes."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from statistics import fmean
from typing import Any

from studies.devices import discovery


class GpuUse:
    """What processes use of a GPU; the highest of several looks."""

    def __init__(self, library: Any, handle: Any) -> None:
        self._library, self._handle = library, handle
        self.memory = 0
        """Bytes that processes of ours held; 0 where NVML does not say that. In a container it may
        number processes as the machine outside does, or not know what each of them holds."""
        self._used = 0
        self._busy: list[float] = []
        listed, used = self._listed(), self._all_used()
        self._used_before = used
        self._alone = listed is not None and not listed and used is not None

    def look(self, ours: Collection[int]) -> None:
        """Look once; `ours` are the processes whose memory counts, by their numbers."""
        with suppress(self._library.NVMLError):  # of a slice (MIG) nobody knows it
            self._busy.append(self._library.nvmlDeviceGetUtilizationRates(self._handle).gpu)
        listed = self._listed() or ()
        held = [each.usedGpuMemory for each in listed if each.pid in ours]
        if held and None not in held:
            self.memory = max(self.memory, sum(held))
        self._alone = self._alone and len(listed) <= 1
        used = self._all_used()
        if listed and used is not None and self._used_before is not None:
            self._used = max(self._used, used - self._used_before)

    @property
    def memory_of_all_where_alone(self) -> int:
        """Bytes that all processes together took; 0 unless the GPU was free before and had one
        process since."""
        return self._used if self._alone else 0

    @property
    def utilization(self) -> float | None:
        """The mean of the looks in per cent, whoever makes the GPU work; None where nobody says."""
        return fmean(self._busy) if self._busy else None

    def _listed(self) -> Sequence[Any] | None:
        with suppress(self._library.NVMLError):
            found: Sequence[Any] = self._library.nvmlDeviceGetComputeRunningProcesses(self._handle)
            return found
        return None

    def _all_used(self) -> int | None:
        with suppress(self._library.NVMLError):
            return int(self._library.nvmlDeviceGetMemoryInfo(self._handle).used)
        return None


@contextmanager
def of_this_process() -> Iterator[GpuUse | None]:
    """The use of the one GPU, or slice of one, that this process sees by its UUID; None where it
    sees none or several, or NVML does not answer."""
    shown = os.environ.get(discovery.VISIBLE, "")
    if not shown.startswith(("GPU-", "MIG-")) or "," in shown:
        yield None
        return
    with discovery.nvml() as library:
        found = None
        if library is not None:
            with suppress(library.NVMLError):
                found = GpuUse(library, library.nvmlDeviceGetHandleByUUID(shown))
        yield found


def forget_peak_of_torch() -> None:
    """Begin anew with what torch holds of the GPU, without what earlier trainings have left."""
    if torch := _torch_on_gpu():
        with suppress(RuntimeError):  # after an error of CUDA nothing can be asked any more
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()


def peak_of_torch() -> int:
    """The most bytes that torch has held of the GPU since then; 0 where it uses none."""
    if torch := _torch_on_gpu():
        with suppress(RuntimeError):
            return int(torch.cuda.max_memory_reserved())
    return 0


def _torch_on_gpu() -> Any:
    """The torch that this process has imported; None unless it uses a GPU."""
    torch = sys.modules.get("torch")
    return torch if torch is not None and torch.cuda.is_initialized() else None
