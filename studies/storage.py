"""Optuna's storage, made to last: what fails for a while is tried again, and nothing is done twice.

A database that another process has locked, or a server that restarts, makes the study wait. A
connection can break after the server has done what it was asked and before it has said so; then
Optuna's own repetition would make a second trial.
"""

from __future__ import annotations

import functools
import itertools
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from logging import CRITICAL, getLogger
from pathlib import Path
from typing import Any, TypeVar

from optuna.exceptions import StorageInternalError
from optuna.storages import RDBStorage
from optuna.storages._rdb import models
from optuna.storages._rdb.storage import _create_scoped_session
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError, PendingRollbackError, SQLAlchemyError

from lightning_modules.errors import StorageError
from studies import database
from studies.home import disk_is_full, redact, without_secrets

PATIENCE = 120.0
"""Seconds for which a call is repeated."""
SQLITE_SECONDS = 5.0
"""How long SQLite itself waits for a lock; Ctrl-C is heard between two such waits."""
PAUSE, LONGEST_PAUSE = 0.1, 2.0
CALLS = (
    "create_new_study", "delete_study", "set_study_user_attr", "set_study_system_attr",
    "get_study_id_from_name", "get_study_name_from_id", "get_study_directions",
    "get_study_user_attrs", "get_study_system_attrs", "get_all_studies", "_set_trial_param",
    "get_trial_id_from_study_id_trial_number", "_get_best_trial_id", "get_trial", "_get_trials",
    "set_trial_intermediate_value", "set_trial_user_attr", "set_trial_system_attr",
)  # fmt: skip
"""What can be repeated as it is: readings, and writings that replace."""

Result = TypeVar("Result")

# Connections that break are said here; a second Ctrl-C that meets one being given back is no error.
getLogger("sqlalchemy.pool").setLevel(CRITICAL)


class SteadyStorage(RDBStorage):
    """Repeats calls; what stays impossible is a StorageError."""

    def _create_new_trial(
        self, study_id: int, template_trial: FrozenTrial | None = None
    ) -> FrozenTrial:
        expected: list[int] = []

        def create() -> FrozenTrial:
            with _create_scoped_session(self.scoped_session) as session:
                models.StudyModel.find_or_raise_by_id(study_id, session, for_update=True)
                count = session.query(models.TrialModel).filter_by(study_id=study_id).count()
                expected.append(count)
                if count == expected[0]:
                    self._get_prepared_new_trial(study_id, template_trial, session)
            find, get = RDBStorage.get_trial_id_from_study_id_trial_number, RDBStorage.get_trial
            return get(self, find(self, study_id, expected[0]))

        return self._steadily(create)

    def set_trial_state_values(
        self, trial_id: int, state: TrialState, values: Sequence[float] | None = None
    ) -> bool:
        set_state = super().set_trial_state_values
        tries = itertools.count()

        def set_once() -> bool:
            if next(tries) and RDBStorage.get_trial(self, trial_id).state == state:
                return True  # it was done, and only the answer was lost
            return set_state(trial_id, state, values)

        return self._steadily(set_once)

    def _steadily(self, call: Callable[[], Result]) -> Result:
        return steadily(self.url, call)


def steadily(url: str, call: Callable[[], Result]) -> Result:
    """Repeat a call to the storage at `url` while it fails for a reason that passes.

    Raises StorageError where it stays impossible.
    """
    give_up = time.monotonic() + PATIENCE
    pause = PAUSE
    while True:
        try:
            return call()
        except (StorageInternalError, StorageError, SQLAlchemyError) as error:
            cause = error if isinstance(error, SQLAlchemyError) else error.__cause__
            if not _passes(cause) or time.monotonic() >= give_up:
                raise unusable(url, cause or error) from error
            if pause == 2 * PAUSE:  # it was not over at once
                text = "the Optuna database does not answer (%s); waiting for it"
                getLogger("fairtune").warning(text, reason(cause))
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)


def _steady(name: str) -> Callable[..., Any]:
    plain = getattr(RDBStorage, name)

    @functools.wraps(plain)
    def repeated(self: SteadyStorage, *args: Any, **kwargs: Any) -> Any:
        return self._steadily(lambda: plain(self, *args, **kwargs))

    return repeated


