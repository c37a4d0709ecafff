"""What the mirrors have of a study.

It is a file of its own beside the record, and holds nothing that could not be found again: the
process of the mirrors has the lowest priority, and a lock that it held would make the driver wait.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lightning_modules.errors import StorageError
from lightning_modules.hashing import short_hash
from lightning_modules.rights import make_file
from studies.home import Home, disk_is_full, hold, redact
from studies.home.database import (
    foreign_journal,
    require_no_pipes,
    require_no_programs,
    within,
)
from studies.records import read_only
from studies.records.connection import on_network
from studies.records.rows import milliseconds

FILE = "mirrors.db"
LOCK_SECONDS = 60.0
"""How long one mirror waits for the other one's note."""
LOOK_SECONDS = 1.0
"""Seconds for which somebody who looks waits for a file that is locked."""
UNKNOWN = -1
"""The revision of what may be there, in part or whole."""
REVISIONS = "SELECT trial, revision FROM deliveries WHERE mirror = ? AND store = ?"
TABLES = """
CREATE TABLE IF NOT EXISTS deliveries (
    mirror TEXT NOT NULL,
    store TEXT NOT NULL,
    trial TEXT NOT NULL,
    revision INTEGER NOT NULL,
    remote TEXT NOT NULL,
    PRIMARY KEY (mirror, store, trial)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS status (
    mirror TEXT NOT NULL,
    store TEXT NOT NULL,
    steps INTEGER NOT NULL,
    error TEXT NOT NULL,
    revision INTEGER NOT NULL,
    time INTEGER NOT NULL,
    PRIMARY KEY (mirror, store)
) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class MirrorStatus:
    """How far a mirror has copied the record, and why it fails where it does."""

    mirror: str
    """`optuna` or `mlflow`."""
    steps: int = 0
    """A counter that grows with everything that it does."""
    error: str = ""
    """Why it fails at the moment; empty where it does not."""
    revision: int = -1
    """The revision of the record up to which it is complete, results included."""


@dataclass
class Deliveries:
    """What the mirrors of a study have, open for the process that brings them up to the record.

    Every method raises StorageError where the file cannot be used.
    """

    connection: sqlite3.Connection
    path: Path

    @classmethod
    def open(cls, home: Home, study: str) -> Deliveries:
        """Those of a study; a file that is damaged is made anew.

        To be called first by a process that holds the lock of the mirrors: what is made anew is
        taken away from whoever has it open.
        """
        path = deliveries_file(home, study)
        with _as_storage_error(path):
            try:
                return cls(_open(path), path)
            except sqlite3.DatabaseError as error:
                if isinstance(error, sqlite3.OperationalError):
                    raise
                for end in ("", "-wal", "-shm", "-journal"):
                    path.with_name(f"{path.name}{end}").unlink(missing_ok=True)
                return cls(_open(path), path)

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()

    def revisions(self, mirror: str, store: str) -> dict[str, int]:
        """The revision of every trial that a mirror has, by the trial's key."""
        with _as_storage_error(self.path):
            return dict(self.connection.execute(REVISIONS, [mirror, store]))

    def remotes(self, mirror: str, store: str) -> dict[str, str]:
        """What a mirror calls every trial (a run id or a number), by the trial's key."""
        query = "SELECT trial, remote FROM deliveries WHERE mirror = ? AND store = ?"
        with _as_storage_error(self.path):
            return dict(self.connection.execute(query, [mirror, store]))

    def note(self, mirror: str, store: str, rows: Iterable[tuple[str, int, str]]) -> None:
        """Write down that a mirror has these trials: key, revision, and their names there."""
        with _as_storage_error(self.path), self.connection:
            self.connection.executemany(
                "INSERT OR REPLACE INTO deliveries VALUES (?, ?, ?, ?, ?)",
                [(mirror, store, *row) for row in rows],
            )

    def doubt(self, mirror: str, store: str) -> None:
        """Mark everything that a mirror has as to be delivered again; the names there stay."""
        with _as_storage_error(self.path), self.connection:
            for table in ("deliveries", "status"):
                self.connection.execute(
                    f"UPDATE {table} SET revision = {UNKNOWN} WHERE mirror = ? AND store = ?",
                    [mirror, store],
                )

    def forget(self, mirror: str, store: str) -> None:
        """Write down that a mirror has nothing: it was lost, or is to be made anew."""
        with _as_storage_error(self.path), self.connection:
            for table in ("deliveries", "status"):
                self.connection.execute(
                    f"DELETE FROM {table} WHERE mirror = ? AND store = ?", [mirror, store]
                )

    def say(self, status: MirrorStatus, store: str) -> None:
        """Write down the status of a mirror."""
        with _as_storage_error(self.path), self.connection:
            self.connection.execute(
                "INSERT OR REPLACE INTO status VALUES (?, ?, ?, ?, ?, ?)",
                [status.mirror, store, status.steps, status.error, status.revision,
                 milliseconds()],
            )  # fmt: skip


