"""How many trainings would fit on each GPU, by what those of a study took of theirs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import psutil

from studies.devices import discovery
from studies.devices.cores import core_count
from studies.devices.discovery import MOST_PER_GPU, Gpu
from studies.devices.measuring import GPU_MEMORY, GPU_UTILIZATION, MEMORY, MIB
from studies.records import Trial
from studies.results import largest

USED_PART = 0.9
"""Of a memory, that trainings may take together; 10 % stay free."""
BUSY = 80.0
"""Per cent of the time, from which on a GPU has nothing to give to a further training."""


@dataclass(frozen=True)
class Machine:
    """What trainings share: how many train on a GPU at the moment, and what others could have."""

    gpus: Sequence[Gpu]
    per_gpu: int
    cores: int
    memory: int
    """Bytes."""


def gpu_room(trials: Sequence[Trial], machine: Machine) -> str:
    """A sentence that says how many trainings would fit on each GPU; empty where no more than now
    would, where a GPU is busy already, and where nobody knows.

    Every training is taken to be as large as the largest. It also needs a core and memory of the
    machine, which all GPUs share.
    """
    kinds = {gpu.kind: gpu.memory / MIB for gpu in machine.gpus}
    peaks: dict[str, float] = {}
    fit: dict[str, int] = {}
    for kind, memory in kinds.items():
        system = largest([trial for trial in trials if trial.device in (kind, "")])
        if GPU_MEMORY not in system or system.get(GPU_UTILIZATION, BUSY) >= BUSY:
            return ""
        peaks[kind] = system[GPU_MEMORY]
        beside = USED_PART * machine.memory / MIB / len(machine.gpus) / system.get(MEMORY, 1)
        cores = machine.cores // len(machine.gpus)
        at_once = int(USED_PART * memory / peaks[kind])
        fit[kind] = min(at_once, int(beside), cores, MOST_PER_GPU)
    if not fit or min(fit.values()) <= machine.per_gpu:
        return ""
    taken = {
        kind: f"{peaks[kind] / 1024:.1f} of {memory / 1024:.0f} GiB"
        for kind, memory in kinds.items()
    }
    option = f"--per-gpu {min(fit.values())}"
    if len(fit) == 1:
        ((kind, count),) = fit.items()
        return (
            f"{count} would fit on each GPU ({kind}; the largest training took {taken[kind]}): "
            f"{option}"
        )
    said = ", ".join(f"{fit[kind]} on each {kind} ({taken[kind]})" for kind in fit)
    return f"more would fit on each GPU, by the largest training: {said}: {option}"


def room_on_gpus(trials: Sequence[Trial], workers: int) -> str:
    """The same for the machine of this process, of which so many workers share the GPUs."""
    if not any(GPU_MEMORY in trial.system for trial in trials):
        return ""
    gpus = discovery.gpus()
    if not gpus:
        return ""
    memory = psutil.virtual_memory().total
    return gpu_room(trials, Machine(gpus, -(-workers // len(gpus)), core_count(), memory))
