"""The process of a Ray cluster on this machine: `python -m tests.support.ray_nodes FOLDER`.

It prints its address and obeys the lines of its input: `add CPUS`, `remove ID`, `end`; it answers
each with a line, and ends with its input.
"""

import os
import sys
import time
from typing import Any

from ray._private import services
from ray._private.node import Node
from ray.cluster_utils import Cluster

STORE_BYTES = 80_000_000
SOON = {
    "health_check_initial_delay_ms": 0,
    "health_check_period_ms": 1000,
    "health_check_timeout_ms": 5000,
    "health_check_failure_threshold": 3,
}
"""The head declares a node dead after seconds, not after half a minute."""


PATIENCE = 120.0
"""Seconds in which a node starts; Ray gives it 30, and other tests run beside this one."""
get_node = services.get_node


def patient(*of: str) -> Any:
    """What Ray knows of a node that may still be starting."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return get_node(*of)
        except RuntimeError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def main(folder: str) -> None:
    services.get_node = patient
    os.makedirs("/tmp/ray", exist_ok=True)  # for a file that names the last cluster
    cluster = Cluster(
        initialize_head=True,
        head_node_args={
            "num_cpus": 0,
            "include_dashboard": False,
            "include_log_monitor": False,
            "no_monitor": True,
            "object_store_memory": STORE_BYTES,
            "temp_dir": folder,
            "_system_config": SOON,
        },
    )
    print(cluster.address, flush=True)
    for line in sys.stdin:
        print(obey(cluster, *line.split()), flush=True)
    for node in cluster.list_all_nodes():
        kill(node)


def obey(cluster: Cluster, order: str, argument: str = "") -> str:
    """Do what a line says; the answer."""
    if order == "add":
        cpus = float(argument)
        return str(cluster.add_node(num_cpus=cpus, object_store_memory=STORE_BYTES).node_id)
    if order == "remove":
        (node,) = [each for each in cluster.worker_nodes if each.node_id == argument]
        kill(node)
    if order == "end":
        kill(cluster.head_node)
    return "done"


def kill(node: Node) -> None:
    """Kill the processes that make a node; the actors on it follow."""
    node.kill_all_processes(check_alive=False, allow_graceful=False, wait=True)


if __name__ == "__main__":
    main(sys.argv[1])
