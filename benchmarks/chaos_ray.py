"""The blows of `chaos.py --engine ray`: what hits a driver, its client, nodes, actors, workers."""

from __future__ import annotations

import signal
import sqlite3
from collections import Counter
from contextlib import closing, suppress
from dataclasses import dataclass, field

import psutil

from benchmarks.chaos_blows import Blow, Scene, kill_process, stop_process
from benchmarks.chaos_ray_cluster import Cluster, Node

CLIENT = "studies.engines.ray.client"
"""The module that the driver's client runs."""
SECONDS_TO_END, WITHOUT_HEAD = 20.0, 60.0
"""In which all that a driver started on the nodes is gone after its end; the same where the head
of the cluster has gone, which would see to that."""
MOST_NODES = 5
SAME = (
    "worker killed", "worker stopped", "mirrors killed", "mirrors stopped", "driver stopped",
    "driver killed", "SIGTERM", "Ctrl-C", "Ctrl-C twice", "record.db locked", "mlflow.db locked",
)  # fmt: skip
"""The blows that are the same on this machine and on a cluster."""
ACTOR_KILLED = "actor killed"
CLUSTER_GONE = 4
"""The exit code."""


@dataclass
class RayScene(Scene):
    """A driver whose workers are on the nodes of a cluster."""

    survived = 2  # there are more of them
    cluster: Cluster = field(kw_only=True)
    dealt: Counter[str] = field(default_factory=Counter)
    """The blows that hit the study that runs now."""
    orderly: bool = True
    """Whether nothing has hit the driver that runs now, or ended last."""
    head_died: bool = False

    def begin(self, study: str) -> None:
        super().begin(study)
        self.dealt.clear()

    def options(self) -> list[str]:
        self.settle()
        self.cluster.mend()
        assert self.cluster.head is not None
        self.orderly, self.head_died = True, False
        return ["--engine", "ray", "--address", self.cluster.head.address]

    def deal(self, blow: Blow) -> bool:
        hit = super().deal(blow)
        self.dealt[blow.kind] += hit
        self.orderly = self.orderly and not hit
        return hit

    def nothing_is_left(self) -> None:
        self.settle()
        super().nothing_is_left()
        left = self.cluster.left_after(WITHOUT_HEAD if self.head_died else SECONDS_TO_END)
        assert not left, [(each.pid, each.cmdline()) for each in left]
        files = self.cluster.take_temporary()
        assert not (files and self.orderly), files

    def check(self) -> None:
        """No trial was blamed for the loss of a node: actors that were killed are the only ones
        that took an attempt with them."""
        with closing(sqlite3.connect(self.faulty.home.record(self.study))) as database:
            query = "select reason from attempts where reason like 'on %'"
            lost = [reason for (reason,) in database.execute(query)]
        assert len(lost) <= self.dealt[ACTOR_KILLED], (lost, self.dealt)

    def worker(self, blow: Blow) -> psutil.Process | None:
        return self.trainer("worker", blow)

    def trainer(self, kind: str, blow: Blow) -> psutil.Process | None:
        """One of the study's processes of a kind on the nodes."""
        found = self.cluster.trainers(kind)
        return found[int(blow.victim * len(found))] if found else None

    def node(self, blow: Blow) -> Node | None:
        """One of the nodes, if any lives."""
        nodes = [node for node in self.cluster.nodes if node.lives]
        return nodes[int(blow.victim * len(nodes))] if nodes else None

    def client(self) -> psutil.Process | None:
        """The client of the driver."""
        with suppress(psutil.Error):
            for child in psutil.Process(self.driver.process.pid).children():
                if CLIENT in child.cmdline():
                    return child
        return None


def kill_actor(scene: RayScene, blow: Blow) -> bool:
    return kill_process(scene.trainer("actor", blow))


def stop_actor(scene: RayScene, blow: Blow) -> bool:
    return stop_process(scene, blow, scene.trainer("actor", blow))


def kill_fork_server(scene: RayScene, blow: Blow) -> bool:
    return kill_process(scene.trainer("fork server", blow))


def lose_node(scene: RayScene, blow: Blow) -> bool:
    """As when a machine loses its power; another one comes later."""
    if (node := scene.node(blow)) is None:
        return False
    return scene.lasting(blow, node.kill, scene.cluster.fill)


def freeze_node(scene: RayScene, blow: Blow) -> bool:
    """As when a virtual machine is paused: it may have been given up when it comes back."""
    if (node := scene.node(blow)) is None:
        return False

    def go_on() -> None:
        node.send(signal.SIGCONT)
        scene.cluster.fill()

    return scene.lasting(blow, lambda: node.send(signal.SIGSTOP), go_on)


def kill_raylet(scene: RayScene, blow: Blow) -> bool:
    return _end_raylet(scene, blow, signal.SIGKILL)


def terminate_raylet(scene: RayScene, blow: Blow) -> bool:
    """As when a batch system takes a machine back."""
    return _end_raylet(scene, blow, signal.SIGTERM)


def _end_raylet(scene: RayScene, blow: Blow, number: signal.Signals) -> bool:
    node = scene.node(blow)
    if node is None or (raylet := node.process_of("raylet")) is None:
        return False
    return scene.lasting(blow, lambda: raylet.send_signal(number), scene.cluster.fill)


def stop_raylet(scene: RayScene, blow: Blow) -> bool:
    node = scene.node(blow)
    return node is not None and stop_process(scene, blow, node.process_of("raylet"))


def add_node(scene: RayScene, blow: Blow) -> bool:
    if len(scene.cluster.nodes) >= MOST_NODES:
        return False
    return scene.lasting(blow, lambda: None, scene.cluster.add)


def kill_client(scene: RayScene, blow: Blow) -> bool:
    return kill_process(scene.client())


def stop_client(scene: RayScene, blow: Blow) -> bool:
    return stop_process(scene, blow, scene.client())


def kill_head(scene: RayScene, blow: Blow) -> bool:
    """Its server alone, or all of it."""
    head = scene.cluster.head
    if head is None:
        return False
    scene.head_died = True
    if blow.victim < 0.5:
        return kill_process(head.process_of("gcs_server"))
    head.kill()
    return True


RayScene.blows = {
    **{kind: blow for kind, blow in Scene.blows.items() if kind in SAME},
    ACTOR_KILLED: kill_actor,
    "actor stopped": stop_actor,
    "fork server killed": kill_fork_server,
    "node lost": lose_node,
    "node frozen": freeze_node,
    "raylet killed": kill_raylet,
    "raylet terminated": terminate_raylet,
    "raylet stopped": stop_raylet,
    "node added": add_node,
    "client killed": kill_client,
    "client stopped": stop_client,
    "head killed": kill_head,
}
RayScene.ends = {
    **{kind: codes for kind, codes in Scene.ends.items() if kind in SAME},
    "client killed": {CLUSTER_GONE},
    "head killed": {CLUSTER_GONE},
}
