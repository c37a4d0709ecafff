"""Whether data fits: its size, as headers tell it, is set against the memory that is free."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from lightning_modules.errors import DataError

SHARE = 0.5
"""Of the free memory; more than that is refused."""
CONTROL_GROUP = Path("/sys/fs/cgroup")


def require_memory(what: str, needed: int) -> None:
    """Raise DataError, about `what`, where `needed` bytes are more than half of what is free."""
    free = free_memory()
    if needed > SHARE * free:
        raise DataError(
            f"{what} would take {spelled(needed)} of memory, more than half of the {spelled(free)} "
            "that are free here; use less of it, or a machine with more memory"
        )


def free_memory() -> int:
    """Bytes that this process may still take: of the machine, its container and its own limit."""
    import psutil

    free = [int(psutil.virtual_memory().available)]
    with suppress(OSError, ValueError):  # not Linux, or no limit, which is the word "max"
        limit = int((CONTROL_GROUP / "memory.max").read_text())
        free.append(limit - int((CONTROL_GROUP / "memory.current").read_text()))
    if os.name == "posix":
        import resource

        own, _ = resource.getrlimit(resource.RLIMIT_AS)
        if own != resource.RLIM_INFINITY:
            free.append(own - psutil.Process().memory_info().vms)
    return max(0, min(free))


def spelled(size: int) -> str:
    """Bytes in a unit that a person reads."""
    for unit, factor in (("GiB", 2**30), ("MiB", 2**20)):
        if size >= factor:
            return f"{size / factor:,.1f} {unit}"
    return f"{size:,} bytes"
