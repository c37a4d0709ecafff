"""Homes of before: the first command that opens one imports its studies, after a copy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from filelock import BaseFileLock

from lightning_modules.errors import FairtuneError, StorageError
from studies.home import Home, earlier_studies, sqlite_file
from studies.home.database import back_up, file_lock
from studies.maintenance.importing.importer import Imported, import_study
from studies.maintenance.importing.sources import as_storage_error, open_storage

COPY = "before-records"
"""How the name of the copy of Optuna's database ends."""


@dataclass(frozen=True)
class EarlierHome:
    """The studies that were imported from a home of an earlier version."""

    imported: Sequence[Imported]
    failures: Sequence[str]
    """Why studies were not imported, a sentence each."""
    copy: Path | None
    """The copy of Optuna's database; None where that is on a server."""


def import_earlier(home: Home) -> EarlierHome:
    """Import every study of a home that an earlier version has run; a study that cannot be
    imported keeps no other one out.

    Raises StorageError where the home cannot be written.
    """
    try:
        home.create()
    except StorageError as error:
        raise StorageError(
            f"{error}: it is of an earlier version, and its records must be made once; or make "
            f"them in another home: `fairtune import --from {home.path} --home OTHER`"
        ) from None
    imported, failures, copy = [], [], None
    with import_lock(home):
        studies = earlier_studies(home)
        try:
            if studies:
                copy = copy_storage(home)
                with open_storage(home.optuna_url) as source:
                    for study in studies:
                        try:
                            imported.append(import_study(home, study, source))
                        except FairtuneError as error:
                            failures.append(f"study {study} was not imported: {error}")
        except FairtuneError as error:
            failures.append(f"{', '.join(studies)}: not imported: {error}")
    return EarlierHome(imported, failures, copy)


def import_lock(home: Home) -> BaseFileLock:
    """Of two commands that import into a home that exists the second one waits."""
    return file_lock(home.path / ".import.lock")


def copy_storage(home: Home) -> Path | None:
    """Copy Optuna's database once, before anything is made of it; None where it is on a server."""
    path = sqlite_file(home.optuna_url)
    if path is None or not path.exists():
        return None
    copy = path.with_name(f"{path.name}.{COPY}")
    if not copy.exists():
        with as_storage_error(home.optuna_url):
            back_up(path).replace(copy)
    return copy
