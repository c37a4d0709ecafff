"""What a training takes of the machine while it runs: memory, and the memory and work of its GPU.

A thread looks from time to time; a look costs little, and the time between two of them grows with
what one costs.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import psutil

from studies.devices import gpu_use
from studies.devices.gpu_use import GpuUse

MEMORY = "system/memory"
"""Peak of the memory of a worker and its children, in MiB."""
GPU_MEMORY = "system/gpu_memory"
"""Peak of what they held of their GPU, in MiB."""
GPU_UTILIZATION = "system/gpu_utilization"
"""How busy their GPU was on average, in per cent of the time."""
MIB = 2**20
FIRST_SECONDS, USUAL_SECONDS = 0.05, 0.5
"""Between two looks, at the beginning of a training and later."""
DEAREST = 1 / 200
"""The part of one core's time that looking may take: to list all processes of a large machine is
slow."""
LAST_SECONDS = 5.0
"""For the last look, where a driver does not answer."""


@contextmanager
def measuring() -> Iterator[dict[str, float]]:
    """Measure this process and its children while the block runs.

    Yields:
        What is filled at the end of the block, however it ends: `system/memory` in MiB, and where
        the process has a GPU `system/gpu_memory` in MiB and `system/gpu_utilization` in per cent,
        as far as they can be known.
    """
    found: dict[str, float] = {}
    gpu_use.forget_peak_of_torch()
    watch, ended = _Watch(), threading.Event()
    thread = threading.Thread(target=watch.look_until, args=(ended,), daemon=True)
    thread.start()
    try:
        yield found
    finally:
        ended.set()
        thread.join(LAST_SECONDS)
        found |= watch.figures()


class _Watch:
    """The highest figures of this process, its children and its GPU."""

    def __init__(self) -> None:
        self.memory = 0
        self.gpu: GpuUse | None = None

    def look_until(self, ended: threading.Event) -> None:
        """Look again and again until something has ended, and once more then."""
        with gpu_use.of_this_process() as self.gpu:
            usual, pause = FIRST_SECONDS, FIRST_SECONDS
            while not ended.wait(pause):
                cost = self._look()
                usual = min(2 * usual, USUAL_SECONDS)
                pause = max(usual, cost / DEAREST)
            self._look()

    def figures(self) -> dict[str, float]:
        """What was found so far, by the names of the metrics."""
        found = {MEMORY: round(self.memory / MIB, 1)} if self.memory else {}
        held = max(self.gpu.memory if self.gpu else 0, gpu_use.peak_of_torch())
        if not held and self.gpu is not None:
            held = self.gpu.memory_of_all_where_alone
        if held:
            found[GPU_MEMORY] = round(held / MIB, 1)
        if self.gpu is not None and self.gpu.utilization is not None:
            found[GPU_UTILIZATION] = round(self.gpu.utilization, 1)
        return found

    def _look(self) -> float:
        """Look once; the seconds of the processor that it took."""
        began = time.thread_time()
        here = psutil.Process()
        family = [here]
        with suppress(psutil.Error):
            family += here.children(recursive=True)
        self.memory = max(self.memory, memory_of(family))
        if self.gpu is not None:
            self.gpu.look({process.pid for process in family})
        return time.thread_time() - began


def memory_of(family: Sequence[psutil.Process]) -> int:
    """Bytes that some processes hold in memory together.

    One that was forked, such as a loader worker, shares most of its pages with its parent, which
    has them already: of it counts what it has alone.
    """
    commands: dict[int, Sequence[str]] = {}
    memory = 0
    for process in family:
        with suppress(psutil.Error):  # it has ended meanwhile
            commands[process.pid] = process.cmdline()
            is_forked = commands.get(process.ppid()) == commands[process.pid]
            held = process.memory_full_info().uss if is_forked else process.memory_info().rss
            memory += held
    return memory
