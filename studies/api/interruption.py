"""How a person stops a study that runs."""

from __future__ import annotations

import signal
import threading
from collections.abc import Sequence
from types import FrameType


class Interruption:
    """Turns the first Ctrl-C or SIGTERM into a request to stop, and a second one into an end.

    The first one lets the running trials finish their epoch; the second does not wait for them.
    """

    def __init__(self, signals: Sequence[int] = (signal.SIGINT, signal.SIGTERM)) -> None:
        """Only the main thread of a process can hear signals; another one hears none."""
        heard = threading.current_thread() is threading.main_thread()
        self.signals = signals if heard else ()

    code: int | None = None
    """128 + the signal's number, once one has come."""

    def __enter__(self) -> Interruption:
        self._before = {number: signal.signal(number, self._heard) for number in self.signals}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _heard(self, number: int, _: FrameType | None) -> None:
        if self.code is not None:
            raise KeyboardInterrupt
        self.code = 128 + number
