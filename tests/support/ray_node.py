"""A node that shares less with its driver: `python -m tests.support.ray_node HEAD CPUS HIDDEN...`.

Over every one of the HIDDEN folders lies an empty disk of the node's own, in a mount namespace of
its own. It prints its id, and ends with its input.
"""

import ctypes
import os
import subprocess
import sys

from ray._private.node import Node
from ray._private.parameter import RayParams

from tests.support.ray_nodes import STORE_BYTES, kill

CLONE_NEWNS = 0x00020000


def hide(folders: list[str]) -> None:
    """Put an empty disk over folders, for this process and those that it starts; OSError where that
    takes more rights."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    for folder in folders:
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", folder], check=True)


def main(head: str, cpus: str, *hidden: str) -> None:
    if hidden:
        hide(list(hidden))
    os.chdir("/")
    parameters = RayParams(
        gcs_address=head,
        num_cpus=float(cpus),
        object_store_memory=STORE_BYTES,
        include_log_monitor=False,
        node_ip_address="127.0.0.1",
    )
    node = Node(parameters, head=False, shutdown_at_exit=False, spawn_reaper=False)
    print(node.node_id, flush=True)
    sys.stdin.read()
    kill(node)


if __name__ == "__main__":
    main(*sys.argv[1:])
