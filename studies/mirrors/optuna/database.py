"""Optuna's storage: opened, or a sentence that says why it cannot be."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from logging import CRITICAL, getLogger
from pathlib import Path

import optuna
from optuna.exceptions import OptunaError
from optuna.storages import RDBStorage
from sqlalchemy import event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DBAPIError, PendingRollbackError, SQLAlchemyError

from lightning_modules.errors import StorageError
from studies.home import database, disk_is_full, redact, without_secrets

SQLITE_SECONDS = 5.0
"""How long SQLite itself waits for a lock."""
INCOMPATIBLE = "no longer compatible with the table schema"

optuna.logging.set_verbosity(optuna.logging.WARNING)
getLogger("sqlalchemy.pool").setLevel(CRITICAL)  # connections that break are said here


def open_storage(url: str) -> RDBStorage:
    """The storage at `url`, made where it is missing.

    What fails because the database does not answer is not repeated by Optuna: it may have been
    done, and the repetition would make a second trial. Raises StorageError where the database
    cannot be used; it stays as it is.
    """
    path = database.sqlite_file(url)
    with usable(url):
        if path is None:
            storage = RDBStorage(url, engine_kwargs={"pool_pre_ping": True})
        else:
            database.prepare(path, _create)
            database.refuse_programs(path)
            if database.journal_mode(path) != "wal":
                database.journal_mode(path, "wal")
            options = {"connect_args": {"timeout": SQLITE_SECONDS}}
            storage = RDBStorage(url, engine_kwargs=options)
            event.listen(storage.engine, "connect", _prepare_connection)
            storage.engine.dispose()  # connections made before the listener lack its settings
    event.listen(storage.engine, "handle_error", _no_repetition)
    return storage


def close(storage: RDBStorage) -> None:
    """Close the connections."""
    storage.remove_session()
    storage.engine.dispose()


def is_outdated(url: str) -> bool:
    """Whether another version of Optuna made the tables of a database."""
    storage = RDBStorage(url, skip_compatibility_check=True, skip_table_creation=True)
    try:
        return bool(storage.get_current_version() != storage.get_head_version())
    finally:
        storage.engine.dispose()


def upgrade(url: str) -> None:
    """Change the tables of a database to those of this Optuna; make a copy first."""
    storage = RDBStorage(url, skip_compatibility_check=True, skip_table_creation=True)
    storage.upgrade()
    storage.engine.dispose()


@contextmanager
def usable(url: str) -> Iterator[None]:
    """Say what is wrong with the database at `url`, without its password."""
    try:
        yield
    except (SQLAlchemyError, OptunaError, sqlite3.Error, OSError, ImportError, _Broken) as error:
        cause = error.__cause__ if isinstance(error, OptunaError | _Broken) else None
        raise unusable(url, cause or error, transient=isinstance(error, _Broken)) from error
    except RuntimeError as error:
        if INCOMPATIBLE not in str(error):
            raise
        raise unusable(url, error) from None


def unusable(url: str, error: BaseException, transient: bool = False) -> StorageError:
    """What is wrong with a storage, and the way out; `transient` where waiting is known to help."""
    path = database.sqlite_file(url)
    text = _reason(error)
    if INCOMPATIBLE in str(error):
        text = "another version of Optuna made it"
        way_out = "`fairtune doctor --fix` makes a copy and upgrades it"
    elif disk_is_full(error):
        way_out = "make room and run the same command again"
    elif transient or is_transient(error):
        holder = "end the process that holds it" if path else "start that server"
        way_out = f"{holder} and run the same command again"
    else:
        way_out = "move it away or name another with FAIRTUNE_STORAGE"
    return StorageError(f"the Optuna database {redact(url)} cannot be used: {text}; {way_out}")


class _Broken(Exception):
    """The database did not answer: whether it did what it was asked is not known."""


def _no_repetition(context: ExceptionContext) -> None:
    error = context.sqlalchemy_exception
    if not context.is_pre_ping and (context.is_disconnect or "locked" in str(error)):
        raise _Broken from error or context.original_exception


def _reason(error: BaseException) -> str:
    """The first line of what a database said."""
    said = str(getattr(error, "orig", None) or error).strip()
    line = (said.splitlines() or [type(error).__name__])[0]
    return without_secrets(line).rstrip(".")


def is_transient(error: BaseException) -> bool:
    """Whether the same call may succeed later: the database is locked or does not answer."""
    original = getattr(error, "orig", None) or error
    if isinstance(original, sqlite3.Error):
        return isinstance(original, sqlite3.OperationalError) and "locked" in str(original)
    if isinstance(error, PendingRollbackError):
        return True  # the connection has broken before
    if not isinstance(error, DBAPIError):
        return False
    return error.connection_invalidated or type(error).__name__ in (
        "OperationalError",
        "InterfaceError",
    )


def _create(path: Path) -> None:
    RDBStorage(f"sqlite:///{path}").engine.dispose()


def _prepare_connection(connection: sqlite3.Connection, _: object) -> None:
    """A crash of the process loses nothing, and a power failure only what is brought up again."""
    connection.execute("PRAGMA synchronous=NORMAL")
