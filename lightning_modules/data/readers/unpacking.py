"""Compressed files, unpacked as far as they are believed to be what they seem."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from lightning_modules.data.readers.memory import SHARE, free_memory, spelled
from lightning_modules.errors import DataError

ALWAYS = 2**28
"""Bytes that any file may unpack to."""
RATIO = 100
"""Times its size that a larger file may unpack to; tables of numbers stay below 20."""
BLOCK = 2**20
IN_MEMORY = 4
"""Bytes of memory that reading takes for each byte of text."""


def _only_member(path: Path) -> IO[bytes]:
    archive = zipfile.ZipFile(path)
    names = archive.namelist()
    if len(names) != 1:
        raise DataError(f"{path}: holds {len(names)} files; a compressed table is one alone")
    return archive.open(names[0])


def _zstandard(path: Path) -> Any:
    import pyarrow

    return pyarrow.input_stream(str(path), compression="zstd")


OPENERS: dict[str, Callable[[Path], Any]] = {
    ".gz": gzip.GzipFile,
    ".bz2": bz2.BZ2File,
    ".xz": lzma.LZMAFile,
    ".zip": _only_member,
    ".zst": _zstandard,
}


@contextmanager
def unpacked(path: Path, name: str) -> Iterator[Any]:
    """What a compressed file called `name` holds, as a file.

    Reading raises DataError where it unpacks to more than fits into half of the free memory, or to
    so many times its size that it is made to have no end.
    """
    limit = min(int(SHARE * free_memory() / IN_MEMORY), max(ALWAYS, RATIO * path.stat().st_size))
    with OPENERS[path.suffix.lower()](path) as opened:
        yield io.BufferedReader(_Counted(opened, limit, name), BLOCK)


class _Counted(io.RawIOBase):
    def __init__(self, opened: IO[bytes], limit: int, name: str) -> None:
        super().__init__()
        self.opened, self.left, self.limit, self.name = opened, limit, limit, name

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer with the next bytes; how many there were."""
        found = self.opened.read(len(buffer))
        buffer[: len(found)] = found
        self.left -= len(found)
        if self.left < 0:
            raise DataError(
                f"{self.name}: unpacks to more than {spelled(self.limit)}, which is not believed "
                "or does not fit in memory; unpack it, and name a smaller file"
            )
        return len(found)
