"""A thread that brings things up to date, each when it is due, and tries again until it can.

An outage costs its user nothing: calls only say what is out of date. After a failure it pauses,
longer every time, and a single thing that never works does not hold up the others for long.
"""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from collections.abc import Callable

FIRST_PAUSE, LONGEST_PAUSE = 0.25, 15.0
"""Seconds between attempts."""


class Uploader:
    """Calls `deliver(name)` on its thread, and `failed(error)` when it begins to fail."""

    def __init__(self, deliver: Callable[[str], None], failed: Callable[[Exception], None]) -> None:
        self._deliver = deliver
        self._failed = failed
        self._due: dict[str, float] = {}
        self._failures: Counter[str] = Counter()
        self._streak = 0
        """Failures since something worked."""
        self._paused_until = 0.0
        self._hurried = False
        self._stopping = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._work, name="mlflow", daemon=True)
        self._current: str | None = None
        self.failure: Exception | None = None
        """Why the last attempt failed; None where it did not."""

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def add(self, name: str, delay: float = 0.0) -> None:
        """Something is out of date and is to be delivered in `delay` seconds at the latest."""
        with self._changed:
            due = time.monotonic() + delay
            if due < self._due.get(name, math.inf):  # else nobody need be woken
                self._due[name] = due
                self._changed.notify_all()

    def settle(self, patience: float) -> list[str]:
        """Deliver everything now; what is left when it has only failed for `patience` seconds.

        An attempt under way may be the one that works: it has as long again, and no longer, since
        a server that never answers holds each attempt for many seconds.
        """
        with self._changed:
            self._hurried = True
            self._paused_until = 0.0
            self._due = dict.fromkeys(self._due, 0.0)
            self._changed.notify_all()
            give_up = time.monotonic() + patience
            while self._due or self._current is not None:
                if self.failure is None:
                    give_up = time.monotonic() + patience
                elif time.monotonic() >= give_up + patience * (self._current is not None):
                    break
                self._changed.wait(0.1)
            self._hurried = False
            left = {*self._due, self._current}
            return sorted(name for name in left if name is not None)

    def stop(self, patience: float) -> None:
        """End the thread; one that hangs in a call is left to the end of the process."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._thread.join(patience)

    def _work(self) -> None:
        while (name := self._next()) is not None:
            try:
                self._deliver(name)
            except Exception as error:
                if self.failure is None:
                    self._failed(error)
                self._done(name, error)
            else:
                self._done(name, None)

    def _next(self) -> str | None:
        with self._changed:
            while not self._stopping:
                name = min(self._due, key=self._due.__getitem__, default=None)
                if name is None:
                    self._changed.wait()
                    continue
                left = max(self._due[name], self._paused_until) - time.monotonic()
                if left <= 0:
                    del self._due[name]
                    self._current = name
                    return name
                self._changed.wait(left)
            return None

    def _done(self, name: str, error: Exception | None) -> None:
        with self._changed:
            self._current = None
            self.failure = error
            if error is None:
                self._streak = 0
                del self._failures[name]
            else:
                self._streak += 1
                self._failures[name] += 1
                now = time.monotonic()
                self._paused_until = now + self._pause(self._streak)
                self._due[name] = now + self._pause(self._failures[name])
            self._changed.notify_all()

    def _pause(self, failures: int) -> float:
        longest = FIRST_PAUSE if self._hurried else LONGEST_PAUSE
        return min(longest, FIRST_PAUSE * 2.0 ** min(failures - 1, 16))
