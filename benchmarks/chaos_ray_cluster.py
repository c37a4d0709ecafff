"""The Ray cluster that `chaos.py --engine ray` hits: a head and three nodes on this machine."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

NODES = 3
LOOK_SECONDS = 0.2
MARK = "FAIRTUNE_CHAOS_RAY"
"""A variable by which processes of the cluster are known."""
SCRIPT = Path(__file__).with_name("chaos_ray_node.py")
HIDDEN = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs none "$0" && exec "$@"']
"""Runs a command to which a folder seems empty."""
VARIABLES = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AUTH_MODE": "token",
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # else it listens to other machines
}
SOON = {
    "RAY_health_check_initial_delay_ms": "0",
    "RAY_health_check_period_ms": "500",
    "RAY_health_check_timeout_ms": "2000",
    "RAY_health_check_failure_threshold": "4",
    "RAY_gcs_rpc_server_reconnect_timeout_s": "10",
}
"""A node is declared dead after seconds, not after half a minute, and ends soon without a head."""


@dataclass(frozen=True)
class Node:
    """The process that holds a node, and what it said of itself."""

    process: subprocess.Popen[str]
    address: str
    pids: dict[str, int]

    def process_of(self, name: str) -> psutil.Process | None:
        """Its `raylet`, or the `gcs_server` of the head."""
        with suppress(psutil.Error):
            process = psutil.Process(self.pids[name])
            return process if is_alive(process) else None
        return None

    def send(self, number: signal.Signals) -> None:
        """Send a signal to all of it at once."""
        if (raylet := self.process_of("raylet")) is not None:
            with suppress(psutil.Error):
                for each in [raylet, *raylet.children(recursive=True)]:
                    with suppress(psutil.Error):
                        each.send_signal(number)

    def kill(self) -> None:
        """As when a machine loses its power: nobody says why."""
        self.send(signal.SIGKILL)

    @property
    def lives(self) -> bool:
        return self.process.poll() is None


@dataclass
class Cluster:
    """A head without processors, and nodes of one each; the last one has not the home."""

    home: Path
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="fairtune-chaos-")))
    mark: str = field(default_factory=lambda: secrets.token_hex(8))
    head: Node | None = None
    nodes: list[Node] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.home.mkdir(exist_ok=True)
        self.temporary.mkdir()
        os.environ.update(VARIABLES, RAY_AUTH_TOKEN=secrets.token_hex(32))  # of drivers, too

    @property
    def temporary(self) -> Path:
        """The folder for temporary files of what runs on the nodes."""
        return self.folder / "tmp"

    @property
    def has_head(self) -> bool:
        return self.head is not None and self.head.process_of("gcs_server") is not None

    def mend(self) -> None:
        """Begin anew where the head has gone, and add the nodes that are missing."""
        with self.lock:
            if not self.has_head:
                self.end()
                self.head = self._start("0")
        self.fill()

    def fill(self) -> None:
        """Add the nodes that are missing, while there is a head."""
        with self.lock:
            self.nodes = [node for node in self.nodes if node.lives]
            while len(self.nodes) < NODES and self.has_head:
                self._add()

    def add(self) -> None:
        """Add a node, if there is a head."""
        with self.lock:
            if self.has_head:
                self._add()

    def _add(self) -> None:
        assert self.head is not None
        can_hide = os.geteuid() == 0 and shutil.which("unshare") is not None
        hide = can_hide and len(self.nodes) % NODES == NODES - 1
        command = [*HIDDEN, str(self.home)] if hide else []
        with suppress(json.JSONDecodeError):  # the head has gone meanwhile
            self.nodes.append(self._start("1", self.head.address, command=command))

    def _start(self, *arguments: str, command: list[str] | None = None) -> Node:
        cpus, *address = arguments
        argv = [*(command or ()), sys.executable, str(SCRIPT), cpus, str(self.folder / "r")]
        environment = {**os.environ, **SOON, MARK: self.mark, "TMPDIR": str(self.temporary)}
        with (self.folder / "nodes.log").open("a") as log:
            process = subprocess.Popen(
                [*argv, *address], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
                text=True, env=environment, start_new_session=True,
            )  # fmt: skip
        assert process.stdout is not None
        said = json.loads(process.stdout.readline())
        return Node(process, said["address"], said["pids"])

    def trainers(self, *kinds: str) -> list[psutil.Process]:
        """The processes on the nodes that belong to a study: `actor`, `fork server`, `worker`."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.environ().get(MARK) != self.mark or not is_alive(process):
                    continue
                kind = kind_of(process)
                if kind is not None and (not kinds or kind in kinds):
                    found.append(process)
        return found

    def left_after(self, seconds: float) -> list[psutil.Process]:
        """Those of a study that are still on the nodes after so many seconds."""
        end = time.monotonic() + seconds
        while (left := self.trainers()) and time.monotonic() < end:
            time.sleep(LOOK_SECONDS)
        return left

    def take_temporary(self) -> list[str]:
        """The temporary files that somebody has left; they are removed."""
        left = list(self.temporary.iterdir())
        for path in left:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        return [path.name for path in left]

    def end(self) -> None:
        """End all nodes, and the head."""
        for node in [*self.nodes, *([self.head] if self.head else [])]:
            assert node.process.stdin is not None
            with suppress(OSError):
                node.process.stdin.close()
        for node in [*self.nodes, *([self.head] if self.head else [])]:
            node.kill()
            node.process.wait()
        self.nodes, self.head = [], None

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
        shutil.rmtree(self.folder, ignore_errors=True)


def kind_of(process: psutil.Process) -> str | None:
    """What a process on a node does for a study; None for one of Ray's own."""
    said = " ".join(process.cmdline())
    if "SlotActor" in said:
        return "actor"
    if "multiprocessing.forkserver" in said:
        return "worker" if os.getpgid(process.pid) == process.pid else "fork server"
    return "other" if "multiprocessing" in said else None


def is_alive(process: psutil.Process) -> bool:
    return process.status() != psutil.STATUS_ZOMBIE
