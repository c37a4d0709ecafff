"""Where a home's own MLflow database keeps artifacts: in that home, wherever it has gone since.

MLflow writes whole paths down, so that a home that was moved or copied names the folder that it
came from, and a home of somebody else's may name any folder. What is written goes into the home.

MLflow's API cannot change a place, so that this file alone reads and writes its tables; databases
of another version of MLflow are refused before.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from lightning_modules.errors import StorageError
from studies.home import Home, home_option, slug
from studies.home.boundary import is_inside, refuse_links
from studies.home.database import within

if TYPE_CHECKING:
    from studies.mirrors.mlflow.client import MlflowClient

LOCK_SECONDS = 30.0
FOLDER = "artifacts"
"""The folder of a home below which every experiment has one."""
BELOW = ("runs.artifact_uri", "logged_models.artifact_location",
         "model_versions.source", "model_versions.storage_location")  # fmt: skip
"""Columns with places below that of their experiment."""
FOREIGN = """
SELECT 'run', run_uuid, artifact_uri FROM runs WHERE experiment_id = :experiment AND (
    artifact_uri IS NOT :place || '/' || run_uuid || '/artifacts'
    OR run_uuid GLOB '*[^0-9a-zA-Z_-]*')
UNION ALL
SELECT 'logged model', model_id, artifact_location FROM logged_models
WHERE experiment_id = :experiment AND (
    artifact_location IS NOT :place || '/models/' || model_id || '/artifacts'
    OR model_id GLOB '*[^0-9a-zA-Z_-]*')
LIMIT 1
"""
"""Runs and models of an experiment that are elsewhere than MLflow puts them."""


def connect_home(home: Home, study: str) -> MlflowClient:
    """A client of the MLflow of a home, to write or read what it has of a study.

    Raises StorageError where the store cannot be used, and where it is the home's own and would
    have artifacts of the study outside of the home.
    """
    from studies.mirrors.mlflow.client import connect, usable  # MLflow takes seconds

    if not is_own(home):
        return connect(home.mlflow_uri)
    refuse_links(home.path, [])
    client = connect(home.mlflow_uri)
    with usable(home.mlflow_uri):
        place = settle(home, study)
    if place is not None:
        refuse_links(home.path, [place])
    return client


def is_own(home: Home) -> bool:
    """Whether MLflow's database is a file of the home, be it by its name alone."""
    named = home.mlflow_uri.startswith(f"sqlite:///{home.path}/")
    return named or within(home.mlflow_uri, home.path) is not None


def settle(home: Home, study: str = "") -> Path | None:
    """Let the database of a home name the folders of that home; the folder of a study's experiment,
    None where it has none.

    Raises StorageError where something of the study is elsewhere.
    """
    path = home.mlflow_uri.partition(":///")[2].partition("?")[0]
    with closing(sqlite3.connect(path, timeout=LOCK_SECONDS)) as database, database:
        query = "SELECT experiment_id, name, artifact_location FROM experiments"
        found = None
        for experiment, name, place in database.execute(query).fetchall():
            folder = folder_of(place)
            if folder is None or not is_inside(folder, home.path):
                here = _moved(folder, home)
                if here is not None:
                    _rename(database, experiment, place, here.as_uri())
                    folder, place = here, here.as_uri()
                elif name == study:
                    raise _elsewhere(home, study, f"the experiment {name}", place)
            if name == study:
                found = folder
                values = {"experiment": experiment, "place": place}
                for kind, key, other in database.execute(FOREIGN, values):
                    raise _elsewhere(home, study, f"the {kind} {key}", other)
        return found


def move_artifacts(home: Home, study: str) -> None:
    """Let the artifacts of a study be in the folder of its name, which it may have had since; where
    that is another's they stay where they are."""
    path = home.mlflow_uri.partition(":///")[2].partition("?")[0]
    wanted = home.artifacts / slug(study)
    with closing(sqlite3.connect(path, timeout=LOCK_SECONDS)) as database, database:
        query = "SELECT experiment_id, artifact_location FROM experiments WHERE name = ?"
        for experiment, place in database.execute(query, [study]).fetchall():
            folder = folder_of(place)
            if folder is None or folder == wanted or folder.parent != home.artifacts:
                continue
            if folder.exists() and wanted.exists():
                continue
            if folder.exists():
                folder.rename(wanted)
            _rename(database, experiment, place, wanted.as_uri())


def folder_of(place: str) -> Path | None:
    """The folder of an artifact place; None for what is none on this machine."""
    parts = urlsplit(str(place))
    if parts.scheme not in ("", "file") or parts.netloc or parts.query or parts.fragment:
        return None
    folder = Path(unquote(parts.path))
    return folder if folder.is_absolute() and "\0" not in str(folder) else None


def _moved(folder: Path | None, home: Home) -> Path | None:
    """Where a folder of an experiment is now that was made for another place of the home; None
    where it was none of a home's."""
    if folder is None or folder.parent.name != FOLDER or folder.name in ("", ".", ".."):
        return None
    return home.artifacts / folder.name


def _rename(database: sqlite3.Connection, experiment: str, before: str, now: str) -> None:
    """Write the new place of an experiment, and of all that is below it."""
    database.execute(
        "UPDATE experiments SET artifact_location = ? WHERE experiment_id = ?", [now, experiment]
    )
    values: Sequence[str | int] = [now, len(before) + 1, len(before) + 1, f"{before}/"]
    for each in BELOW:
        table, column = each.split(".")
        database.execute(
            f"UPDATE {table} SET {column} = ? || substr({column}, ?) "
            f"WHERE substr({column}, 1, ?) = ?",
            values,
        )


def _elsewhere(home: Home, study: str, what: str, place: str) -> StorageError:
    again = f"`fairtune sync {study}{home_option(home.path)}`"
    return StorageError(
        f"{what} in the home's own MLflow database has its artifacts in {str(place)[:200]!r}, "
        "which is not in the home, so that nothing is written or read there; move "
        f"{home.path}/mlflow.db away, and {again} makes it anew"
    )
