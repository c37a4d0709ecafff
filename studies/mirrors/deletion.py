"""Studies that were deleted, and what the mirrors still have of them.

A study is gone at once, by one renaming of its folder, which holds its record: that says what is to
be deleted in the mirrors. Whatever is cut short there is done again by `fairtune sync`.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import Timeout

from lightning_modules.errors import BusyError, StorageError
from lightning_modules.rights import make_folder
from studies.home import Home, database
from studies.home.deleted import place_for, study_of
from studies.home.home import RECORD
from studies.mirrors.left import NAMES
from studies.mirrors.process import LOCK, LOCK_SECONDS
from studies.records import RecordReader
from studies.records.deliveries import FILE
from studies.records.reader import IDENTITY

KEPT = (RECORD, FILE)
"""What is kept until the mirrors have deleted the study; with what SQLite has beside it."""


def put_away(home: Home, study: str) -> None:
    """Take a study out of its home, all of it at once.

    Raises BusyError where somebody runs it and StorageError where its record cannot be read.
    """
    folder = home.study(study)
    with home.lock(study), mirrors_lock(home, study):
        with RecordReader.at(home.record(study)) as record:
            place = place_for(home, study, str(record.notes()[IDENTITY]))
        with as_storage_error(folder):
            make_folder(home.deleted)
            os.rename(folder, place)


@contextmanager
def as_storage_error(path: Path) -> Iterator[None]:
    """Turn an error of the disk into a StorageError that says the way out."""
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"{error.filename or path}: cannot be changed ({error.strerror}); make it and the "
            "folder around it writable, and run the same command again"
        ) from error


@contextmanager
def mirrors_lock(home: Home, study: str) -> Iterator[None]:
    """Hold the mirrors of a study; raises BusyError where a process of an earlier run does."""
    try:
        with database.file_lock(home.study(study) / LOCK).acquire(timeout=LOCK_SECONDS):
            yield
    except Timeout:
        raise BusyError(
            f"the mirrors of study {study} are held by a process of an earlier run; "
            "end it and run the same command again"
        ) from None


def finish(home: Home, folder: Path) -> None:
    """Delete in the mirrors what a deleted study has left there, then the rest of its folder.

    Raises StorageError where a mirror cannot be used; the other one is done nevertheless.
    """
    with as_storage_error(folder):
        for entry in folder.iterdir():
            if not entry.name.startswith((*KEPT, "gone-")):
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    errors = []
    for name, remove in REMOVE.items():
        mark = folder / f"gone-{name}"
        if mark.exists() or not (folder / RECORD).exists():
            continue
        try:
            remove(home, folder)
            with as_storage_error(mark):
                mark.touch()
        except StorageError as error:
            errors.append(f"{NAMES[name]} still has it: {error}")
    if errors:
        raise StorageError(f"study {study_of(folder)} was deleted, but {'; '.join(errors)}")
    with as_storage_error(folder):
        (folder / RECORD).unlink(missing_ok=True)  # first: without it nothing is left to be done
        shutil.rmtree(folder)


def remove_from_optuna(home: Home, folder: Path) -> None:
    """Delete the studies of a deleted study in Optuna's storage."""
    if _is_missing(home.optuna_url):
        return
    from studies.mirrors.optuna import database as optuna_database
    from studies.mirrors.optuna.owner import remove_record

    storage = optuna_database.open_storage(home.optuna_url)
    try:
        with optuna_database.usable(home.optuna_url), RecordReader.at(folder / RECORD) as record:
            remove_record(storage, home, study_of(folder), record)
    finally:
        optuna_database.close(storage)


def remove_from_mlflow(home: Home, folder: Path) -> None:
    """Delete the runs of a deleted study in MLflow, and their artifacts in the home."""
    if _is_missing(home.mlflow_uri):
        return
    from studies.mirrors.mlflow import removal

    with RecordReader.at(folder / RECORD) as record:
        identity = str(record.notes()[IDENTITY])
    removal.remove(home, study_of(folder), identity)


def _is_missing(url: str) -> bool:
    """Whether a mirror is a file that nobody has made yet."""
    file = database.sqlite_file(url)
    return file is not None and not file.exists()


REMOVE: dict[str, Callable[[Home, Path], None]] = {
    "optuna": remove_from_optuna,
    "mlflow": remove_from_mlflow,
}
