"""The blows of `chaos.py`: what hits a driver, its workers, its mirrors, or the databases."""

from __future__ import annotations

import os
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any, ClassVar

import psutil

from tests.support.drivers import Driver, Faulty
from tests.support.servers import MlflowServer, Postgres

SHORTEST_PAUSE, LONGEST_PAUSE = 0.1, 6.0
"""Seconds between two blows."""
EARLY = 0.25
"""How many of the blows may hit a driver that still starts."""
SHORTEST, LONGEST = 0.5, 6.0
"""Seconds for which a blow may last."""

POSTGRES = "PostgreSQL restarted"
MIRRORS = "studies.mirrors.process"
"""The module that the process of the mirrors runs."""


Deal = Callable[[Any, "Blow"], bool]
"""Hits something of a scene; whether there was something to hit."""


@dataclass(frozen=True)
class Blow:
    """What hits whom, how long after the one before, and for how long."""

    kind: str
    after: float
    lasts: float
    victim: float
    """Which of several, as a part of 1."""
    early: bool
    """Whether it may hit a driver that has not begun its first trial."""


@dataclass
class Scene:
    """What can be hit: the driver of a study, its mirrors, and the servers behind these, where
    there are any."""

    server: MlflowServer | None
    postgres: Postgres | None
    study: str = ""
    """The study that runs now."""
    faulty: Faulty = field(init=False)
    driver: Driver = field(init=False)
    under_way: dict[str, threading.Thread] = field(default_factory=dict)
    """Blows that last, by kind."""
    blows: ClassVar[Mapping[str, Deal]]
    ends: ClassVar[Mapping[str, set[int]]]
    """How a driver may end after a blow; the others it must survive."""
    survived: ClassVar[int] = 5
    """So many times more frequent than the others are blows that a driver must survive."""

    def begin(self, study: str) -> None:
        """Another study runs from now on."""
        self.study = study

    def options(self) -> list[str]:
        """What the next driver is told."""
        return []

    def nothing_is_left(self) -> None:
        """Assert that everything which the driver started is gone."""
        self.faulty.leaves_no_orphans()

    def check(self) -> None:
        """Assert what must hold here beside the invariants."""

    def coming(self, seed: int) -> Iterator[Blow]:
        """The blows of a seed, in order; mostly those that a driver must survive."""
        random = Random(f"{seed}/blows")
        absent = SERVERS_ONLY if self.server is None else SQLITE_ONLY
        kinds = [kind for kind in self.blows if kind not in absent]
        weights = [1 if kind in self.ends else self.survived for kind in kinds]
        while True:
            (kind,) = random.choices(kinds, weights)
            after = random.uniform(SHORTEST_PAUSE, LONGEST_PAUSE)
            lasts = random.uniform(SHORTEST, LONGEST)
            yield Blow(kind, after, lasts, random.random(), random.random() < EARLY)

    def deal(self, blow: Blow) -> bool:
        """Whether it has hit anything."""
        return blow.kind not in self.under_way and self.blows[blow.kind](self, blow)

    def settle(self) -> None:
        """Wait until no blow lasts any more."""
        for thread in list(self.under_way.values()):
            thread.join()

    def lasting(self, blow: Blow, begin: Callable[[], object], end: Callable[[], object]) -> bool:
        """Do something now and undo it later, while other blows are dealt."""
        begin()

        def later() -> None:
            time.sleep(blow.lasts)
            try:
                end()
            finally:
                del self.under_way[blow.kind]

        self.under_way[blow.kind] = threading.Thread(target=later)
        self.under_way[blow.kind].start()
        return True

    def worker(self, blow: Blow) -> psutil.Process | None:
        """One of the driver's workers: each leads a group of its own."""
        with suppress(psutil.Error, ProcessLookupError):
            family = psutil.Process(self.driver.process.pid).children(recursive=True)
            heads = [each for each in family if os.getpgid(each.pid) == each.pid]
            return heads[int(blow.victim * len(heads))] if heads else None
        return None

    def mirrors(self) -> psutil.Process | None:
        """The process of the mirrors, where the driver has one."""
        with suppress(psutil.Error):
            for child in psutil.Process(self.driver.process.pid).children():
                if MIRRORS in child.cmdline():
                    return child
        return None


def kill_process(process: psutil.Process | None) -> bool:
    with suppress(psutil.Error):
        if process is not None:
            process.kill()
            return True
    return False


