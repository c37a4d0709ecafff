"""SQLite files: made whole or not at all, looked at before they are opened, copied before they
are changed."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Collection
from contextlib import closing, suppress
from datetime import datetime
from itertools import count
from pathlib import Path
from urllib.parse import quote

from filelock import FileLock
from filelock import Timeout as LockTimeout

from lightning_modules.errors import StorageError
from lightning_modules.rights import inherit_rights, make_folder
from studies.home.boundary import require_no_pipe

CREATION_SECONDS = 120
MAGIC = b"SQLite format 3\0"
JOURNAL_MAGIC = bytes.fromhex("d9d505f920a163d7")
PROGRAMS = "type IN ('trigger', 'view') OR sql LIKE 'create virtual%'"
"""What a schema may hold besides tables and indices: it runs when somebody reads or writes."""
_held: set[tuple[int, int]] = set()
"""Files by device and inode that this process may hold open: to read one itself and close it would
drop SQLite's locks on it, and another process could then remove its log
(sqlite.org/howtocorrupt.html, section 2.2)."""


def sqlite_file(url: str) -> Path | None:
    """The file of an SQLite URL; None for any other database."""
    scheme, _, rest = url.partition("://")
    if scheme.partition("+")[0] != "sqlite":
        return None
    return Path(rest.partition("?")[0].removeprefix("/"))


def hold(path: Path) -> None:
    """This process opens a database from here on, and does not read its file itself any more."""
    _held.add(_identity(path))


def file_lock(path: Path) -> FileLock:
    """A lock of a home: whoever may write into its folder, or the one above, may take it."""
    require_no_pipe(path)
    folder = next(each for each in path.parents if each.exists())
    return FileLock(path, mode=(folder.stat().st_mode & 0o666) | 0o600)


def is_held(path: Path) -> bool:
    """Whether this process may hold a database open."""
    return _identity(path) in _held


def _identity(path: Path) -> tuple[int, int]:
    file = path.stat()
    return file.st_dev, file.st_ino


def within(url: str, folder: Path) -> Path | None:
    """The path of an SQLite database inside a folder; None for any other database."""
    path = sqlite_file(url)
    if path is None or not path.resolve().is_relative_to(folder.resolve()):
        return None
    return path.resolve().relative_to(folder.resolve())


def damage(path: Path) -> str | None:
    """What the first bytes of a database say is wrong with it; None where nothing is, and where
    this process holds it: then SQLite itself must say. StorageError where it is a pipe."""
    require_no_pipes(path)
    if is_held(path):
        return None
    with path.open("rb") as file:
        head = file.read(100)
    if not head:
        return "the file is empty"
    if not head.startswith(MAGIC):
        return "file is not a database"
    page = int.from_bytes(head[16:18], "big")
    expected = (65536 if page == 1 else page) * int.from_bytes(head[28:32], "big")
    log = path.with_name(path.name + "-wal")
    in_use = log.exists() and log.stat().st_size > 0
    if path.stat().st_size < expected and not in_use:
        return f"the file is cut off: {path.stat().st_size} of {expected} bytes are there"
    return foreign_journal(path)


def require_no_pipes(path: Path) -> None:
    """Raise StorageError where a database, or what SQLite opens beside it, is a pipe."""
    for end in ("", "-wal", "-shm", "-journal"):
        require_no_pipe(path.with_name(f"{path.name}{end}"))


def foreign_journal(path: Path) -> str | None:
    """What is wrong with the rollback journal beside a database; None where nothing is.

    It may end with the name of a super-journal (sqlite.org/fileformat.html, section 3), and SQLite
    deletes that once the journal is played back, wherever it is. Only transactions over several
    databases leave such a name, and nobody here has those.
    """
    journal = path.with_name(f"{path.name}-journal")
    if not journal.exists():
        return None
    with journal.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - len(JOURNAL_MAGIC)))
        if file.read() == JOURNAL_MAGIC and file.tell() > len(JOURNAL_MAGIC):
            return f"{journal.name} names another file, which SQLite would delete"
    return None


def require_no_programs(
    connection: sqlite3.Connection, known: Collection[tuple[str, str]] = ()
) -> None:
    """Raise DatabaseError where the schema of a database holds triggers, views or virtual tables:
    they would run when it is read or written. `known` are those that its library makes, by name
    and SQL."""
    connection.execute("PRAGMA trusted_schema = OFF")
    found = connection.execute(f"SELECT name, type, sql FROM sqlite_master WHERE {PROGRAMS}")
    for name, kind, sql in found.fetchall():
        if (name, sql) not in known:
            raise sqlite3.DatabaseError(f"it has a {kind} {name!r}, which nobody here has made")


def programs(path: Path) -> set[tuple[str, str]]:
    """The triggers, views and virtual tables of a database, by name and SQL."""
    with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as database:
        return set(database.execute(f"SELECT name, sql FROM sqlite_master WHERE {PROGRAMS}"))


def refuse_programs(path: Path, known: Collection[tuple[str, str]] = ()) -> None:
    """The same for the file of a database that a library opens."""
    with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as database:
        require_no_programs(database, known)


def prepare(path: Path, create: Callable[[Path], None]) -> None:
    """Make a database where it is missing; `create` fills a file beside it, which is renamed.

    Half a database is beyond repair, and a killed process leaves none this way. Raises
    DatabaseError where the file is damaged; it stays as it is.
    """
    if not path.exists():
        make_folder(path.parent)
        try:
            with file_lock(path.with_name(f"{path.name}.lock")).acquire(timeout=CREATION_SECONDS):
                if not path.exists():
                    fresh = path.with_name(f"{path.name}.new")
                    fresh.unlink(missing_ok=True)
                    create(fresh)
                    inherit_rights(fresh)
                    fresh.replace(path)
        except LockTimeout:
            raise StorageError(
                f"{path}: another process has been making it for {CREATION_SECONDS} s; "
                "end that process and run the same command again"
            ) from None
    if what := damage(path):
        raise sqlite3.DatabaseError(what)
    hold(path)


def integrity(path: Path) -> str:
    """SQLite's own check of a whole file: `ok`, or what is wrong."""
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)) as database:
            rows = database.execute("PRAGMA integrity_check(5)").fetchall()
    except sqlite3.Error as error:
        return str(error)
    return "; ".join(str(row[0]) for row in rows)


