"""How many workers train at the same time, and on which devices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lightning_modules.errors import UserError
from studies.devices import discovery
from studies.devices.cores import core_count

if TYPE_CHECKING:
    from studies.engines.places import Place
    from studies.study_file import Spec

MOST_WORKERS = 2000
"""Trials side by side: one driver answers so many that finish an epoch every second, see
docs/scale.md."""
MOST_HERE = 256
"""Of them on one machine."""
MOST_CPUS = 1024
"""Processors of a worker on a cluster."""
OPTIONS = ("--workers", "--per-gpu")
"""What the two numbers are called on the command line."""


@dataclass(frozen=True)
class WorkerPlan:
    """So many workers, spread over places."""

    count: int
    places: Sequence[Place]

    def __str__(self) -> str:
        """`4 workers on 2 GPUs (NVIDIA H200), 2 on each`."""
        words = f"{self.count} {'worker' if self.count == 1 else 'workers'}"
        gpus = [place for place in self.places if place.visible]
        if not gpus:
            return words if discovery.may_have_others() else f"{words} on the CPU"
        kinds = Counter(place.kind for place in gpus)
        named = ", ".join(f"{n} {kind}" if len(kinds) > 1 else kind for kind, n in kinds.items())
        many = f"{len(gpus)} {'GPU' if len(gpus) == 1 else 'GPUs'} ({named})"
        if self.count < len(gpus):
            return f"{words} on {self.count} of {many}"
        at_most = "" if self.count % len(gpus) == 0 else "at most "
        each = f", {at_most}{-(-self.count // len(gpus))} on each" if len(gpus) > 1 else ""
        return f"{words} on {many}{each}"


def plan_for(
    spec: Spec,
    workers: int | None,
    per_gpu: int | None,
    options: tuple[str, str] = OPTIONS,
) -> WorkerPlan:
    """The workers of a study, see `plan_workers`."""
    accelerators = {str(each.trainer["accelerator"]) for each in spec.configurations}
    (accelerator,) = accelerators  # it is the same for every trial
    return plan_workers(accelerator, workers, per_gpu, options)


def plan_workers(
    accelerator: str,
    workers: int | None = None,
    per_gpu: int | None = None,
    options: tuple[str, str] = OPTIONS,
) -> WorkerPlan:
    """As many workers as were asked for, else `per_gpu` (1) for every GPU, or one per core that
    this process may use where there is none.

    Args:
        accelerator: `trainer.accelerator`: `auto`, `cpu` or `gpu`.
        workers: Those asked for.
        per_gpu: Workers that share a GPU, at most.
        options: What `workers` and `per_gpu` are called where they were given.

    Raises UserError where there is no GPU for what was asked for, and where the two numbers do not
    fit together.
    """
    from studies.engines.places import MACHINE, WITHOUT_GPU, places_of

    if accelerator == "cpu":
        if per_gpu is not None:
            text = f"{options[1]} is for trainings on GPUs, and trainer.accelerator is cpu"
            raise UserError(f"{text}: give {options[0]} in its place")
        return WorkerPlan(workers or core_count(), [WITHOUT_GPU])
    gpus = discovery.gpus()
    if not gpus:
        if per_gpu is not None:
            text = f"{options[1]} needs a GPU, and {discovery.why_none()}"
            raise UserError(f"{text}: give {options[0]} in its place")
        if accelerator == "gpu" and not discovery.may_have_others():
            raise UserError(
                f"trainer.accelerator is gpu, and {discovery.why_none()}: run it on a machine with "
                "a GPU, or write accelerator: auto, which trains on the CPU where there is none"
            )
        return WorkerPlan(workers or core_count(), [MACHINE])
    room = (per_gpu or 1) * len(gpus)
    if workers is not None and per_gpu is not None and workers > room:
        each = f"{per_gpu} on each of {len(gpus)} GPUs" if len(gpus) > 1 else f"{per_gpu} on 1 GPU"
        raise UserError(
            f"{options[0]} {workers} is more than {each}: give {options[0]} {room} or less, or "
            f"{options[1]} {-(-workers // len(gpus))}"
        )
    return WorkerPlan(workers or room, places_of(gpus))
