"""The connection to a Ray cluster: an existing one, or one on this machine that ends with it."""

from __future__ import annotations

import logging
import socket
from contextlib import suppress
from dataclasses import dataclass

import ray
from ray.exceptions import AuthenticationError, RayError

from lightning_modules.errors import ClusterError
from studies.devices.cores import core_count
from studies.engines.ray.messages import Wanted
from studies.engines.ray.places_wanted import Resources

STORE_BYTES = 100_000_000
"""Ray's store of objects where it is started here: little goes through it, as files have a disk
that all share."""
REACH_SECONDS = 2.0


@dataclass(frozen=True)
class Cluster:
    """A Ray cluster that this process is connected to."""

    address: str
    """Of its head, as `host:port`."""
    is_ours: bool
    """Whether it was started here, and ends with this process."""

    def nodes(self) -> dict[str, Resources]:
        """What each node that is alive has, by its id."""
        return {node["NodeID"]: node["Resources"] for node in ray.nodes() if node["Alive"]}

    def head_answers(self) -> bool:
        """Whether the head of the cluster can be reached."""
        host, _, port = self.address.rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), REACH_SECONDS).close()
        except OSError:
            return False
        return True

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


def connect(wanted: Wanted) -> Cluster:
    """Connect to the cluster, or start Ray on this machine.

    Raises ClusterError where there is no cluster.
    """
    logging.getLogger("ray").setLevel(logging.ERROR)
    try:
        if wanted.address is None:
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
            context = ray.init(address=wanted.address, log_to_driver=False, namespace="fairtune")
    except (ConnectionError, AuthenticationError, RuntimeError, ValueError) as error:
        said = " ".join(str(error).split())
        if wanted.address is None:
            raise ClusterError(f"Ray cannot be started on this machine: {said}") from error
        raise ClusterError(
            f"there is no way into the Ray cluster at {wanted.address}: {said} (this machine must "
            "be one of its nodes: `ray start --address=HEAD:PORT` makes it one; or run the study "
            "as a job of the cluster)"
        ) from error
    return Cluster(context.address_info["gcs_address"], wanted.address is None)
