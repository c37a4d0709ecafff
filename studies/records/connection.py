"""Connections to records: for their one writer, and for people who look.

A writer commits in WAL mode, where readers and it do not meet. On a network file system, whose
machines share no memory, SQLite keeps a rollback journal instead (sqlite.org/wal.html).
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from logging import getLogger
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

import psutil

from lightning_modules.errors import StorageError
from studies.database import back_up, damage
from studies.home import disk_is_full
from studies.records import schema

LOCK_SECONDS = 5.0
"""How long SQLite itself waits for a lock; Ctrl-C is heard between two such waits."""
RETRY_TIMEOUT = 120.0
"""Seconds for which a writer waits for a record that another program has locked."""
NETWORK = ("9p", "afs", "beegfs", "ceph", "cifs", "fuse.sshfs", "fuse.glusterfs", "gfs2", "gpfs",
           "glusterfs", "lustre", "ncpfs", "nfs", "nfs4", "smb3", "smbfs", "fuse.s3fs",
           "virtiofs")  # fmt: skip
"""File systems that several machines may share."""
DAMAGED = "put a copy in its place, or move the folder {} away to start the study anew"

Result = TypeVar("Result")


def open_writer(path: Path) -> sqlite3.Connection:
    """The connection of the one writer; the record is made where it is missing.

    Raises StorageError where the record is damaged or of a newer version: it stays as it is.
    """
    with said(path):
        new = not path.exists()
        if not new:
            check(path)
        connection = sqlite3.connect(path, timeout=LOCK_SECONDS, isolation_level=None)
        try:
            patiently(path, lambda: _prepare(connection, path, new))
        except BaseException:
            connection.close()
            raise
        return connection


def _prepare(connection: sqlite3.Connection, path: Path, new: bool) -> None:
    mode = "DELETE" if on_network(path) else "WAL"
    connection.execute(f"PRAGMA journal_mode = {mode}")
    connection.execute(
        "PRAGMA synchronous = NORMAL" if mode == "WAL" else "PRAGMA synchronous=FULL"
    )
    connection.execute("PRAGMA foreign_keys = ON")
    if new or not _pragma(connection, "application_id"):
        schema.create(connection)
        return
    found = _pragma(connection, "user_version")
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
    for each in (fresh, fresh.parent):
        number = os.open(each, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
        if each == fresh:
            fresh.replace(path)


def open_reader(path: Path) -> sqlite3.Connection:
    """A connection that cannot write; where nobody writes it leaves no trace in the folder.

    Looking into a database in WAL mode makes two files beside it, unless SQLite is told that it
    does not change: it is told so where no log waits, that is, where no driver has it open.
    Raises StorageError where the record is damaged or of a newer version.
    """
    with said(path):
        check(path)
        log = path.with_name(path.name + "-wal")
        idle = not log.exists() or log.stat().st_size == 0
        uri = f"file:{quote(str(path))}?{'immutable=1' if idle else 'mode=ro'}"
        connection = sqlite3.connect(uri, uri=True, timeout=60, check_same_thread=False)
        connection.execute("PRAGMA query_only = ON")
        return connection


def check(path: Path) -> None:
    """Raise StorageError where a file is no record of this version, or of one before it."""
    if what := damage(path):
        raise StorageError(f"{path}: {what}; {DAMAGED.format(path.parent)}")
    with path.open("rb") as file:
        head = file.read(100)
    log = path.with_name(path.name + "-wal")
    version, application = (int.from_bytes(head[at : at + 4], "big") for at in (60, 68))
    if application == 0 and log.exists():
        return  # its tables are in the log still
    if application != schema.APPLICATION_ID:
        raise StorageError(f"{path}: is no record of fairtune; {DAMAGED.format(path.parent)}")
    if version > schema.VERSION:
        raise StorageError(
            f"{path}: a newer fairtune made it (tables {version}, this one knows up to "
            f"{schema.VERSION}); update fairtune, or name another home with --home"
        )


def patiently(path: Path, call: Callable[[], Result]) -> Result:
    """Repeat what another program's lock on the record makes fail, for RETRY_TIMEOUT seconds."""
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
def said(path: Path) -> Iterator[None]:
    """Say what is wrong with a record, and the way out."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        text = str(error).strip()
        if disk_is_full(error):
            way_out = "make room and run the same command again: nothing recorded is lost"
        elif "locked" in text:
            way_out = "end the program that holds it and run the same command again"
        elif "readonly" in text or "unable to open" in text or isinstance(error, OSError):
            way_out = "make it readable and writable, or name another home with --home"
        else:
            way_out = DAMAGED.format(path.parent)
        raise StorageError(f"{path}: the record cannot be used: {text}; {way_out}") from error


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
