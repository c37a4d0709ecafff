"""A driver whose workers are on Ray is killed and stopped: nothing of it is left, and the same
command continues (fault 30)."""

import os
import re
import signal
import socket
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path

import psutil
import pytest

from tests.support.drivers import Driver, Faulty, until
from tests.support.invariants import check_invariants
from tests.support.ray_cluster import SECONDS, ray_cluster

pytestmark = pytest.mark.slow
EPOCHS = [1, 2, 3, 4, 5]
SIX = {"completed": 6}
RAY = ("--engine", "ray")
RAYS_OWN = {"gcs_server", "raylet"}


def below(driver: Driver) -> list[psutil.Process]:
    """All that a driver has started, on whichever node of this machine."""
    return psutil.Process(driver.process.pid).children(recursive=True)


def names(processes: list[psutil.Process]) -> set[str]:
    found = set()
    for process in processes:
        try:
            found.add(process.name())
        except psutil.NoSuchProcess:
            continue
    return found


def reachable_from_elsewhere(processes: list[psutil.Process]) -> list[str]:
    """The sockets of processes that listen to other machines too."""
    found, listening = [], 0
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            for each in process.net_connections("inet"):
                if each.status == psutil.CONN_LISTEN or each.type == socket.SOCK_DGRAM:
                    listening += 1
                    ip = ip_address(each.laddr.ip.removeprefix("::ffff:"))  # IPv4 on an IPv6 socket
                    if not ip.is_loopback:
                        found.append(f"{process.name()} at {each.laddr}")
    assert listening
    return found


def all_end(processes: list[psutil.Process]) -> None:
    """I5: they do within 10 s."""
    left = psutil.wait_procs(processes, timeout=SECONDS)[1]
    assert not left, [each.cmdline() for each in left]


def folder_of_ray(driver: Driver) -> Path | None:
    """Where a Ray that a driver has started writes, once it has started a part of it."""
    for process in below(driver):
        try:
            said = " ".join(process.cmdline())
        except psutil.NoSuchProcess:
            continue
        if RAYS_OWN & {process.name()} and (found := re.search(r"\S*/fairtune-ray-\w+", said)):
            return Path(found[0].partition("=")[2] or found[0])
    return None


def test_a_killed_driver_takes_all_along_and_the_study_goes_on_where_it_is_told_to(
    faulty: Faulty,
) -> None:
    for trial in (0, 1):
        faulty.hit(trial, 3, "stick once")
    with faulty.driver(*RAY) as driver:  # on a Ray of its own
        faulty.reached(0, 3), faulty.reached(1, 3)
        everything = below(driver)
        assert names(everything) > RAYS_OWN
        assert reachable_from_elsewhere(everything) == []
        driver.kill()
        all_end(everything)
    faulty.leaves_no_orphans()
    for trial in (2, 3):
        faulty.hit(trial, 2, "stick once")
    with ray_cluster(2) as cluster:
        with faulty.driver(*RAY, "--address", cluster.address) as driver:
            workers = [faulty.reached(2, 2), faulty.reached(3, 2)]
            driver.kill()
            all_end(workers)
        cluster.is_left_alone()
        faulty.leaves_no_orphans()
        last = faulty.runs_to_its_end(0, *RAY, "--address", cluster.address)
        assert last.told["trials"] == SIX
    assert faulty.epochs_of(0) == faulty.epochs_of(1) == [1, 2, 3, 3, 4, 5]
    assert faulty.epochs_of(2) == faulty.epochs_of(3) == [1, 2, 2, 3, 4, 5]
    check_invariants(faulty.home, "faulty")


def test_signals_to_the_whole_group_end_it_while_ray_starts_and_in_mid_epoch(
    faulty: Faulty,
) -> None:
    with faulty.driver(*RAY) as driver:
        folder = until(lambda: folder_of_ray(driver))
        everything = below(driver)
        os.killpg(driver.process.pid, signal.SIGTERM)
        assert driver.ends() == 143
        all_end(everything)
    assert "Traceback" not in driver.said
    faulty.leaves_no_orphans()
    assert not folder.exists()

    for trial in (0, 1):
        faulty.hit(trial, 3, "wait")
    with faulty.driver(*RAY) as driver:
        faulty.reached(0, 3), faulty.reached(1, 3)
        everything = below(driver)
        os.killpg(driver.process.pid, signal.SIGINT)
        driver.says("stopping: the running trials end after their epoch")
        faulty.relieve(0, 3), faulty.relieve(1, 3)
        assert driver.ends() == 130
        all_end(everything)
    assert "Traceback" not in driver.said
    assert driver.told["trials"] == {"interrupted": 2}
    faulty.leaves_no_orphans()
    check_invariants(faulty.home, "faulty")
    assert faulty.runs_to_its_end(0, *RAY).told["trials"] == SIX
    for trial in range(6):
        assert faulty.epochs_of(trial) == EPOCHS  # none was trained twice
    check_invariants(faulty.home, "faulty")
