"""What is said of an MLflow store that cannot be used: the way out fits the cause."""

import errno
import sqlite3

import pytest
from mlflow.protos import databricks_pb2 as codes
from sqlalchemy.exc import DataError, OperationalError

from lightning_modules.errors import StorageError
from studies.mirrors.mlflow.client import MlflowException, is_refusal, usable

FILE, SERVER, HTTP = "sqlite:////h/mlflow.db", "postgresql://u@host/db", "http://host:5000"
IN_ORDER = "the store is in order, and the record has all that it lacks"
AWAY = "move it away or name another with MLFLOW_TRACKING_URI"


def lost(text: str) -> OperationalError:
    return OperationalError("SELECT 1", {}, sqlite3.OperationalError(text))


@pytest.mark.parametrize(
    ("uri", "error", "way_out"),
    [
        (FILE, MlflowException("Invalid", codes.INVALID_PARAMETER_VALUE), IN_ORDER),
        (SERVER, DataError("INSERT", {}, ValueError("too long")), IN_ORDER),
        (HTTP, MlflowException("(psycopg2.DataError) long", codes.BAD_REQUEST), IN_ORDER),
        (FILE, sqlite3.DatabaseError("file is not a database"), AWAY),
        (FILE, sqlite3.OperationalError("database is locked"),
         "end the process that holds it and run the same command again"),
        (FILE, sqlite3.OperationalError("attempt to write a readonly database"),
         "make it writable for this account and run the same command again"),
        (FILE, PermissionError(errno.EACCES, "Permission denied"),
         "make it writable for this account and run the same command again"),
        (FILE, OSError(errno.ENOSPC, "No space left"), "make room and run the same command again"),
        (SERVER, lost("connection refused"),
         "start that server, or name another store with MLFLOW_TRACKING_URI"),
        (HTTP, MlflowException("no", codes.UNAUTHENTICATED),
         "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD to an account that may"),
        (HTTP, ConnectionError("refused"),
         "start that server, or unset MLFLOW_TRACKING_URI to keep runs in the home"),
    ],
)  # fmt: skip
def test_the_way_out_fits_the_cause(uri: str, error: Exception, way_out: str) -> None:
    with pytest.raises(StorageError) as raised, usable(uri):
        raise error
    assert str(raised.value).endswith(f"; {way_out}")
    assert is_refusal(error) == (way_out == IN_ORDER)
