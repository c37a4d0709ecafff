"""A worker and its children (of data loaders, say) end together, and none outlives the driver."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
from typing import NoReturn

PR_SET_PDEATHSIG = 1


def found() -> None:
    """Make this process the head of a group of its own, which ends with the fork server.

    The kernel sees to that on Linux, even where this process is stuck in C code.
    """
    if hasattr(os, "setpgid"):
        os.setpgid(0, 0)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def kill(head: int) -> None:
    """Kill a worker's group, of which the worker itself may be dead already."""
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(head, signal.SIGKILL)


def leave() -> NoReturn:
    """End this process and its group at once."""
    if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)