def stop_process(scene: Scene, blow: Blow, process: psutil.Process | None) -> bool:
    def go_on() -> None:
        with suppress(psutil.Error):
            process.resume()  # type: ignore[union-attr]

    with suppress(psutil.Error):
        return process is not None and scene.lasting(blow, process.suspend, go_on)
    return False


def kill_worker(scene: Scene, blow: Blow) -> bool:
    return kill_process(scene.worker(blow))


def stop_worker(scene: Scene, blow: Blow) -> bool:
    return stop_process(scene, blow, scene.worker(blow))


def kill_mirrors(scene: Scene, blow: Blow) -> bool:
    return kill_process(scene.mirrors())


def stop_mirrors(scene: Scene, blow: Blow) -> bool:
    return stop_process(scene, blow, scene.mirrors())


def stop_driver(scene: Scene, blow: Blow) -> bool:
    send = scene.driver.process.send_signal
    return scene.lasting(blow, lambda: send(signal.SIGSTOP), lambda: send(signal.SIGCONT))


def kill_driver(scene: Scene, blow: Blow) -> bool:
    scene.driver.process.kill()
    return True


def kill_everything(scene: Scene, blow: Blow) -> bool:
    for process in scene.faulty.family():
        with suppress(psutil.Error):
            process.kill()
    return True


def terminate(scene: Scene, blow: Blow) -> bool:
    scene.driver.process.terminate()
    return True


def ctrl_c(scene: Scene, blow: Blow) -> bool:
    """As a terminal sends it: to the driver and the fork server."""
    with suppress(ProcessLookupError):
        os.killpg(scene.driver.process.pid, signal.SIGINT)
    return True


def ctrl_c_twice(scene: Scene, blow: Blow) -> bool:
    ctrl_c(scene, blow)
    time.sleep(blow.victim)
    return ctrl_c(scene, blow)


def lock(name: str) -> Callable[[Scene, Blow], bool]:
    def hold(scene: Scene, blow: Blow) -> bool:
        path = scene.faulty.home.path / name.format(scene.study)
        if not path.exists():
            return False
        other = sqlite3.connect(path, timeout=60, check_same_thread=False)
        return scene.lasting(blow, lambda: other.execute("begin immediate"), other.close)

    return hold


def mlflow_restart(scene: Scene, blow: Blow) -> bool:
    assert scene.server is not None
    return scene.lasting(blow, scene.server.kill, scene.server.start)


def postgres_restart(scene: Scene, blow: Blow) -> bool:
    assert scene.postgres is not None
    control = scene.postgres.control
    mode = "immediate" if blow.victim < 0.5 else "fast"
    return scene.lasting(blow, lambda: control("stop", "-m", mode), lambda: control("start"))


def postgres_connections(scene: Scene, blow: Blow) -> bool:
    assert scene.postgres is not None
    if POSTGRES in scene.under_way:
        return False
    scene.postgres.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = 'chaos'"
    )
    return True


Scene.blows = {
    "worker killed": kill_worker,
    "worker stopped": stop_worker,
    "mirrors killed": kill_mirrors,
    "mirrors stopped": stop_mirrors,
    "driver stopped": stop_driver,
    "driver killed": kill_driver,
    "everything killed": kill_everything,
    "SIGTERM": terminate,
    "Ctrl-C": ctrl_c,
    "Ctrl-C twice": ctrl_c_twice,
    "record.db locked": lock("studies/{}/record.db"),
    "optuna.db locked": lock("optuna.db"),
    "mlflow.db locked": lock("mlflow.db"),
    "MLflow server restarted": mlflow_restart,
    POSTGRES: postgres_restart,
    "PostgreSQL connections ended": postgres_connections,
}
SERVERS_ONLY = {
    "MLflow server restarted",
    POSTGRES,
    "PostgreSQL connections ended",
}
SQLITE_ONLY = {"optuna.db locked"}
Scene.ends = {
    "driver killed": {-signal.SIGKILL},
    "everything killed": {-signal.SIGKILL},
    "SIGTERM": {128 + signal.SIGTERM, -signal.SIGTERM},  # the latter while it still imports
    "Ctrl-C": {128 + signal.SIGINT, -signal.SIGINT},
    "Ctrl-C twice": {128 + signal.SIGINT, -signal.SIGINT},
}
