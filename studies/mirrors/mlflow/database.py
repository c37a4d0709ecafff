"""MLflow's own databases: made from a template, and looked at before MLflow opens them.

The tables of a new database cost MLflow two to three seconds of migrations. So they are made once
per version of MLflow, in the user's cache, and copied from there.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path

import mlflow.db
from alembic.migration import MigrationContext
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
from sqlalchemy import create_engine

from lightning_modules.errors import StorageError
from lightning_modules.rights import private_cache
from studies.home import database, redact


def prepare(uri: str) -> None:
    """Make an SQLite database where it is missing, and let its readers not wait for writers.

    Raises StorageError where another version of MLflow made a database: MLflow itself upgrades one
    that lacks tables, without a copy.
    """
    path = database.sqlite_file(uri)
    if path is not None:
        database.prepare(path, _create)
    if is_outdated(uri):
        raise StorageError(
            f"the MLflow store {redact(uri)} cannot be used: another version of MLflow made it; "
            "`fairtune doctor --fix` makes a copy and upgrades it"
        )
    if path is None:
        return
    with template() as tables:
        database.refuse_programs(path, database.programs(tables))  # MLflow has triggers of its own
    if database.journal_mode(path) != "wal":
        database.journal_mode(path, "wal")


def is_outdated(uri: str) -> bool:
    """Whether another version of MLflow made the tables of a database."""
    found = _revision(uri)
    if found is None:
        return False  # it is empty
    with template() as path:
        return found != _revision(f"sqlite:///{path}")


def upgrade(uri: str) -> None:
    """Change the tables of a database to those of this MLflow; make a copy first.

    It is what `mlflow db upgrade` does, in this process: a password would be seen in another's
    arguments.
    """
    run = mlflow.db.upgrade.callback
    assert run is not None
    run(uri)


@contextmanager
def template(folder: Path | None = None) -> Iterator[Path]:
    """A database with the tables of this MLflow and nothing in them, kept in the user's cache.

    Where nothing can be kept there, it is made for this once.
    """
    folder = folder or private_cache()
    name = f"mlflow-{version('mlflow')}.db"
    if folder is not None and _is_whole(folder / name):
        yield folder / name
        return
    usable = folder is not None and folder.is_dir() and os.access(folder, os.W_OK)
    place = folder if usable else None
    with tempfile.TemporaryDirectory(prefix=".new-", dir=place) as made:
        fresh = Path(made) / name
        upgrade(f"sqlite:///{fresh}")
        if place is not None:
            with suppress(OSError):
                fresh = fresh.replace(place / name)
        yield fresh


def _is_whole(path: Path) -> bool:
    """Whether a template can be trusted."""
    with suppress(OSError, sqlite3.Error):
        whole = path.exists() and database.integrity(path) == "ok"
        return whole and _revision(f"sqlite:///{path}") is not None
    return False


def _revision(uri: str) -> str | None:
    """Which migration the tables of a database have seen last."""
    engine = create_engine(uri)
    try:
        with engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()
    finally:
        engine.dispose()


def _create(path: Path) -> None:
    with template() as tables:
        shutil.copyfile(tables, path)
    store = SqlAlchemyStore(  # type: ignore[no-untyped-call]
        f"sqlite:///{path}", (path.parent / "artifacts").as_uri()
    )
    store.engine.dispose()
