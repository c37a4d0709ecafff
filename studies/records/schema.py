"""The tables of a record, their version, and how older ones are brought up to it.

docs/record.md describes every column for people who read records with other programs.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

APPLICATION_ID = 0x66616972  # "fair"
"""What tells a record from other SQLite files (`PRAGMA application_id`)."""
VERSION = 4
"""The version of the tables below (`PRAGMA user_version`)."""

TABLES = """
CREATE TABLE notes (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE revision (
    last INTEGER NOT NULL
);
INSERT INTO revision VALUES (0);
CREATE TABLE searches (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    arm TEXT NOT NULL,
    repeat INTEGER NOT NULL,
    phase TEXT NOT NULL,
    split INTEGER,
    goal TEXT NOT NULL,
    sampler_state TEXT NOT NULL DEFAULT '{}'
);
CREATE TABLE trials (
    id INTEGER PRIMARY KEY,
    search INTEGER NOT NULL REFERENCES searches (id),
    number INTEGER NOT NULL,
    key TEXT NOT NULL UNIQUE,
    arm TEXT NOT NULL,
    repeat INTEGER NOT NULL,
    split INTEGER,
    seed INTEGER NOT NULL,
    seed_index INTEGER,
    is_default INTEGER NOT NULL,
    duplicate_of INTEGER,
    config_hash TEXT NOT NULL,
    configuration TEXT NOT NULL,
    params TEXT NOT NULL,
    distributions TEXT NOT NULL,
    sampler_state TEXT NOT NULL,
    started INTEGER NOT NULL,
    ended INTEGER,
    outcome TEXT,
    value REAL,
    epochs INTEGER NOT NULL DEFAULT 0,
    best_epoch INTEGER,
    best TEXT NOT NULL DEFAULT '{}',
    test TEXT NOT NULL DEFAULT '{}',
    reason TEXT NOT NULL DEFAULT '',
    traceback TEXT NOT NULL DEFAULT '',
    seconds REAL NOT NULL DEFAULT 0,
    device TEXT NOT NULL DEFAULT '',
    data_hash TEXT NOT NULL DEFAULT '',
    weights_hash TEXT NOT NULL DEFAULT '',
    rows TEXT NOT NULL DEFAULT '{}',
    revision INTEGER NOT NULL,
    code TEXT NOT NULL DEFAULT '',
    queued INTEGER NOT NULL DEFAULT 0,
    system TEXT NOT NULL DEFAULT '{}',
    UNIQUE (search, number)
);
CREATE INDEX trials_by_revision ON trials (revision);
CREATE TABLE attempts (
    trial INTEGER NOT NULL REFERENCES trials (id),
    number INTEGER NOT NULL,
    started INTEGER NOT NULL,
    ended INTEGER,
    outcome TEXT,
    reason TEXT NOT NULL DEFAULT '',
    version TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (trial, number)
) WITHOUT ROWID;
CREATE TABLE epochs (
    trial INTEGER NOT NULL REFERENCES trials (id),
    epoch INTEGER NOT NULL,
    time INTEGER NOT NULL,
    value REAL,
    metrics TEXT NOT NULL,
    PRIMARY KEY (trial, epoch)
) WITHOUT ROWID;
"""
ANNOTATIONS = """
CREATE TABLE annotations (
    trial INTEGER NOT NULL,
    name TEXT NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (trial, name)
) WITHOUT ROWID
"""

MIGRATIONS: Mapping[int, str] = {
    1: "ALTER TABLE trials ADD COLUMN code TEXT NOT NULL DEFAULT ''; "
    "ALTER TABLE trials ADD COLUMN queued INTEGER NOT NULL DEFAULT 0",
    2: "ALTER TABLE trials ADD COLUMN system TEXT NOT NULL DEFAULT '{}'",
    3: ANNOTATIONS,
}
"""The SQL that changes the tables of a version to those of the next one."""


def create(connection: sqlite3.Connection) -> None:
    """Make the tables in an empty database, all or none."""
    connection.executescript(
        f"BEGIN IMMEDIATE; {TABLES} {ANNOTATIONS}; PRAGMA application_id = {APPLICATION_ID}; "
        f"PRAGMA user_version = {VERSION}; COMMIT;"
    )


def migrate(connection: sqlite3.Connection, found: int) -> None:
    """Bring the tables from version `found` to this one's, all or nothing."""
    steps = "; ".join(MIGRATIONS[version] for version in range(found, VERSION))
    connection.executescript(f"BEGIN IMMEDIATE; {steps}; PRAGMA user_version = {VERSION}; COMMIT;")
