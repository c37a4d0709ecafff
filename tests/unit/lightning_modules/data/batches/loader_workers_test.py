"""Processes that work beside a training: order, errors, deaths, and what is left of them."""

import errno
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import psutil
import pytest

from lightning_modules.data.batches.loader_workers import LoaderWorkers
from lightning_modules.errors import DataError
from tests.support.checkout import ROOT


@pytest.fixture
def workers() -> Iterator[LoaderWorkers]:
    made = LoaderWorkers(2)
    yield made
    made.close()


def doubled(number: int) -> int:
    return 2 * number


def of_whom(number: int) -> int:
    return os.getpid()


def refused(number: int) -> int:
    if number == 3:
        raise DataError("three: is no whole image")
    return number


def killed(number: int) -> int:
    if number == 3 and multiprocessing.parent_process() is not None:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def killed_in_the_middle_of_an_answer(number: int) -> int:
    if number == 3 and multiprocessing.parent_process() is not None:
        os.write(sys._getframe(1).f_locals["connection"].fileno(), b"\0\0\1\0of 256 bytes")
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def children() -> list[psutil.Process]:
    return psutil.Process().children(recursive=True)


def test_results_come_in_the_order_of_the_items(workers: LoaderWorkers) -> None:
    assert list(workers.map(doubled, range(50), ahead=4)) == [2 * number for number in range(50)]


def test_without_any_the_caller_works() -> None:
    assert set(LoaderWorkers(0).map(of_whom, range(3), ahead=1)) == {os.getpid()}


def test_others_work_where_there_are_some(workers: LoaderWorkers) -> None:
    assert os.getpid() not in set(workers.map(of_whom, range(20), ahead=4))


def test_no_more_is_begun_than_was_said(workers: LoaderWorkers) -> None:
    begun: list[int] = []

    def items() -> Iterator[int]:
        for number in range(100):
            begun.append(number)
            yield number

    results = workers.map(doubled, items(), ahead=5)
    assert next(results) == 0 and len(begun) == 6
    assert next(results) == 2 and len(begun) == 7


@pytest.mark.parametrize("count", [0, 2])
def test_an_error_comes_at_its_turn_as_it_was_raised(count: int) -> None:
    workers = LoaderWorkers(count)
    results = workers.map(refused, range(9), ahead=4)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(DataError, match=r"^three: is no whole image$") as caught:
        next(results)
    assert caught.value.__cause__ is None
    workers.close()


@pytest.mark.parametrize("dying", [killed, killed_in_the_middle_of_an_answer])
def test_after_a_kill_the_caller_goes_on(
    workers: LoaderWorkers, dying: Callable[[int], int], caplog: pytest.LogCaptureFixture
) -> None:
    assert list(workers.map(dying, range(9), ahead=4)) == list(range(9))
    assert set(workers.map(of_whom, range(3), ahead=4)) == {os.getpid()}
    (said,) = caplog.messages
    assert said.startswith("the training goes on without its 2 loader workers: one of them was")


def test_of_processes_that_cannot_all_start_none_stays(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    before, started = children(), []
    process = multiprocessing.get_context("fork").Process
    start = process.start

    def third_fails(self: Any) -> None:
        if len(started) == 2:
            raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
        start(self)
        started.append(self)

    monkeypatch.setattr(process, "start", third_fails)
    assert set(LoaderWorkers(3).map(of_whom, range(3), ahead=1)) == {os.getpid()}
    assert len(started) == 2 and children() == before
    assert "without its 3 loader workers: [Errno 11] Resource temporarily" in caplog.text


def test_two_can_be_read_in_turn(workers: LoaderWorkers) -> None:
    both = zip(workers.map(doubled, range(9), 3), workers.map(refused, [7] * 9, 3), strict=True)
    assert list(both) == [(2 * number, 7) for number in range(9)]


def test_nothing_is_left_after_it_was_closed_again_and_again() -> None:
    workers = LoaderWorkers(2)
    open_files, processes = [], children()
    for _ in range(4):
        results = workers.map(doubled, range(20), ahead=4)
        assert next(results) == 0  # the others are never asked for
        results.close()  # type: ignore[attr-defined]
        workers.close()
        open_files.append(psutil.Process().num_fds())
    assert children() == processes
    assert len(set(open_files)) == 1


def test_they_end_with_a_process_that_is_killed() -> None:
    code = (
        "import os, signal; from lightning_modules.data.batches.loader_workers import *;"
        "from tests.unit.lightning_modules.data.batches.loader_workers_test import of_whom;"
        "print(*set(LoaderWorkers(2).map(of_whom, range(20), 4)), flush=True);"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    # its standard output ends when all who hold it have ended
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True, timeout=100
    )
    assert done.returncode == -signal.SIGKILL and done.stdout.split()


def test_a_daemon_works_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(multiprocessing.process.current_process(), "_config", {"daemon": True})
    assert set(LoaderWorkers(2).map(of_whom, range(3), ahead=1)) == {os.getpid()}


def test_what_was_read_is_the_same_with_any_number() -> None:
    assert {LoaderWorkers(0): "read"}[LoaderWorkers(2)] == "read"
