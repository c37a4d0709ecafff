"""What a call or a command asks of a Ray cluster."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING

from lightning_modules.errors import UserError
from studies.api.worker_plan import MOST_WORKERS

if TYPE_CHECKING:
    from studies.engines import Engine
    from studies.engines.function import TrialFunction
    from studies.engines.ray.messages import Wanted
    from studies.home import Home
    from studies.study_file import Spec

ADDRESS = "RAY_ADDRESS"
MOST_PORT = 65535
INSTALL = "pip install 'fairtune[ray]'"
HOST_AND_PORT = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^\s/:]+):[0-9]{1,5}")


def require_ray() -> None:
    """Raise UserError where Ray is not installed."""
    if find_spec("ray") is None:
        raise UserError(f"the engine ray needs Ray, which is not installed: {INSTALL}")


def wanted_of(
    spec: Spec,
    address: str | None,
    workers: int | None,
    per_gpu: int | None,
    cpus: int | None,
    names: tuple[str, str, str, str],
) -> Wanted:
    """What a study asks of a cluster: of the one at `address` or `RAY_ADDRESS`, else of this
    machine.

    Raises UserError where Ray is not installed, and where the address is not of a cluster.
    """
    from studies.engines.ray.messages import Wanted

    require_ray()
    name = names[2] if address else ADDRESS
    address = address or os.environ.get(ADDRESS) or None
    if address is not None and not _is_address(address):
        raise UserError(_wrong_address(address, name))
    trainers = [each.trainer for each in spec.configurations]
    threads = max(int(trainer["threads"]) for trainer in trainers)
    accelerator = str(trainers[0]["accelerator"])  # it is the same for every trial
    if accelerator == "cpu" and per_gpu is not None:
        text = f"{names[1]} is for trainings on GPUs, and trainer.accelerator is cpu"
        raise UserError(f"{text}: give {names[0]} in its place")
    return Wanted(address, "", workers, per_gpu, cpus, threads, accelerator, most_trials(spec))


def most_trials(spec: Spec) -> int:
    """No more trials of a study than these train side by side, on whatever machines.

    Raises UserError where its rows cannot be split as it says.
    """
    from studies.running.preview import plan

    return min(MOST_WORKERS, max(1, plan(spec).epochs // spec.max_epochs))


def ray_engine(
    wanted: Wanted, spec: Spec, home: Home, trial: TrialFunction | None
) -> Callable[[], Engine]:
    """Makes the engine of a study, which trains with a function or as its file says."""
    from studies.engines.ray.engine import RayEngine
    from studies.engines.ray.joining import terms_of
    from studies.engines.training import preload_for, train_task

    terms = partial(terms_of, spec, home, trial)
    if trial is None:
        preload = preload_for(spec.configurations)
        return lambda: RayEngine(wanted, train_task, preload, terms)
    from studies.engines.function import PickledFunction

    pickled = PickledFunction.of(trial)
    return lambda: RayEngine(wanted, pickled, (), terms)


def words_of(wanted: Wanted) -> str:
    """`4 workers on Ray at 10.0.0.1:6379`."""
    from studies.engines.ray.reasons import AUTO

    where = f"Ray at {wanted.address}" if wanted.address else "Ray on this machine"
    if wanted.address == AUTO:
        where = "the Ray cluster of this machine"
    if wanted.workers is None:
        return where
    return f"{wanted.workers} {'worker' if wanted.workers == 1 else 'workers'} on {where}"


def _is_address(address: str) -> bool:
    from studies.engines.ray.reasons import AUTO

    port = address.rpartition(":")[2]
    is_place = HOST_AND_PORT.fullmatch(address) is not None and 1 <= int(port) <= MOST_PORT
    return address == AUTO or is_place


def _wrong_address(address: str, name: str) -> str:
    scheme = address.partition("://")[0]
    if scheme == "ray":
        return (
            f"{name} {address}: through Ray Client every epoch would take 4 to 8 times as long, "
            "and a broken connection would end the study; run the command on a node of the cluster "
            "with --address auto, or as a job: `ray job submit -- fairtune run FILE --engine ray`"
        )
    return f"{name} {address}: give HOST:PORT of the head of a cluster, or auto on one of its nodes"
