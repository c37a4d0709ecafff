"""The door to MLflow: quiet, without telemetry, and with a sentence where it cannot be used.

MLflow reads its settings from the environment when it is imported, so they are set first, and the
rest of fairtune imports MLflow's names from here.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOGGING_LEVEL": "CRITICAL",  # errors reach us as exceptions
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_UV_AUTO_DETECT": "false",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
}
for _name, _value in SETTINGS.items():
    os.environ.setdefault(_name, _value)
# MLflow repeats whatever was not answered and so makes a second run; the tracker looks first
os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "0"

from mlflow.entities import (  # noqa: E402
    LoggedModelOutput,
    Metric,
    Param,
    Run,
    RunTag,
)
from mlflow.exceptions import MlflowException  # noqa: E402
from mlflow.models import Model  # noqa: E402
from mlflow.store.db.db_types import DATABASE_ENGINES  # noqa: E402
from mlflow.store.db.utils import (  # noqa: E402
    _get_latest_schema_revision,
    _get_schema_version,
    _upgrade_db,
)
from mlflow.tracking.client import MlflowClient  # noqa: E402
from mlflow.tracking.context.registry import resolve_tags  # noqa: E402
from mlflow.utils.credentials import get_default_host_creds  # noqa: E402
from mlflow.utils.rest_utils import http_request  # noqa: E402
from sqlalchemy import create_engine  # noqa: E402
from sqlalchemy.exc import SQLAlchemyError  # noqa: E402

from lightning_modules.errors import StorageError  # noqa: E402
from studies import database  # noqa: E402
from studies.home import disk_is_full, redact, without_secrets  # noqa: E402

__all__ = [
    "LoggedModelOutput",
    "Metric",
    "MlflowClient",
    "MlflowException",
    "Model",
    "Param",
    "Run",
    "RunTag",
    "connect",
    "is_database",
    "is_file",
    "is_outdated",
    "resolve_tags",
    "upgrade",
    "usable",
]

REACHABLE_SECONDS = 5


def connect(uri: str) -> MlflowClient:
    """A client of the store at `uri`; an SQLite file is created whole or not at all.

    Raises StorageError where the store cannot be used, within seconds.
    """
    with usable(uri):
        if is_database(uri):
            _prepare_database(uri)
        elif uri.startswith(("http://", "https://")):
            http_request(  # type: ignore[no-untyped-call]
                get_default_host_creds(uri),  # type: ignore[no-untyped-call]
                "/health",
                "GET",
                max_retries=0,
                timeout=REACHABLE_SECONDS,
                raise_on_status=False,
            )
        return MlflowClient(uri)


def is_database(uri: str) -> bool:
    """Whether the store is a database that this process itself opens, not a server."""
    return uri.partition("://")[0].partition("+")[0] in DATABASE_ENGINES


def is_file(uri: str) -> bool:
    """Whether the store is a file of this machine, which is there whenever the home is."""
    return database.sqlite_file(uri) is not None


@contextmanager
def usable(uri: str) -> Iterator[None]:
    """Say what is wrong with the store at `uri`, without its password."""
    try:
        yield
    except (MlflowException, SQLAlchemyError, sqlite3.Error, OSError) as error:
        if disk_is_full(error):
            way_out = "make room and run the same command again"
        elif is_database(uri):
            way_out = "move it away or name another with MLFLOW_TRACKING_URI"
        else:
            way_out = "start that server, or unset MLFLOW_TRACKING_URI to keep runs in the home"
        raise StorageError(
            f"the MLflow store {redact(uri)} cannot be used: {_reason(error)}; {way_out}"
        ) from error


def is_outdated(uri: str) -> bool:
    """Whether another version of MLflow made the tables of a database."""
    engine = create_engine(uri)
    try:
        found: str = _get_schema_version(engine)  # type: ignore[no-untyped-call]
        latest: str = _get_latest_schema_revision()  # type: ignore[no-untyped-call]
        return found not in (None, latest)  # None: it is empty
    finally:
        engine.dispose()


def upgrade(uri: str) -> None:
    """Change the tables of a database to those of this MLflow; make a copy first."""
    engine = create_engine(uri)
    try:
        _upgrade_db(engine)  # type: ignore[no-untyped-call]
    finally:
        engine.dispose()


def _prepare_database(uri: str) -> None:
    """Fail at once where MLflow would retry for minutes, and let readers of SQLite not block."""
    path = database.sqlite_file(uri)
    if path is not None:
        database.prepare(path, _create)
    engine = create_engine(uri)
    try:
        with engine.connect() as connection:
            if path is not None:
                connection.exec_driver_sql("PRAGMA journal_mode=WAL")
    finally:
        engine.dispose()
    if is_outdated(uri):  # MLflow itself upgrades one that lacks tables, without a copy
        raise StorageError(
            f"the MLflow store {redact(uri)} cannot be used: another version of MLflow made it; "
            "`fairtune doctor --fix` makes a copy and upgrades it"
        )


def _create(path: Path) -> None:
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    store = SqlAlchemyStore(  # type: ignore[no-untyped-call]
        f"sqlite:///{path}", (path.parent / "artifacts").as_uri()
    )
    store.engine.dispose()


def _reason(error: BaseException) -> str:
    """What happened at the bottom: MLflow wraps a refused connection four times."""
    while (below := error.__cause__ or error.__context__) is not None:
        error = below
    line = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return without_secrets(line).rstrip(".")
