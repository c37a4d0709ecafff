"""Connections to records: for their one writer, and for people who look.

A writer commits in WAL mode, where readers and it do not meet. On a network file system, whose
machines share no memory, SQLite keeps a rollback journal instead (sqlite.org/wal.html).
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from logging import getLogger
from pathlib import Path
from typing import TypeVar

import psutil

from lightning_modules.errors import StorageError
from lightning_modules.rights import inherit_rights
from studies.home import damage, disk_is_full, hold, home_option
from studies.home.boundary import require_no_pipe
from studies.home.database import back_up, is_held, require_no_programs
from studies.records import schema
from studies.records.read_only import ReadOnlyConnection, open_read_only

LOCK_SECONDS = 5.0
"""How long SQLite itself waits for a lock; Ctrl-C is heard between two such waits."""
RETRY_TIMEOUT = 120.0
"""Seconds for which a writer waits for a record that another program has locked."""
NETWORK = ("9p", "afs", "beegfs", "ceph", "cifs", "fuse.sshfs", "fuse.glusterfs", "gfs2", "gpfs",
           "glusterfs", "lustre", "ncpfs", "nfs", "nfs4", "smb3", "smbfs", "fuse.s3fs",
           "virtiofs")  # fmt: skip
"""File systems that several machines may share."""
FULL_BYTES = 2**16
DAMAGED = (
    "put a copy in its place, or move the folder {folder} away to start the study anew; "
    "after that `fairtune sync {folder.name} --rebuild{option}` replaces what the mirrors have "
    "of it"
)

Result = TypeVar("Result")


def damaged(path: Path) -> str:
    """The words that say what a user can do about a record that cannot be read."""
    folder = path.parent
    return DAMAGED.format(folder=folder, option=home_option(folder.parent.parent))


def open_writer(path: Path) -> sqlite3.Connection:
    """The connection of the one writer; the record is made where it is missing.

    Raises StorageError where the record is damaged or of a newer version: it stays as it is.
    """
    with as_storage_error(path):
        if not path.exists():
            fresh = beside(path)
            open_new(fresh).close()
            put_in_place(fresh, path)
        require_record(path)
        connection = sqlite3.connect(path, timeout=LOCK_SECONDS, isolation_level=None)
        try:
            hold(path)
            with_retry(path, lambda: require_no_programs(connection))
            with_retry(path, lambda: _prepare(connection, path))
        except BaseException:
            connection.close()
            raise
        return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    found = _pragma(connection, "user_version")
    _refuse_newer(path, found)
    network = on_network(path)
    wanted = "DELETE" if network else "WAL"
    (mode,) = connection.execute(f"PRAGMA journal_mode = {wanted}").fetchone()
    # SQLite keeps another journal where it cannot have this one
    connection.execute(f"PRAGMA synchronous = {'NORMAL' if mode == 'wal' else 'FULL'}")
    connection.execute("PRAGMA foreign_keys = ON")
    if found < schema.VERSION:
        copy = back_up(path)
        schema.migrate(connection, found)
        text = "%s was of an older version (%s) and was brought up to date; its copy is %s"
        getLogger("fairtune").warning(text, path, found, copy)


def open_new(path: Path) -> sqlite3.Connection:
    """A connection to a new record that nobody sees yet: until it is put in its place it may be
    lost, and so it is written without waiting for the disk."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = MEMORY")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA foreign_keys = ON")
        schema.create(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def put_in_place(fresh: Path, path: Path) -> None:
    """Give a record that was closed its name; a power failure leaves all of it or nothing."""
    inherit_rights(fresh)
    for each in (fresh, fresh.parent):
        number = os.open(each, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
        if each == fresh:
            fresh.replace(path)


def beside(path: Path) -> Path:
    """Where a record is made that is not to be seen before it is whole."""
    fresh = path.with_name(f".record-{os.getpid()}.db")
    fresh.unlink(missing_ok=True)
    return fresh


def open_reader(path: Path) -> ReadOnlyConnection:
    """A connection that cannot write; where nobody writes it leaves no trace in the folder.

    Raises StorageError where the record is damaged or of another version.
    """
    with as_storage_error(path):
        for beside_it in path.parent.glob("*"):
            require_no_pipe(beside_it)  # one bad study is told before anything of it is read
        require_record(path)
        seen = open_read_only(path)
        try:
            seen.connection.execute("PRAGMA query_only = ON")
            require_no_programs(seen.connection)
            found = _pragma(seen.connection, "user_version")
            _refuse_newer(path, found)
            if found < schema.VERSION:
                option = home_option(path.parents[2])
                raise StorageError(
                    f"{path}: an older fairtune made it (tables {found}); `fairtune doctor --fix"
                    f"{option}` brings it up to date, after a copy"
                )
        except BaseException:
            seen.close()
            raise
        return seen


def require_record(path: Path) -> None:
    """Raise StorageError unless a file is a record of this version or of an earlier one."""
    if is_held(path):
        return
    if not path.is_file():  # a pipe would be waited for
        raise StorageError(f"{path}: is no file; {damaged(path)}")
    if what := damage(path):
        raise StorageError(f"{path}: {what}; {damaged(path)}")
    with path.open("rb") as file:
        head = file.read(100)
    version, application = (int.from_bytes(head[at : at + 4], "big") for at in (60, 68))
    if application != schema.APPLICATION_ID:
        way_out = damaged(path)
        raise StorageError(f"{path}: is no record of fairtune; {way_out}")
    _refuse_newer(path, version)


def is_outdated(path: Path) -> bool:
    """Whether an older fairtune made a record; StorageError where it cannot be read."""
    with as_storage_error(path):
        require_record(path)
        with open_read_only(path) as seen:
            return _pragma(seen.connection, "user_version") < schema.VERSION


def _refuse_newer(path: Path, version: int) -> None:
    if version > schema.VERSION:
        raise StorageError(
            f"{path}: a newer fairtune made it (tables {version}, this one knows up to "
            f"{schema.VERSION}); update fairtune, or name another home with --home"
        )


def with_retry(path: Path, call: Callable[[], Result]) -> Result:
    """Call `call`, again and again for RETRY_TIMEOUT seconds where another program has locked the
    record; what it returns."""
    give_up = time.monotonic() + RETRY_TIMEOUT
    warned = False
    while True:
        try:
            return call()
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() >= give_up:
                raise
            if not warned:
                getLogger("fairtune").warning("%s is locked; waiting for it", path)
            warned = True


@contextmanager
def as_storage_error(path: Path) -> Iterator[None]:
    """Turn an error of SQLite or of the disk into a StorageError that says the way out."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        text = str(error).strip()
        if disk_is_full(error) or ("disk I/O" in text and _is_full(path.parent)):
            way_out = "make room and run the same command again: nothing recorded is lost"
        elif "locked" in text:
            way_out = "end the program that holds it and run the same command again"
        elif "readonly" in text or "unable to open" in text or isinstance(error, OSError):
            way_out = "make it readable and writable, or name another home with --home"
        else:
            way_out = damaged(path)
        raise StorageError(f"{path}: the record cannot be used: {text}; {way_out}") from error


@contextmanager
def as_foreign_content(path: Path) -> Iterator[None]:
    """Turn what values of the wrong kind raise into a StorageError: somebody else has written
    them."""
    try:
        yield
    except (
        ArithmeticError, AttributeError, LookupError, OSError, RecursionError, TypeError, ValueError
    ) as error:  # fmt: skip
        why = str(error).strip().partition("\n")[0][:200] or type(error).__name__
        raise StorageError(
            f"{path}: holds what fairtune has not written there: {why}; {damaged(path)}"
        ) from error


def _is_full(folder: Path) -> bool:
    """Whether nothing fits there: SQLite calls that an I/O error where it maps its log's index."""
    return shutil.disk_usage(folder).free < FULL_BYTES


def on_network(path: Path) -> bool:
    """Whether a file lies on a file system that other machines may share."""
    folder = path.resolve()
    mounted = [
        (len(Path(part.mountpoint).parts), part.fstype)
        for part in psutil.disk_partitions(all=True)
        if folder.is_relative_to(part.mountpoint)
    ]
    return max(mounted, default=(0, ""))[1] in NETWORK


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])
