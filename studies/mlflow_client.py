"""The door to MLflow: quiet, without telemetry, and with a sentence where it cannot be used.

MLflow reads its settings from the environment when it is imported, so they are set first, and the
rest of fairtune imports MLflow's names from here.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOGGING_LEVEL": "CRITICAL",  # errors reach us as exceptions
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_UV_AUTO_DETECT": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "4",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
}
"""Retries bridge a server's restart of some 15 seconds; MLflow's own would take four minutes."""
for _name, _value in SETTINGS.items():
    os.environ.setdefault(_name, _value)

from filelock import FileLock  # noqa: E402
from filelock import Timeout as LockTimeout  # noqa: E402
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
from mlflow.tracking.client import MlflowClient  # noqa: E402
from mlflow.tracking.context.registry import resolve_tags  # noqa: E402
from mlflow.utils.credentials import get_default_host_creds  # noqa: E402
from mlflow.utils.rest_utils import http_request  # noqa: E402
from sqlalchemy import create_engine, make_url  # noqa: E402
from sqlalchemy.exc import SQLAlchemyError  # noqa: E402

from lightning_modules.errors import StorageError  # noqa: E402
from studies.home import redact  # noqa: E402

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
    "resolve_tags",
    "usable",
]

REACHABLE_SECONDS = 5
CREATION_SECONDS = 120


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


@contextmanager
def usable(uri: str) -> Iterator[None]:
    """Say what is wrong with the store at `uri`, without its password."""
    try:
        yield
    except (MlflowException, SQLAlchemyError, OSError, LockTimeout) as error:
        way_out = (
            "move it away or name another with MLFLOW_TRACKING_URI"
            if is_database(uri)
            else "start that server, or unset MLFLOW_TRACKING_URI to keep runs in the home"
        )
        raise StorageError(
            f"the MLflow store {redact(uri)} cannot be used: {_reason(uri, error)}; {way_out}"
        ) from None


def _prepare_database(uri: str) -> None:
    """Fail at once where MLflow would retry for minutes, and let readers of SQLite not block."""
    url = make_url(uri)
    path = Path(url.database or "") if url.get_backend_name() == "sqlite" else None
    if path is not None and not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{path}.lock", timeout=CREATION_SECONDS):
            if not path.exists():
                _create(path)
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            if path is not None:
                connection.exec_driver_sql("PRAGMA journal_mode=WAL")
    finally:
        engine.dispose()


def _create(path: Path) -> None:
    """Migrate a new file beside `path` and rename it: half a migration is beyond repair."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    store = SqlAlchemyStore(  # type: ignore[no-untyped-call]
        f"sqlite:///{fresh}", (path.parent / "artifacts").as_uri()
    )
    store.engine.dispose()
    fresh.replace(path)


def _reason(uri: str, error: BaseException) -> str:
    """What happened at the bottom: MLflow wraps a refused connection four times."""
    while (below := error.__cause__ or error.__context__) is not None:
        error = below
    line = (str(error).strip().splitlines() or [type(error).__name__])[0]
    for secret in (uri.rpartition("@")[0].partition("://")[2], _password(uri)):
        if secret:
            line = line.replace(secret, "***")
    return line.rstrip(".")


def _password(uri: str) -> str:
    credentials, at, _ = uri.partition("://")[2].rpartition("@")
    return credentials.partition(":")[2] if at else ""
