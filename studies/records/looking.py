"""Looks into SQLite files that somebody else writes, without a trace where nobody does."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar
from urllib.parse import quote

from studies.home.database import is_held

WAL_FORMAT = 2
"""The 19th byte of a database in WAL mode."""
LOOK_SECONDS = 60.0
"""How long somebody who looks waits for a file that is locked."""
Stamp = tuple[int, ...]
Result = TypeVar("Result")


@dataclass
class Look:
    """A connection that cannot write; to be used as a context, or closed."""

    connection: sqlite3.Connection
    path: Path
    still: Stamp | None = None
    """What the file looked like where SQLite is told that nobody changes it."""
    copy: TemporaryDirectory[str] | None = None
    """Where a copy is looked into."""

    @property
    def holds(self) -> bool:
        """Whether what was read is what the file says: nobody has changed it since."""
        return self.still is None or self.still == stamp(self.path)

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()
        if self.copy is not None:
            self.copy.cleanup()

    def __enter__(self) -> Look:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def look(path: Path, seconds: float = LOOK_SECONDS) -> Look:
    """Look into a file; a lock on it is waited for so long.

    Looking into a database in WAL mode makes two files beside it, unless SQLite is told that it
    does not change: it is told so where no log waits, that is, where nobody has it open to write.
    Where a log waits in a folder that cannot be written, a copy is looked into.
    """
    before = stamp(path)
    if is_idle(path):
        return Look(_connect(path, "immutable=1", seconds), path, before)
    connection = _connect(path, "mode=ro", seconds)
    try:
        connection.execute("PRAGMA schema_version").fetchone()
    except sqlite3.OperationalError:
        connection.close()
        if os.access(path.parent, os.W_OK) or not _log(path).exists():
            raise
        return _look_into_copy(path, before, seconds)
    except BaseException:
        connection.close()
        raise
    return Look(connection, path)


def read(path: Path, reading: Callable[[sqlite3.Connection], Result], seconds: float) -> Result:
    """What is read of a file; it is read again where somebody has changed it meanwhile."""
    while True:
        with look(path, seconds) as seen:
            try:
                found = reading(seen.connection)
            except Exception:
                if seen.holds:
                    raise
            else:
                if seen.holds:
                    return found


def is_idle(path: Path) -> bool:
    """Whether a database is in WAL mode, and no log waits."""
    if is_held(path):
        return False
    with path.open("rb") as file:
        head = file.read(19)
    return head[18:] == bytes([WAL_FORMAT]) and not _size(_log(path))


def stamp(path: Path) -> Stamp:
    """What changes when a database does."""
    file = path.stat()
    return file.st_dev, file.st_ino, file.st_size, file.st_mtime_ns, _size(_log(path))


def _look_into_copy(path: Path, before: Stamp, seconds: float) -> Look:
    folder = TemporaryDirectory(prefix="fairtune-")
    try:
        copy = Path(folder.name) / path.name
        for source, target in ((path, copy), (_log(path), _log(copy))):
            shutil.copyfile(source, target)
        connection = _connect(copy, "mode=rw", seconds)
        connection.execute("PRAGMA query_only = ON")
    except BaseException:
        folder.cleanup()
        raise
    return Look(connection, path, before, folder)


def _connect(path: Path, how: str, seconds: float) -> sqlite3.Connection:
    uri = f"file:{quote(str(path.absolute()))}?{how}"
    return sqlite3.connect(uri, uri=True, timeout=seconds, check_same_thread=False)


def _log(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
