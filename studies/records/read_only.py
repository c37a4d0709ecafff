"""Read-only connections to SQLite files that another process may write.

They leave no file beside the database where nobody writes it.
"""

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

from studies.home.database import is_held, require_no_pipes

WAL_FORMAT = 2
"""The 19th byte of a database in WAL mode."""
LOOK_SECONDS = 60.0
"""How long somebody who looks waits for a file that is locked."""
Stamp = tuple[int, ...]
Result = TypeVar("Result")


@dataclass
class ReadOnlyConnection:
    """A connection that cannot write; use it in a `with` block, or close it."""

    connection: sqlite3.Connection
    path: Path
    still: Stamp | None = None
    """What the file looked like where SQLite is told that nobody changes it."""
    copy: TemporaryDirectory[str] | None = None
    """The folder of the copy that is read, where one is."""

    @property
    def holds(self) -> bool:
        """Whether what was read is what the file says: nobody has changed it since."""
        return self.still is None or self.still == stamp(self.path)

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()
        if self.copy is not None:
            self.copy.cleanup()

    def __enter__(self) -> ReadOnlyConnection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_read_only(path: Path, seconds: float = LOOK_SECONDS) -> ReadOnlyConnection:
    """Open a database to read it; a lock on it is waited for up to `seconds`.

    To read a database in WAL mode makes two files beside it, unless SQLite is told that it does
    not change: it is told so where no log waits, that is, where nobody has it open to write.
    Where a log waits in a folder that cannot be written, a copy is read.
    """
    require_no_pipes(path)
    before = stamp(path)
    if is_idle(path):
        return ReadOnlyConnection(_connect(path, "immutable=1", seconds), path, before)
    connection = _connect(path, "mode=ro", seconds)
    try:
        connection.execute("PRAGMA schema_version").fetchone()
    except sqlite3.OperationalError:
        connection.close()
        if os.access(path.parent, os.W_OK) or not _log(path).exists():
            raise
        return _open_copy(path, before, seconds)
    except BaseException:
        connection.close()
        raise
    return ReadOnlyConnection(connection, path)


def read(path: Path, reading: Callable[[sqlite3.Connection], Result], seconds: float) -> Result:
    """What `reading` returns; it is called again where the file has changed meanwhile."""
    while True:
        with open_read_only(path, seconds) as seen:
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
    """Device, inode, size, time and size of the log: some of them change when a database does."""
    file = path.stat()
    return file.st_dev, file.st_ino, file.st_size, file.st_mtime_ns, _size(_log(path))


def _open_copy(path: Path, before: Stamp, seconds: float) -> ReadOnlyConnection:
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
    return ReadOnlyConnection(connection, path, before, folder)


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
