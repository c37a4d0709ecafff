"""What the mirrors have of a study.

It is a file of its own beside the record, and holds nothing that could not be found again: the
process of the mirrors has the lowest priority, and a lock that it held would make the driver wait.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from studies.home import Home, redact
from studies.records.rows import milliseconds

FILE = "mirrors.db"
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
    """How a mirror comes along."""

    mirror: str
    """`optuna` or `mlflow`."""
    steps: int = 0
    """Grows with everything that it does."""
    error: str = ""
    """Why it fails at the moment."""
    revision: int = -1
    """The revision of the record up to which it is complete, results included."""


@dataclass
class Deliveries:
    """What the mirrors of a study have, open for the process that brings them up to the record."""

    connection: sqlite3.Connection

    @classmethod
    def open(cls, home: Home, study: str) -> Deliveries:
        """Those of a study; a file that is damaged is made anew."""
        path = deliveries_file(home, study)
        try:
            return cls(_open(path))
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise
            for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
                path.with_name(name).unlink(missing_ok=True)
            return cls(_open(path))

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()

    def revisions(self, mirror: str, store: str) -> dict[str, int]:
        """The revision of every trial that a mirror has, by the trial's key."""
        query = "SELECT trial, revision FROM deliveries WHERE mirror = ? AND store = ?"
        return dict(self.connection.execute(query, [mirror, store]))

    def remotes(self, mirror: str, store: str) -> dict[str, str]:
        """What every trial is called in a mirror, by the trial's key."""
        query = "SELECT trial, remote FROM deliveries WHERE mirror = ? AND store = ?"
        return dict(self.connection.execute(query, [mirror, store]))

    def note(self, mirror: str, store: str, rows: Iterable[tuple[str, int, str]]) -> None:
        """A mirror has these trials: key, revision, and what they are called there."""
        with self.connection:
            self.connection.executemany(
                "INSERT OR REPLACE INTO deliveries VALUES (?, ?, ?, ?, ?)",
                [(mirror, store, *row) for row in rows],
            )

    def forget(self, mirror: str, store: str) -> None:
        """A mirror has lost everything, or is to be made anew."""
        with self.connection:
            for table in ("deliveries", "status"):
                self.connection.execute(
                    f"DELETE FROM {table} WHERE mirror = ? AND store = ?", [mirror, store]
                )

    def say(self, status: MirrorStatus, store: str) -> None:
        """Say how a mirror comes along."""
        with self.connection:
            self.connection.execute(
                "INSERT OR REPLACE INTO status VALUES (?, ?, ?, ?, ?, ?)",
                [status.mirror, store, status.steps, status.error, status.revision,
                 milliseconds()],
            )  # fmt: skip


def deliveries_file(home: Home, study: str) -> Path:
    """Where it is noted what the mirrors have of a study."""
    return home.study(study) / FILE


def store_name(url: str) -> str:
    """What tells a mirror's store from others: no password can be read from it."""
    return hashlib.sha256(redact(url).encode()).hexdigest()[:8]


def run_ids(home: Home, study: str) -> dict[str, str]:
    """The MLflow runs of a study's trials in the store in use, by the trial's key."""
    query = (
        "SELECT trial, remote FROM deliveries "
        "WHERE mirror = 'mlflow' AND store = ? AND trial <> '' AND remote <> ''"
    )
    return dict(_look(home, study, query, [store_name(home.mlflow_uri)]))


def statuses(home: Home, study: str) -> dict[str, MirrorStatus]:
    """How the mirrors in use come along, by name; those that never began are missing."""
    stores = {"optuna": store_name(home.optuna_url), "mlflow": store_name(home.mlflow_uri)}
    query = "SELECT mirror, store, steps, error, revision FROM status"
    rows = [row for row in _look(home, study, query) if stores.get(row[0]) == row[1]]
    return {mirror: MirrorStatus(mirror, *rest) for mirror, _, *rest in rows}


def is_behind(home: Home, study: str, revision: int) -> bool:
    """Whether a mirror lacks something of what the record says at that revision."""
    found = statuses(home, study)
    return any(
        name not in found or found[name].revision < revision for name in ("optuna", "mlflow")
    )


def _look(home: Home, study: str, query: str, values: Iterable[str] = ()) -> list[tuple]:  # type: ignore[type-arg]
    """Rows, or none where the file is missing or cannot be read: it is no record."""
    path = deliveries_file(home, study)
    if path.exists():
        with suppress(sqlite3.Error):
            uri = f"{path.resolve().as_uri()}?mode=ro"
            with closing(sqlite3.connect(uri, uri=True, timeout=1.0)) as connection:
                return connection.execute(query, list(values)).fetchall()
    return []


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=60.0, check_same_thread=False)
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.executescript(TABLES)
    return connection
