"""What trials took of the machine, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean

from studies.devices.measuring import GPU_MEMORY, GPU_UTILIZATION, MEMORY
from studies.records import Trial


def memory_text(mebibytes: float) -> str:
    """A size in MiB as people read it: `812 MiB`, `3.1 GiB`."""
    return f"{mebibytes:.0f} MiB" if mebibytes < 1000 else f"{mebibytes / 1024:.1f} GiB"


def resource_words(system: Mapping[str, float]) -> str:
    """`peak memory 812 MiB; GPU 3.1 GiB, 64 % busy`, as far as it is known."""
    gpu = []
    if GPU_MEMORY in system:
        gpu.append(memory_text(system[GPU_MEMORY]))
    if GPU_UTILIZATION in system:
        gpu.append(f"{system[GPU_UTILIZATION]:.0f} % busy")
    parts = [f"peak memory {memory_text(system[MEMORY])}"] if MEMORY in system else []
    return "; ".join(parts + ([f"GPU {', '.join(gpu)}"] if gpu else []))


def largest(trials: Sequence[Trial]) -> dict[str, float]:
    """The highest peaks of some trials, and how busy their GPUs were on average."""
    found: dict[str, list[float]] = {}
    for trial in trials:
        for name, value in trial.system.items():
            found.setdefault(name, []).append(value)
    return {
        name: fmean(values) if name == GPU_UTILIZATION else max(values)
        for name, values in found.items()
    }
