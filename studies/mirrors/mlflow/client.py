"""The door to MLflow: quiet, without telemetry, and with a sentence where it cannot be used.

MLflow reads its settings from the environment when it is imported, so they are set first, and the
rest of fairtune imports MLflow's names from here.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

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
# MLflow repeats whatever was not answered and so makes a second run; the mirror looks first
os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "0"

from mlflow.artifacts import download_artifacts  # noqa: E402
from mlflow.entities import (  # noqa: E402
    Experiment,
    LoggedModel,
    LoggedModelOutput,
    LoggedModelStatus,
    Metric,
    Param,
    Run,
    RunTag,
    ViewType,
)
from mlflow.exceptions import MlflowException  # noqa: E402
from mlflow.models import Model  # noqa: E402
from mlflow.store.db.db_types import DATABASE_ENGINES  # noqa: E402
from mlflow.tracking.client import MlflowClient  # noqa: E402
from mlflow.tracking.context.registry import resolve_tags  # noqa: E402
from mlflow.utils.credentials import get_default_host_creds  # noqa: E402
from mlflow.utils.rest_utils import http_request  # noqa: E402
from sqlalchemy.exc import (  # noqa: E402
    DataError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    SQLAlchemyError,
)

from lightning_modules.errors import StorageError  # noqa: E402
from studies.home import disk_is_full, redact, without_secrets  # noqa: E402

__all__ = [
    "Experiment",
    "LoggedModel",
    "LoggedModelOutput",
    "LoggedModelStatus",
    "Metric",
    "MlflowClient",
    "MlflowException",
    "Model",
    "Param",
    "Run",
    "RunTag",
    "ViewType",
    "connect",
    "download_artifacts",
    "is_database",
    "is_refusal",
    "resolve_tags",
    "usable",
]

REACHABLE_SECONDS = 5


def connect(uri: str) -> MlflowClient:
    """A client of the store at `uri`; an SQLite file is created whole or not at all.

    Raises StorageError where the store cannot be used, within seconds.
    """
    with usable(uri):
        if is_database(uri):
            from studies.mirrors.mlflow import (
                database as mlflow_database,  # alembic is needed for databases only
            )

            mlflow_database.prepare(uri)
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
    except (MlflowException, SQLAlchemyError, sqlite3.Error, OSError, ImportError) as error:
        raise StorageError(
            f"the MLflow store {redact(uri)} cannot be used: {_reason(error)}; "
            f"{_way_out(uri, error)}"
        ) from error


def is_refusal(error: BaseException) -> bool:
    """Whether a store that works refused what it was given, and would refuse it again."""
    if isinstance(error, MlflowException) and error.error_code == "INVALID_PARAMETER_VALUE":
        return True
    if any(isinstance(each, DataError | IntegrityError) for each in _causes(error)):
        return True
    return isinstance(error, MlflowException) and any(
        f".{name}" in str(error) for name in ("DataError", "IntegrityError")
    )  # as a server says it


def _way_out(uri: str, error: BaseException) -> str:
    """What helps against what is wrong, and against nothing else."""
    causes, said = list(_causes(error)), str(error)
    is_file = uri.startswith("sqlite")
    if disk_is_full(error):
        return "make room and run the same command again"
    if is_refusal(error):
        return "the store is in order, and the record has all that it lacks"
    if any("readonly" in str(each) or isinstance(each, PermissionError) for each in causes):
        return "make it writable for this account and run the same command again"
    if is_file and "locked" in said:
        return "end the process that holds it and run the same command again"
    if is_database(uri):
        away = any(isinstance(each, OperationalError | InterfaceError) for each in causes)
        if away and not is_file:
            return "start that server, or name another store with MLFLOW_TRACKING_URI"
        return "move it away or name another with MLFLOW_TRACKING_URI"
    if getattr(error, "error_code", "") in ("UNAUTHENTICATED", "PERMISSION_DENIED"):
        return "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD to an account that may"
    return "start that server, or unset MLFLOW_TRACKING_URI to keep runs in the home"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An exception and those that led to it."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _reason(error: BaseException) -> str:
    """What happened at the bottom: MLflow wraps a refused connection four times."""
    while (below := error.__cause__ or error.__context__) is not None:
        error = below
    line = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return without_secrets(line).rstrip(".")
