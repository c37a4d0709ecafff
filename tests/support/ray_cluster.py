"""A Ray cluster of several nodes on this machine, for tests: its processes are its own, and no test
imports Ray."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from secrets import token_hex
from typing import IO

import psutil
import pytest

SECONDS = 10.0
"""What a driver starts is gone so long after its end."""


@dataclass
class RayCluster:
    """A cluster that obeys."""

    folder: Path
    orders: IO[str]
    answers: IO[str]
    address: str
    nodes: list[str] = field(default_factory=list)
    """The ids of those that can train."""

    def add(self, cpus: int) -> str:
        """Add a node with so many processors; its id."""
        self.nodes.append(self._obey(f"add {cpus}"))
        return self.nodes[-1]

    def remove(self, node: str) -> None:
        """Kill what makes a node."""
        self._obey(f"remove {node}")
        self.nodes.remove(node)

    def end_head(self) -> None:
        """Kill the head."""
        self._obey("end")

    def actors(self) -> list[psutil.Process]:
        """The actors that live on its nodes."""
        return actors_below(self.folder)

    def node_of(self, worker: psutil.Process) -> str:
        """The id of the node on which a worker process is."""
        raylet = next(each for each in worker.parents() if each.name() == "raylet")
        (node,) = [each for each in self.nodes if f"--node_id={each}" in raylet.cmdline()]
        return node

    def is_left_alone(self) -> None:
        """Assert that nothing of a driver's that has ended is left on its nodes soon afterwards."""
        end = time.monotonic() + SECONDS
        while (left := self.actors()) and time.monotonic() < end:
            time.sleep(0.1)
        assert not left

    def _obey(self, order: str) -> str:
        self.orders.write(f"{order}\n")
        self.orders.flush()
        answer = self.answers.readline().strip()
        assert answer, (self.folder / "said").read_text()
        return answer


@contextmanager
def ray_cluster(*cpus: int) -> Iterator[RayCluster]:
    """A cluster of a head and of nodes with so many processors each; whoever is started meanwhile
    may use it."""
    if find_spec("ray") is None and os.environ.get("CI") != "true":
        pytest.skip("Ray is missing: pip install 'fairtune[ray]'")
    folder = Path(tempfile.mkdtemp(prefix="ray-", dir="/tmp"))  # sockets need a short path
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")  # all listens on this machine only
        patch.setenv("RAY_AUTH_MODE", "token")
        patch.setenv("RAY_AUTH_TOKEN", token_hex(32))
        with (
            (folder / "said").open("w") as said,
            subprocess.Popen(
                [sys.executable, "-m", "tests.support.ray_nodes", str(folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
                text=True,
            ) as process,
        ):
            assert process.stdin is not None and process.stdout is not None
            address = process.stdout.readline().strip()
            assert address, (folder / "said").read_text()
            cluster = RayCluster(folder, process.stdin, process.stdout, address)
            for each in cpus:
                cluster.add(each)
            yield cluster
            process.stdin.close()
    shutil.rmtree(folder)


def actors_below(folder: Path) -> list[psutil.Process]:
    """The actors on the nodes of a cluster that has its files in a folder."""
    nodes = [
        process
        for process in psutil.process_iter(["cmdline"])
        if process.info["cmdline"]
        and process.info["cmdline"][0].endswith("/raylet")
        and any(str(folder) in word for word in process.info["cmdline"])
    ]
    return [child for node in nodes for child in node.children() if "SlotActor" in child.name()]
