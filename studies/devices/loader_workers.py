"""Processes that decode beside every training."""

from __future__ import annotations

from studies.devices.cores import core_count


def loader_workers(workers: int) -> int:
    """The cores that each of so many workers has; 0 where that is one, which trains."""
    cores = core_count() // max(1, workers)
    return cores if cores >= 2 else 0
