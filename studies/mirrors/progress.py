"""How a mirror comes along, written down for the driver, which waits as long as it does."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import psutil

from studies.home import without_secrets
from studies.records.deliveries import UNKNOWN, Deliveries, MirrorStatus

SAY_SECONDS = 0.2
LOOK_SECONDS, BUSY_SECONDS = 0.5, 0.005
"""Computing that uses so much of the processor in that time comes along."""
MOVED_BYTES = 4096
"""A file of which so much is read or written in that time comes along."""


class Progress:
    """Counts the steps of a mirror; `computing` counts them where a single one takes long."""

    def __init__(self, deliveries: Deliveries, store: str, status: MirrorStatus) -> None:
        self._deliveries = deliveries
        self._store = store
        self.status = status
        self.failed = 0
        """Attempts that failed since something worked."""
        self._said = 0.0
        self._lock = threading.Lock()

    def __call__(self) -> None:
        """Something got done that another attempt would do again."""
        with self._lock:
            self._step()

    def works(self) -> None:
        """Something got done for good: the mirror does not fail any more."""
        with self._lock:
            self.failed = 0
            self.status = replace(self.status, error="")
            self._step()

    def _step(self) -> None:
        self.status = replace(self.status, steps=self.status.steps + 1)
        if time.monotonic() - self._said > SAY_SECONDS:
            self._say()

    def fails(self, error: str) -> None:
        """Say why an attempt failed, or with an empty text that it did not."""
        error = without_secrets(error)
        with self._lock:
            self.failed = self.failed + 1 if error else 0
            if self.status.error != error:
                self.status = replace(self.status, error=error)
                self._say()

    def is_complete(self, revision: int) -> None:
        """The mirror has all that the record says."""
        with self._lock:
            steps = self.status.steps + 1
            self.status = replace(self.status, steps=steps, error="", revision=revision)
            self._say()

    def is_incomplete(self) -> None:
        """Something may be taken away from the mirror from here on."""
        with self._lock:
            if self.status.revision != UNKNOWN:
                self.status = replace(self.status, revision=UNKNOWN)
                self._say()

    @contextmanager
    def computing(self) -> Iterator[None]:
        """Count steps for as long as this thread keeps the processor busy: what waits for a
        server does not."""
        with self._while_growing(_cpu_clock(threading.get_ident()), BUSY_SECONDS):
            yield

    @contextmanager
    def moving(self) -> Iterator[None]:
        """Count steps for as long as this process reads or writes: of a large file that is sent to
        a server nothing else is seen."""
        with self._while_growing(*_moved()):
            yield

    @contextmanager
    def _while_growing(self, measure: Callable[[], float], least: float) -> Iterator[None]:
        """Count a step whenever what is measured has grown by that much."""
        over = threading.Event()

        def watch() -> None:
            used = measure()
            while not over.wait(LOOK_SECONDS):
                now = measure()
                if now - used > least:
                    self()
                used = now

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            yield
        finally:
            over.set()
            watcher.join()

    def say(self) -> None:
        """Write the status down now."""
        with self._lock:
            self._say()

    def _say(self) -> None:
        self._deliveries.say(self.status, self._store)
        self._said = time.monotonic()


def _cpu_clock(thread: int) -> Callable[[], float]:
    """The seconds that a thread has used of the processor; of all threads where a system does not
    tell them apart."""
    try:
        clock = time.pthread_getcpuclockid(thread)
    except AttributeError:
        return time.process_time
    return lambda: time.clock_gettime(clock)


def _moved() -> tuple[Callable[[], float], float]:
    """Measures what this process reads and writes, and how much of it counts; its time on the
    processor where a system does not tell."""
    process = psutil.Process()

    def measure() -> float:
        counters = process.io_counters()  # type: ignore[attr-defined,unused-ignore]
        moved = (getattr(counters, f"{kind}_chars", 0) for kind in ("read", "write"))
        return float(sum(moved) or counters.read_bytes + counters.write_bytes)

    try:
        measure()
    except (AttributeError, psutil.Error, OSError):
        return time.process_time, BUSY_SECONDS
    return measure, MOVED_BYTES
