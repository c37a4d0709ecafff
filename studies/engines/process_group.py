"""A worker and its children (of data loaders, say) end together, and none outlives the driver."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from multiprocessing.connection import Connection
from typing import NoReturn

DRIVER = "FAIRTUNE_DRIVER"
"""Names the driver's process to what it starts: who asks for his parent may ask too late."""
LOOK_SECONDS = 0.5


def become_group_leader(parent_pipe: int) -> None:
    """Make this process the leader of a process group that is killed when its parent dies, which
    is when the pipe with the file descriptor `parent_pipe` closes.

    On Linux the kernel sees to that, even where the process hangs in C code and no thread of it
    can read the pipe.
    """
    if hasattr(os, "setpgid") and os.getpgrp() != os.getpid():
        os.setpgid(0, 0)
    if sys.platform == "linux":
        import fcntl

        # opened anew: the signal belongs to an open file, and all workers share the inherited one
        own = os.open(f"/proc/self/fd/{parent_pipe}", os.O_RDONLY | os.O_NONBLOCK)
        fcntl.fcntl(own, fcntl.F_SETOWN, -os.getpid())
        fcntl.fcntl(own, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(own, fcntl.F_SETFL, os.O_NONBLOCK | os.O_ASYNC)


def follow(parent_pipe: Connection) -> None:
    """End this process and its group when the parent does; for a thread."""
    try:
        parent_pipe.recv_bytes()
    except (EOFError, OSError):
        leave()


@contextlib.contextmanager
def end_with_driver() -> Iterator[None]:
    """End this process within moments of the driver, its parent, while it is busy with imports.

    No thread is left afterwards: a process that forks should have none.
    """
    driver = int(os.environ[DRIVER])
    done = threading.Event()

    def look() -> None:
        while not done.wait(LOOK_SECONDS):
            if os.getppid() != driver:
                os._exit(1)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


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
