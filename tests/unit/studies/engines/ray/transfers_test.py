"""What many trials start from is put into Ray's store once, and leaves it again."""

import asyncio
import threading
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from lightning_modules.errors import StorageError
from tests.support.pretended_ray import pretended_ray


def test_a_file_is_put_into_the_store_once_beside_the_loop_and_dropped_when_nobody_uses_it(
    tmp_path: Path,
) -> None:
    names = [str(tmp_path / name) for name in ("a", "b", "c")]
    for name in names:
        Path(name).write_text(name)
    a, b, c = names
    used: set[str | None] = {a, None}
    put: list[str] = []

    def noting(content: bytes) -> bytes:
        assert threading.current_thread() is not threading.main_thread()
        put.append(content.decode())
        return content

    async def scene(module: Any) -> None:
        store = module.Store(lambda: used)
        assert await store.put(None) is None
        assert await asyncio.gather(store.put(a), store.put(a)) == [a.encode(), a.encode()]
        await store.put(b)
        used.add(b)
        await store.put(a)
        assert put == [a, b]
        used.discard(a)
        await store.put(c)
        await store.put(b)
        assert put == [a, b, c]
        await store.put(a)
        assert put == [a, b, c, a]

    with pretended_ray("transfers") as module, mock.patch.object(module.ray, "put", noting):
        asyncio.run(scene(module))


def test_weights_that_are_too_large_for_memory_are_named() -> None:
    with (
        pretended_ray("transfers") as module,
        mock.patch.object(Path, "read_bytes", side_effect=MemoryError),
        pytest.raises(StorageError, match=r"w.pt cannot be read: it does not fit into memory"),
    ):
        asyncio.run(module.Store(set).put("w.pt"))
