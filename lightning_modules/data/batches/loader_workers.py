"""Processes that prepare rows for a training while it computes. They know nothing of torch."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from logging import getLogger
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import Any, TypeVar

from lightning_modules.errors import FairtuneError

Item = TypeVar("Item")
Result = TypeVar("Result")


class LoaderWorkers:
    """Up to `count` processes, started when there is work and ended by `close`.

    They decide no result: all objects are equal, so that what is kept of data that was read is
    found again with any number of them.
    """

    def __init__(self, count: int = 0) -> None:
        """Without processes, with a `count` of 0, the caller does the work."""
        # multiprocessing allows a daemon no processes
        self.count = 0 if multiprocessing.current_process().daemon else count
        self._processes: _Processes | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LoaderWorkers)

    def __hash__(self) -> int:
        return hash(LoaderWorkers)

    def map(
        self, work: Callable[[Item], Result], items: Iterable[Item], ahead: int
    ) -> Iterator[Result]:
        """`work` of every item, in their order; `ahead` are begun before their turn, at most.

        What `work` raises is raised when its item has its turn, as without processes. Where one of
        them is killed, the caller does the work itself.
        """
        waiting: deque[tuple[Item, Future[Result] | None]] = deque()
        try:
            for item in items:
                waiting.append((item, self._begun(work, item)))
                if len(waiting) > ahead:
                    yield self._result(work, *waiting.popleft())
            while waiting:
                yield self._result(work, *waiting.popleft())
        finally:
            for _, future in waiting:
                if future is not None:
                    future.cancel()

    def close(self) -> None:
        """End the processes; the next work starts new ones."""
        processes, self._processes = self._processes, None
        if processes is not None:
            processes.close()

    def _begun(self, work: Callable[[Item], Result], item: Item) -> Future[Result] | None:
        """The item in the hands of a process; None where there is none."""
        if self.count == 0:
            return None
        try:
            if self._processes is None:
                self._processes = _Processes(self.count)
        except OSError as error:
            self._do_without(str(error))
            return None
        return self._processes.submit(work, item)

    def _result(
        self, work: Callable[[Item], Result], item: Item, future: Future[Result] | None
    ) -> Result:
        if future is None:
            return work(item)
        try:
            return future.result()
        except (_Died, CancelledError):
            self._do_without("one of them was killed")
            return work(item)
        except FairtuneError as error:
            raise error from None  # without the traceback of the process

    def _do_without(self, why: str) -> None:
        """Go on without processes; what they would have made is the same."""
        if self.count == 0:
            return
        getLogger("fairtune").warning(
            "the training goes on without its %d loader workers: %s; it may be short of memory, "
            "and fewer data.loader_workers take less",
            self.count,
            why,
        )
        self.count = 0
        self.close()


class _Died(Exception):
    """A process ended before it had answered."""


class _Processes:
    """Running processes, each with a pipe of its own, which closes when it dies.

    They are forked where that is safe: they then start within milliseconds, and import nothing
    anew. They compute with neither torch nor a GPU, whose threads a fork does not have. (A pool of
    the standard library has one pipe for all, which a process that is killed while it answers
    blocks for ever.)
    """

    def __init__(self, count: int) -> None:
        method = "fork" if sys.platform == "linux" else None
        context: Any = multiprocessing.get_context(method)
        self._idle: SimpleQueue[Connection] = SimpleQueue()
        self._started: list[tuple[Any, Connection]] = []
        self._threads = ThreadPoolExecutor(count)
        try:
            for _ in range(count):
                self._start(context)
        except OSError:
            self.close()
            raise

    def _start(self, context: Any) -> None:
        connection, theirs = context.Pipe()
        process = context.Process(target=_work, args=(theirs,), daemon=True)
        with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
            process.start()  # beside threads: see above
        theirs.close()
        self._started.append((process, connection))
        self._idle.put(connection)

    def submit(self, work: Callable[[Item], Result], item: Item) -> Future[Result]:
        """What the next free process makes of an item."""
        return self._threads.submit(self._ask, work, item)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        for process, _ in self._started:
            process.kill()
            process.join()
        self._threads.shutdown()
        for process, connection in self._started:
            process.close()
            connection.close()

    def _ask(self, work: Callable[[Item], Result], item: Item) -> Result:
        connection = self._idle.get()
        try:
            connection.send((work, item))
            answer, error = connection.recv()
        except (EOFError, OSError) as died:
            raise _Died from died
        finally:
            self._idle.put(connection)
        if error is not None:
            raise error
        result: Result = answer
        return result


def _work(connection: Connection) -> None:
    _begin()
    while True:
        try:
            work, item = connection.recv()
        except EOFError:  # who asked is gone
            return
        answer: tuple[Any, Exception | None]
        try:
            answer = work(item), None
        except Exception as error:
            answer = None, error
        connection.send(answer)


def _begin() -> None:
    """End with the process that asks, and not by a Ctrl-C, which reaches all of them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_follow, daemon=True).start()


def _follow() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
