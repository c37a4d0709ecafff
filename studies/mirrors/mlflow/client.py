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
from sqlalchemy.exc import SQLAlchemyError  # noqa: E402

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
        if disk_is_full(error):
            way_out = "make room and run the same command again"
        elif is_database(uri):
            way_out = "move it away or name another with MLFLOW_TRACKING_URI"
        else:
            way_out = "start that server, or unset MLFLOW_TRACKING_URI to keep runs in the home"
        raise StorageError(
            f"the MLflow store {redact(uri)} cannot be used: {_reason(error)}; {way_out}"
        ) from error


def _reason(error: BaseException) -> str:
    """What happened at the bottom: MLflow wraps a refused connection four times."""
    while (below := error.__cause__ or error.__context__) is not None:
        error = below
    line = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return without_secrets(line).rstrip(".")
