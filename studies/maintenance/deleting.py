"""A study is deleted: its record, checkpoints and artifacts, and what the mirrors have of it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from lightning_modules.errors import StorageError, UserError
from studies.home import Home, redact, sqlite_file
from studies.home.deleted import deleted_studies
from studies.mirrors.deletion import finish, put_away
from studies.mirrors.left import sync_command
from studies.models.starting_weights import studies_that_start_from
from studies.records import RecordReader
from studies.records.reader import IDENTITY, require_study


@dataclass(frozen=True)
class Doomed:
    """What is lost with a study."""

    study: str
    trials: int
    size: int
    """Of its folder, in bytes."""
    mirrors: tuple[str, str]
    """The addresses of Optuna's storage and of MLflow, without passwords."""
    dependents: tuple[str, ...]
    """Other studies of the home whose trials start from its weights."""


def look_at(home: Home, study: str) -> Doomed:
    """What would be lost; UserError where there is no such study and StorageError where its record
    cannot be read."""
    require_study(home, study)
    with RecordReader.open(home, study) as record:
        trials = len(record.trials())
    files = [path for path in home.study(study).rglob("*") if path.is_file()]
    mirrors = (redact(home.optuna_url), redact(home.mlflow_uri))
    size = sum(path.stat().st_size for path in files)
    return Doomed(study, trials, size, mirrors, tuple(studies_that_start_from(home, study)))


def delete(home: Home, study: str) -> str:
    """Delete a study; what waits for a mirror that is away, and the way out, empty where nothing
    does.

    Raises BusyError where the study is being run, and UserError where a registered model of MLflow
    is made of it.
    """
    if home.record(study).exists():
        _refuse_registered(home, study)
        put_away(home, study)
    return finish_all(home, study)


def finish_all(home: Home, study: str | None = None) -> str:
    """Delete in the mirrors what deleted studies have left there, all or those of a name; what is
    still left and the way out, empty where nothing is."""
    errors = []
    for folder in deleted_studies(home, study):
        try:
            finish(home, folder)
        except StorageError as error:
            errors.append(f"{error}; then `{_sync_all(home)}` deletes it there")
    return "; ".join(errors)


def _sync_all(home: Home) -> str:
    return " ".join(sync_command(home, "").split())


def _refuse_registered(home: Home, study: str) -> None:
    file = sqlite_file(home.mlflow_uri)
    if file is not None and not file.exists():
        return
    from studies.mirrors.mlflow.client import usable
    from studies.mirrors.mlflow.places import connect_home
    from studies.mirrors.mlflow.removal import registered

    with RecordReader.open(home, study) as record:
        identity = str(record.notes()[IDENTITY])
    found: list[str] = []
    with suppress(StorageError), usable(home.mlflow_uri):  # one that is away is told later
        found = registered(connect_home(home, study), home, identity)
    if found:
        raise UserError(
            f"study {study} cannot be deleted: a registered model of MLflow is made of it: "
            f"{', '.join(found)}; delete that version in the MLflow UI first"
        )
