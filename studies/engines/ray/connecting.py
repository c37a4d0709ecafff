"""The connection to a Ray cluster: an existing one, or one on this machine that ends with it."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import ray
from ray.exceptions import AuthenticationError, RayError

from lightning_modules.errors import ClusterError
from studies.devices.cores import core_count
from studies.engines.ray.messages import Wanted
from studies.engines.ray.places_wanted import Resources
from studies.engines.ray.reasons import (
    AUTO,
    NO_TOKEN,
    nothing_listens,
    why_no_answer,
    why_not_connected,
)

STORE_BYTES = 100_000_000
"""Ray's store of objects where it is started here: little goes through it, as files have a disk
that all share."""
REACH_SECONDS = 2.0
ANSWER_SECONDS = 20.0
"""How long a cluster may take to let this process in; Ray itself would wait for minutes."""
LOOK_SECONDS = 0.2
OWN_NAMES = ("localhost", "127.0.0.1", "::1")
AUTH_MODE = "RAY_AUTH_MODE"
NO_TOKENS = ("", "disabled")
MOST_PRINTED = 20_000


@dataclass(frozen=True)
class Cluster:
    """A Ray cluster that this process is connected to."""

    address: str
    """Of its head, as `host:port`."""
    is_ours: bool
    """Whether it was started here, and ends with this process."""

    @property
    def admits_anybody(self) -> bool:
        """Whether other machines may reach it, and it has let this process in without a token: Ray
        itself sets the variable where it has found one."""
        host = self.address.rpartition(":")[0].strip("[]")
        return host not in OWN_NAMES and os.environ.get(AUTH_MODE, "").lower() in NO_TOKENS

    def nodes(self) -> dict[str, Resources]:
        """What each node that is alive has, by its id."""
        return {node["NodeID"]: node["Resources"] for node in ray.nodes() if node["Alive"]}

    def head_answers(self) -> bool:
        """Whether the head of the cluster can be reached."""
        return reachable(self.address)

    def gone(self) -> str:
        """What is said where the head has gone."""
        return (
            f"the head of the Ray cluster at {self.address} is gone; what was trained is kept: "
            "start the cluster again, and the same command continues the study"
        )

    def close(self) -> None:
        """Leave the cluster, and end it where it is ours."""
        with suppress(RayError):
            ray.shutdown()


def reachable(address: str) -> bool:
    """Whether something listens at `host:port`; to Ray this machine is where others reach it."""
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    for name in {host, ray.util.get_node_ip_address() if host in OWN_NAMES else host}:
        with suppress(OSError):
            socket.create_connection((name, int(port)), REACH_SECONDS).close()
            return True
    return False


def connect(wanted: Wanted, give_up: Callable[[ClusterError], None]) -> Cluster:
    """Connect to the cluster, or start Ray on this machine.

    Raises ClusterError where there is no cluster; `give_up` is called with it from a thread of its
    own where Ray goes on to wait for one.
    """
    logging.getLogger("ray").setLevel(logging.ERROR)
    address = wanted.address
    try:
        if address is None:
            cpus = wanted.cpus or wanted.threads
            context = ray.init(
                address="local",
                num_cpus=max(core_count(), cpus * (wanted.workers or 1)),
                num_gpus=0 if wanted.accelerator == "cpu" else None,
                include_dashboard=False,
                log_to_driver=False,
                object_store_memory=STORE_BYTES,
                _temp_dir=wanted.folder,
            )
        else:
            if address != AUTO and not reachable(address):
                raise ClusterError(nothing_listens(address))
            with _patience(address, give_up):
                context = ray.init(address=address, log_to_driver=False, namespace="fairtune")
    except (ConnectionError, AuthenticationError, RuntimeError, ValueError) as error:
        said = " ".join(str(error).split())
        if address is None:
            raise ClusterError(f"Ray cannot be started on this machine: {said}") from error
        printed = NO_TOKEN if isinstance(error, AuthenticationError) else _printed()
        raise ClusterError(why_not_connected(address, said, printed)) from error
    return Cluster(context.address_info["gcs_address"], address is None)


@contextmanager
def _patience(address: str, give_up: Callable[[ClusterError], None]) -> Iterator[None]:
    """Give up where a cluster does not let this process in, or not soon."""
    over = threading.Event()

    def look() -> None:
        until = time.monotonic() + ANSWER_SECONDS
        while not over.wait(LOOK_SECONDS):
            printed = _printed()
            if NO_TOKEN in printed or time.monotonic() > until:
                give_up(ClusterError(why_no_answer(address, printed)))
                return

    threading.Thread(target=look, daemon=True).start()
    try:
        yield
    finally:
        over.set()


def _printed() -> str:
    """What Ray has printed: it says there only why it cannot connect. The driver gives a file."""
    try:
        return os.pread(2, MOST_PRINTED, 0).decode(errors="replace")
    except OSError:
        return ""