def tables(path: Path) -> set[str]:
    """The names of the tables of an SQLite database."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        query = "select name from sqlite_master where type = 'table'"
        return {name for (name,) in database.execute(query)}


def journal_mode(path: Path, wanted: str = "") -> str:
    """How the database keeps its log: `wal` lets readers and the writer not meet."""
    with closing(sqlite3.connect(path, timeout=30)) as database:
        pragma = f"PRAGMA journal_mode={wanted}" if wanted else "PRAGMA journal_mode"
        return str(database.execute(pragma).fetchone()[0])


def empty_log(path: Path) -> None:
    """Bring what waits in the log of a database into its file, unless somebody uses it: whoever
    copies the file has everything."""
    if path.exists():
        with suppress(sqlite3.Error), closing(sqlite3.connect(path, timeout=1)) as database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def back_up(path: Path) -> Path:
    """Copy a database beside itself; the copy."""
    copy = _new_file(path.with_name(f"{path.name}.backup-{datetime.now():%Y%m%d-%H%M%S}"))
    try:
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
    except BaseException:
        copy.unlink(missing_ok=True)  # half of it is no copy
        raise
    return copy


def _new_file(path: Path) -> Path:
    """An empty file of that name, or with a number behind it where others have it."""
    for number in count(1):
        new = path if number == 1 else path.with_name(f"{path.name}-{number}")
        with suppress(FileExistsError):
            new.touch(exist_ok=False)
            inherit_rights(new)
            break
    return new
