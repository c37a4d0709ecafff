"""A node of a Ray cluster, in a process of its own: `ray_node.py CPUS FOLDER` is the head,
`ray_node.py CPUS FOLDER ADDRESS` joins it.

It prints a JSON object that says who it is, and ends with its raylet, or with its input.
"""

from __future__ import annotations

import json
import os
import select
import sys

from ray._private.node import Node
from ray._private.parameter import RayParams

STORE_BYTES = 80_000_000
LOOK_SECONDS = 0.2


def main(cpus: str, folder: str, address: str | None = None) -> None:
    os.makedirs("/tmp/ray", exist_ok=True)  # for a file that names the last cluster
    parameters = RayParams(
        num_cpus=int(cpus),
        num_gpus=0,
        object_store_memory=STORE_BYTES,
        min_worker_port=0,
        max_worker_port=0,
        include_dashboard=False,
        include_log_monitor=False,
        temp_dir=folder,
        gcs_address=address,
        redis_address=address,
        node_manager_port=0,
        dashboard_agent_listen_port=None,
    )
    node = Node(parameters, head=address is None, shutdown_at_exit=True, spawn_reaper=True)
    pids = {name: processes[0].process.pid for name, processes in node.all_processes.items()}
    print(json.dumps({"address": node.gcs_address, "node": node.node_id, "pids": pids}), flush=True)
    (raylet,) = node.all_processes["raylet"]
    while raylet.process.poll() is None and not select.select([sys.stdin], [], [], LOOK_SECONDS)[0]:
        pass
    node.kill_all_processes(check_alive=False, allow_graceful=False, wait=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
