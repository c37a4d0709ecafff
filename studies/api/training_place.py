"""Where the trials of a study train: on this machine, in this process, or on a cluster."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Literal, get_args

from lightning_modules.errors import UserError
from studies.api.ray_cluster import ray_engine, wanted_of, words_of
from studies.api.worker_plan import MOST_CPUS, MOST_HERE, MOST_WORKERS, OPTIONS, plan_for
from studies.devices.discovery import MOST_PER_GPU

if TYPE_CHECKING:
    from studies.engines import Engine
    from studies.engines.function import TrialFunction
    from studies.engines.places import Place
    from studies.home import Home
    from studies.study_file import Spec

EngineName = Literal["local", "ray", "inline"]
OF_CALLS = ("workers", "per_gpu", "address", "cpus_per_worker")
OF_COMMANDS = (*OPTIONS, "--address", "--cpus-per-worker")
"""What the numbers are called in a call, and on the command line."""


@dataclass(frozen=True)
class Asked:
    """What was asked for; None where nothing was."""

    engine: EngineName = "local"
    workers: int | None = None
    per_gpu: int | None = None
    address: str | None = None
    cpus_per_worker: int | None = None
    names: tuple[str, str, str, str] = OF_COMMANDS

    def check(self) -> None:
        """Raise UserError for what is no number of the kind, and for what the engine has not."""
        if self.engine not in get_args(EngineName):
            known = ", ".join(f'"{name}"' for name in get_args(EngineName))
            raise UserError(f"engine must be one of {known}, got {self.engine!r}")
        workers, per_gpu, address, cpus = self.names
        numbers = (
            (workers, self.workers, MOST_WORKERS if self.engine == "ray" else MOST_HERE),
            (per_gpu, self.per_gpu, MOST_PER_GPU),
            (cpus, self.cpus_per_worker, MOST_CPUS),
        )
        for name, number, most in numbers:
            is_number = isinstance(number, int) and not isinstance(number, bool)
            if number is not None and not (is_number and 1 <= number <= most):
                raise UserError(f"{name} must be a whole number from 1 to {most}, got {number!r}")
        if self.address is not None and not isinstance(self.address, str):
            raise UserError(f"{address} must be HOST:PORT of a Ray cluster, got {self.address!r}")
        if self.engine == "inline" and self.per_gpu is not None:
            raise UserError(f'{per_gpu} is for worker processes: leave it out with engine="inline"')
        for name, given in ((address, self.address), (cpus, self.cpus_per_worker)):
            if given is not None and self.engine != "ray":
                way = "--engine ray" if name.startswith("--") else 'engine="ray"'
                raise UserError(f"{name} is for a Ray cluster: give {way} with it")


@dataclass(frozen=True)
class TrainingPlace:
    """Where the trials of a study train."""

    words: str
    """`4 workers on 2 GPUs (NVIDIA H200), 2 on each`."""
    workers: int = 1
    """Those on this machine."""
    places: Sequence[Place] = ()
    """The devices of this machine that they are spread over; none for a cluster."""
    engine: Callable[[], Engine] | None = None
    """Makes the engine, where it is not that of worker processes and study files."""


def training_place(
    spec: Spec, home: Home, asked: Asked, trial: TrialFunction | None = None
) -> TrainingPlace:
    """Where a study trains, by what was asked for; with a function, or as its file says.

    Raises UserError where there is no such place.
    """
    asked.check()
    names = asked.names[:2]
    if asked.engine == "ray":
        wanted = wanted_of(
            spec, asked.address, asked.workers, asked.per_gpu, asked.cpus_per_worker, asked.names
        )
        return TrainingPlace(words_of(wanted), engine=ray_engine(wanted, spec, home, trial))
    if asked.engine == "inline":
        plan = plan_for(spec, asked.workers or 1, None)
        plan = replace(plan, places=plan.places[:1])  # this process is on one device
    else:
        plan = plan_for(spec, asked.workers, asked.per_gpu, names)
    here = TrainingPlace(str(plan), plan.count, plan.places)
    if trial is None:
        return here
    from studies.engines.function import PickledFunction, run_function
    from studies.engines.inline import InlineEngine
    from studies.engines.local import LocalEngine

    if asked.engine == "inline":
        perform = partial(run_function, trial)
        return replace(here, engine=lambda: InlineEngine(perform, plan.count, plan.places[0]))
    pickled = PickledFunction.of(trial)
    return replace(here, engine=lambda: LocalEngine(plan.count, pickled, (), plan.places))