def deliveries_file(home: Home, study: str) -> Path:
    """Where it is noted what the mirrors have of a study."""
    return home.study(study) / FILE


def store_name(url: str, home: Home) -> str:
    """What tells a mirror's store from others: no password can be read from it. A database in the
    home keeps its name wherever the home goes."""
    inside = within(url, home.path)
    return url_hash(url if inside is None else f"home/{inside}")


def url_hash(url: str) -> str:
    """A short hash of a URL without its password."""
    return short_hash(redact(url), 8)


def run_ids(home: Home, study: str) -> dict[str, str]:
    """The MLflow runs of a study's trials in the store in use, by the trial's key."""
    query = (
        "SELECT trial, remote FROM deliveries "
        "WHERE mirror = 'mlflow' AND store = ? AND trial <> '' AND remote <> ''"
    )
    return dict(_look(home, study, query, [store_name(home.mlflow_uri, home)]) or [])


def revisions(home: Home, study: str, mirror: str, url: str) -> dict[str, int]:
    """The revision of every trial that a mirror has at that URL, by the trial's key."""
    return dict(_look(home, study, REVISIONS, [mirror, store_name(url, home)]) or [])


def known_statuses(home: Home, study: str, timeout: float) -> dict[str, MirrorStatus] | None:
    """How the mirrors in use come along, by name, those that never began are missing; None where
    nobody can see that within so many seconds."""
    stores = {
        "optuna": store_name(home.optuna_url, home),
        "mlflow": store_name(home.mlflow_uri, home),
    }
    query = "SELECT mirror, store, steps, error, revision FROM status"
    found = _look(home, study, query, timeout=timeout)
    if found is None:
        return None
    rows = [row for row in found if stores.get(row[0]) == row[1]]
    return {mirror: MirrorStatus(mirror, *rest) for mirror, _, *rest in rows}


def statuses(home: Home, study: str) -> dict[str, MirrorStatus]:
    """How the mirrors in use come along, by name; those of which nobody can see it are missing."""
    return known_statuses(home, study, LOOK_SECONDS) or {}


def is_behind(home: Home, study: str, revision: int) -> bool:
    """Whether a mirror lacks something of what the record says at that revision."""
    found = statuses(home, study)
    return any(
        name not in found or found[name].revision < revision for name in ("optuna", "mlflow")
    )


def _look(
    home: Home, study: str, query: str, values: Sequence[str] = (), timeout: float = LOOK_SECONDS
) -> list[Any] | None:
    """Rows, none where the file is missing; None where it cannot be read: it is no record."""
    path = deliveries_file(home, study)
    with suppress(sqlite3.Error, OSError):
        if not path.exists():
            return []
        return read_only.read(path, lambda file: file.execute(query, values).fetchall(), timeout)
    return None


def _open(path: Path) -> sqlite3.Connection:
    require_no_pipes(path)
    if what := foreign_journal(path):
        raise sqlite3.DatabaseError(what)
    make_file(path)  # SQLite gives its log the same rights
    connection = sqlite3.connect(path, timeout=LOCK_SECONDS, check_same_thread=False)
    try:
        hold(path)
        require_no_programs(connection)
        # nobody who looks waits for a writer, not even for one that is stopped in mid-write
        wanted = "DELETE" if on_network(path) else "WAL"
        connection.execute(f"PRAGMA journal_mode = {wanted}")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.executescript(TABLES)
        (said,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if said != "ok":
            raise sqlite3.DatabaseError(said)
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def _as_storage_error(path: Path) -> Iterator[None]:
    """Turn an error of SQLite or of the disk into a StorageError that says the way out."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        if disk_is_full(error):
            way_out = "make room"
        elif "locked" in str(error):
            way_out = "end the process that holds it"
        else:
            way_out = "move it away: it is made anew from what the mirrors have"
        raise StorageError(
            f"{path}: what the mirrors have cannot be noted: {error}; {way_out} and run the same "
            "command again"
        ) from error
