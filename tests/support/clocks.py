"""A clock for the driver that a busy machine does not make faster."""

import time
from dataclasses import dataclass

import pytest

from studies.running import trial_loop


@dataclass
class Clock:
    """The real clock, which is `seconds` later after every look at it."""

    seconds: float
    passed: float = 0.0

    def monotonic(self) -> float:
        self.passed += self.seconds
        return time.monotonic() + self.passed


def give_clock(patch: pytest.MonkeyPatch, seconds: float) -> None:
    """The next study that this test runs sees so many seconds pass from look to look."""
    patch.setattr(trial_loop, "time", Clock(seconds))
