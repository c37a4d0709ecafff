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
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from logging import getLogger
from typing import TypeVar

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
        self._pool: ProcessPoolExecutor | None = None

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
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(cancel_futures=True)

    def _begun(self, work: Callable[[Item], Result], item: Item) -> Future[Result] | None:
        """The item in the hands of a process; None where there is none."""
        if self.count == 0:
            return None
        try:
            if self._pool is None:
                self._pool = _started(self.count)
            return self._pool.submit(work, item)
        except (BrokenProcessPool, OSError, NotImplementedError) as error:
            self._do_without(error)
            return None

    def _result(
        self, work: Callable[[Item], Result], item: Item, future: Future[Result] | None
    ) -> Result:
        if future is None:
            return work(item)
        try:
            return future.result()
        except BrokenProcessPool as error:
            self._do_without(error)
            return work(item)
        except FairtuneError as error:
            raise error from None  # without the traceback of the process

    def _do_without(self, error: Exception) -> None:
        """Go on without processes; what they would have made is the same."""
        if self.count == 0:
            return
        why = "one of them was killed" if isinstance(error, BrokenProcessPool) else str(error)
        getLogger("fairtune").warning(
            "the training goes on without its %d loader workers: %s; it may be short of memory, "
            "and fewer data.loader_workers take less",
            self.count,
            why,
        )
        self.count = 0
        self.close()


def _started(count: int) -> ProcessPoolExecutor:
    """Processes that are forked where that is safe: they then start within milliseconds, and import
    nothing anew. They compute with neither torch nor a GPU, whose threads a fork does not have."""
    method = "fork" if sys.platform == "linux" else None
    context = multiprocessing.get_context(method)
    pool = ProcessPoolExecutor(count, context, initializer=_begin)
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # see above
        pool.submit(os.getpid)  # starts all of them
    return pool


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
