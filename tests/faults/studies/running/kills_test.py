"""Processes are killed without warning (faults 1 to 4)."""

import subprocess
import sys
from contextlib import suppress

import psutil
import pytest

from tests.support.drivers import Faulty
from tests.support.invariants import check_invariants

pytestmark = pytest.mark.slow

EPOCHS = [1, 2, 3, 4, 5]


def test_a_killed_worker_takes_its_children_along_and_its_trial_continues(faulty: Faulty) -> None:
    faulty.hit(0, 3, "bear")
    faulty.hit(1, 5, "wait")
    with faulty.driver() as driver:
        victim, other = faulty.reached(0, 3), faulty.reached(1, 5)
        child = faulty.reached(0, 3, "child")
        faulty.relieve(0, 3)
        victim.kill()
        driver.says("trial-0000 crashed (the worker process was killed by SIGKILL, somebody's", 10)
        assert psutil.wait_procs([child], timeout=10)[1] == []
        assert other.is_running()
        faulty.relieve(1, 5)
        assert driver.ends() == 0, driver.said
    assert faulty.epochs_of(0) == [1, 2, 3, 3, 4, 5]
    assert faulty.epochs_of(1) == EPOCHS
    assert driver.told["trials"] == {"completed": 6}
    check_invariants(faulty.home, "faulty")
    faulty.leaves_no_orphans()


def test_after_a_kill_of_everything_the_same_command_continues_each_trial_where_it_was(
    faulty: Faulty,
) -> None:
    points: dict[int, str | int] = {0: "end", 1: 1, 2: 3}
    for trial, point in points.items():
        faulty.hit(trial, point, "wait")
    with faulty.driver(workers=3) as driver:
        for trial, point in points.items():
            faulty.reached(trial, point)
        for process in faulty.family():
            with suppress(psutil.NoSuchProcess):  # it has followed one that was killed
                process.kill()
        driver.ends()
    for trial, point in points.items():
        faulty.relieve(trial, point)
    assert faulty.runs_to_its_end(workers=3).told["trials"] == {"completed": 6}
    assert faulty.epochs_of(0) == [*EPOCHS, 5]  # the state of the last epoch is not written
    assert faulty.epochs_of(1) == [1, *EPOCHS]
    assert faulty.epochs_of(2) == [1, 2, 3, 3, 4, 5]
    check_invariants(faulty.home, "faulty")
    assert not list((faulty.home.study("faulty") / "continuations").iterdir())


def test_workers_follow_a_killed_driver_even_where_they_hang_in_c_code(faulty: Faulty) -> None:
    faulty.hit(0, 2, "stick")
    faulty.hit(1, 2, "bear")
    with faulty.driver() as driver:
        faulty.reached(0, 2), faulty.reached(1, 2)
        family = faulty.family()
        assert len(family) >= 5  # the driver, the fork server, two workers and a child
        driver.kill()
    faulty.leaves_no_orphans()
    faulty.relieve(0, 2), faulty.relieve(1, 2)
    assert faulty.runs_to_its_end().told["trials"] == {"completed": 6}
    check_invariants(faulty.home, "faulty")


def test_a_process_that_is_busy_with_its_imports_follows_the_one_that_started_it() -> None:
    child = (
        "import os, time; from studies.engines import process_group\n"
        "with process_group.end_with_driver(): print(os.getpid(), flush=True); time.sleep(1000)"
    )
    parent = (
        "import os, subprocess, sys; os.environ['FAIRTUNE_DRIVER'] = str(os.getpid()); "
        f"subprocess.run([sys.executable, '-c', {child!r}])"
    )
    with subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        importing = psutil.Process(int(process.stdout.readline()))
        process.kill()
        assert psutil.wait_procs([importing], timeout=10)[1] == []
