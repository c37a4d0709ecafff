"""SQLite databases: the rows of one table, of a file that is only looked at."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas as pd

from lightning_modules.components import suggestion
from lightning_modules.data.readers.memory import require_memory
from lightning_modules.data.readers.tables.form import FileForm
from lightning_modules.data.readers.tables.typed import PER_VALUE, frame_of
from lightning_modules.data.readers.unpacking import IN_MEMORY
from lightning_modules.errors import DataError

BLOCK = 10_000
"""Rows after which the memory is asked again."""


def read_database(file: Path, path: str, form: FileForm) -> tuple[pd.DataFrame, list[str]]:
    """The rows of a table of a database, and what is to be said of them.

    Nothing of the database is run: no view, no trigger, no computed column. Raises DataError where
    it is none, or is being written.
    """
    beside = [file.with_name(file.name + ending) for ending in ("-wal", "-journal")]
    if any(each.is_file() and each.stat().st_size for each in beside):
        raise DataError(
            f"{path}: is being written by another program; close it, or run: sqlite3 {path} "
            '"PRAGMA wal_checkpoint(TRUNCATE)"'
        )
    require_memory(f"{path}: its rows", file.stat().st_size * IN_MEMORY)
    try:
        address = f"{file.resolve().as_uri()}?mode=ro&immutable=1"
        with closing(sqlite3.connect(address, uri=True)) as database:
            database.execute("PRAGMA trusted_schema = OFF")
            database.execute("PRAGMA query_only = ON")
            database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, max(10**6, file.stat().st_size))
            name = _table(database, form, path)
            return _rows(database, name, path)
    except (sqlite3.Error, OverflowError, UnicodeError) as error:
        raise DataError(f"{path}: is no whole SQLite database ({error})") from None


def _table(database: sqlite3.Connection, form: FileForm, path: str) -> str:
    listed = database.execute("SELECT name, type, sql FROM sqlite_master").fetchall()
    tables = [
        str(name) for name, kind, sql in listed
        if kind == "table" and not str(name).startswith("sqlite_") and not _is_virtual(sql)
    ]  # fmt: skip
    views = [str(name) for name, kind, _ in listed if kind == "view"]
    if form.table in views or (not tables and views):
        name = form.table if form.table in views else views[0]
        raise DataError(
            f"{path}: {name} is a view, which is a program and is not run; copy it into a table: "
            f'sqlite3 {path} \'CREATE TABLE "{name}_rows" AS SELECT * FROM "{name}"\''
        )
    if form.table is not None:
        if form.table not in tables:
            hint = suggestion(form.table, tables) or f"; it has {', '.join(tables[:20]) or 'none'}"
            raise DataError(f"{path}: there is no table {form.table!r}{hint}")
        return form.table
    if len(tables) != 1:
        known = f"has {len(tables)} tables ({', '.join(tables[:10])}); write table with one of them"
        raise DataError(f"{path}: {known if tables else 'has no table; name another file'}")
    return tables[0]


def _is_virtual(sql: str | None) -> bool:
    return " ".join(str(sql).split()[:2]).upper() == "CREATE VIRTUAL"


def _rows(database: sqlite3.Connection, name: str, path: str) -> tuple[pd.DataFrame, list[str]]:
    described = database.execute(f"PRAGMA table_xinfo({_quoted(name)})").fetchall()
    names = [str(column[1]) for column in described if not column[6]]
    computed = [str(column[1]) for column in described if column[6] in (2, 3)]
    chosen = ", ".join(map(_quoted, names))
    values: list[list[Any]] = [[] for _ in names]
    for block in _blocks(database.execute(f"SELECT {chosen} FROM {_quoted(name)}"), path, names):
        for column, more in zip(values, zip(*block, strict=True), strict=True):
            column += more
    notices = [f"column {column} is computed and is not read" for column in computed]
    return frame_of(dict(zip(names, values, strict=True))), [
        f"table {name!r} is read",
        *notices,
    ]


def _blocks(
    cursor: sqlite3.Cursor, path: str, names: Sequence[str]
) -> Iterator[Sequence[Sequence[Any]]]:
    count = 0
    while block := cursor.fetchmany(BLOCK):
        count += len(block)
        require_memory(f"{path}: its rows", count * len(names) * PER_VALUE)
        yield block


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