for _name in CALLS:
    setattr(SteadyStorage, _name, _steady(_name))


def open_storage(url: str) -> SteadyStorage:
    """The storage at `url`, made where it is missing.

    Raises StorageError where the database cannot be used; it stays as it is.
    """
    path = database.sqlite_file(url)
    give_up = time.monotonic() + PATIENCE
    while True:
        try:
            if path is None:
                return SteadyStorage(url, engine_kwargs={"pool_pre_ping": True})
            database.prepare(path, _create)
            return _open_sqlite(url)
        except (SQLAlchemyError, StorageInternalError, sqlite3.Error, OSError) as error:
            cause = error.__cause__ if isinstance(error, StorageInternalError) else error
            # a server that is away is said at once: nobody has begun anything
            away = path is None and not getattr(cause, "connection_invalidated", False)
            if away or not _passes(cause) or time.monotonic() >= give_up:
                raise unusable(url, cause or error) from None
            time.sleep(PAUSE)
        except (RuntimeError, ImportError) as error:
            raise unusable(url, error) from None


def is_outdated(url: str) -> bool:
    """Whether another version of Optuna made the tables of a database."""
    storage = RDBStorage(url, skip_compatibility_check=True, skip_table_creation=True)
    try:
        return storage.get_current_version() != storage.get_head_version()
    finally:
        storage.engine.dispose()


def upgrade(url: str) -> None:
    """Change the tables of a database to those of this Optuna; make a copy first."""
    storage = RDBStorage(url, skip_compatibility_check=True, skip_table_creation=True)
    storage.upgrade()
    storage.engine.dispose()


@contextmanager
def told(url: str) -> Iterator[None]:
    """Say what is wrong with a database."""
    try:
        yield
    except (SQLAlchemyError, StorageInternalError, RuntimeError, ImportError) as error:
        raise unusable(url, error.__cause__ or error) from None


def unusable(url: str, error: BaseException) -> StorageError:
    """What is wrong with a storage, and the way out."""
    path = database.sqlite_file(url)
    text = reason(error)
    if "no longer compatible with the table schema" in str(error):
        text = "another version of Optuna made it"
        way_out = "`fairtune doctor --fix` makes a copy and upgrades it"
    elif disk_is_full(error):
        way_out = "make room and run the same command again"
    elif _passes(error):
        holder = "end the process that holds it" if path else "start that server"
        way_out = f"{holder} and run the same command again"
    else:
        way_out = "move it away or name another with FAIRTUNE_STORAGE"
    return StorageError(f"the Optuna database {redact(url)} cannot be used: {text}; {way_out}")


def reason(error: BaseException | None) -> str:
    """The first line of what a database said."""
    said = str(getattr(error, "orig", None) or error).strip()
    return without_secrets((said.splitlines() or [type(error).__name__])[0])


def _passes(error: BaseException | None) -> bool:
    """Whether waiting helps."""
    original = getattr(error, "orig", None) or error
    if isinstance(original, sqlite3.Error):
        return isinstance(original, sqlite3.OperationalError) and "locked" in str(original)
    if isinstance(error, PendingRollbackError):
        return True  # Optuna reads on after the connection has broken; the session is rolled back
    if not isinstance(error, DBAPIError):
        return False
    return error.connection_invalidated or type(error).__name__ in (
        "OperationalError",
        "InterfaceError",
    )


def _create(path: Path) -> None:
    RDBStorage(f"sqlite:///{path}").engine.dispose()


def _open_sqlite(url: str) -> SteadyStorage:
    storage = SteadyStorage(url, engine_kwargs={"connect_args": {"timeout": SQLITE_SECONDS}})
    event.listen(storage.engine, "connect", _prepare_connection)
    storage.engine.dispose()  # connections made before the listener lack its settings
    return storage


def _prepare_connection(connection: sqlite3.Connection, _: object) -> None:
    """Readers never wait for the driver (WAL), and a crash of the process loses nothing."""
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
