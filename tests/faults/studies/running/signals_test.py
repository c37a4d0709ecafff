"""Ctrl-C and SIGTERM, once and twice (faults 6 and 7)."""

import signal
import time

import pytest

from studies.mirrors.left import sync_command
from tests.support.drivers import Faulty
from tests.support.invariants import check_invariants

pytestmark = pytest.mark.slow


def test_sigterm_lets_the_epochs_under_way_end_and_the_same_command_continues_after_them(
    faulty: Faulty,
) -> None:
    for trial in (0, 1):
        faulty.hit(trial, 3, "wait")
    with faulty.driver() as driver:
        for trial in (0, 1):
            faulty.reached(trial, 3)
        driver.process.send_signal(signal.SIGTERM)
        driver.says("stopping: the running trials end after their epoch")
        for trial in (0, 1):
            faulty.relieve(trial, 3)
        assert driver.ends() == 143
    assert driver.told["trials"] == {"interrupted": 2}
    faulty.leaves_no_orphans()
    check_invariants(faulty.home, "faulty")
    assert faulty.runs_to_its_end().told["trials"] == {"completed": 6}
    for trial in (0, 1):
        assert faulty.epochs_of(trial) == [1, 2, 3, 4, 5]  # none was trained twice
    check_invariants(faulty.home, "faulty")


def test_ctrl_c_does_not_wait_for_a_trial_that_hangs(faulty: Faulty) -> None:
    faulty.hit(0, 3, "stick")
    with faulty.driver(workers=1) as driver:
        faulty.reached(0, 3)
        driver.process.send_signal(signal.SIGINT)
        driver.says("stopping")
        began = time.monotonic()
        assert driver.ends() == 130
        assert time.monotonic() - began < 10
    assert driver.told["trials"] == {"interrupted": 1}
    faulty.leaves_no_orphans()
    check_invariants(faulty.home, "faulty")


def test_a_second_ctrl_c_ends_at_once_and_leaves_nothing_running(faulty: Faulty) -> None:
    for trial in (0, 1):
        faulty.hit(trial, 3, "wait")
    with faulty.driver() as driver:
        for trial in (0, 1):
            faulty.reached(trial, 3)
        driver.process.send_signal(signal.SIGINT)
        driver.says("stopping")
        driver.process.send_signal(signal.SIGINT)
        assert driver.ends() == 130
    assert "Traceback" not in driver.said
    assert driver.said.splitlines()[-1].endswith(
        f"`{sync_command(faulty.home, 'faulty')}` delivers them"
    )
    faulty.leaves_no_orphans()
    found = check_invariants(faulty.home, "faulty")
    assert not found.finished
