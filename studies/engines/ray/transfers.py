"""What is read in the home and written there for nodes, beside the loop that hears them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import ray

from studies.engines import Task
from studies.engines.ray.parcels import LOGGED, Files, deliver, reading


class Store:
    """Files that trainings start from, in Ray's store: each once for all of them."""

    def __init__(self, used: Callable[[], Collection[str | None]]) -> None:
        """`used` says those that some trial starts from; others make room for a new one."""
        self._used = used
        self._stored: dict[str, Any] = {}
        self._storing = asyncio.Lock()

    async def put(self, path: str | None) -> Any:
        """The content of a file as Ray's store has it; StorageError where it cannot be read."""
        if path is None:
            return None
        async with self._storing:
            if path not in self._stored:
                used = self._used()
                self._stored = {each: put for each, put in self._stored.items() if each in used}
                self._stored[path] = await asyncio.to_thread(_put, path)
            return self._stored[path]


def _put(path: str) -> Any:
    with reading(Path(path)):
        content = Path(path).read_bytes()
    return ray.put(content)


async def bring_home(task: Task, files: Files, *, killed: bool) -> None:
    """Write what came from a node into the home: all, or nothing any more once this has ended.
    Of a trial that was `killed` only what it logged: its state may have been removed."""
    if killed:
        files = {name: files[name] for name in files if name.startswith(f"{LOGGED}/")}
    delivery = asyncio.ensure_future(asyncio.to_thread(deliver, task, files))
    try:
        await asyncio.shield(delivery)
    finally:
        await asyncio.wait([delivery])  # a thread goes on where this is cancelled
