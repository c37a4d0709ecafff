"""What can be wrong with the records of a home and with their mirrors, and repairs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Literal

from lightning_modules.errors import FairtuneError, StorageError
from studies.home import Home, database, home_option, redact
from studies.home.deleted import deleted_studies, study_of
from studies.maintenance.deleting import finish_all
from studies.mirrors.left import NAMES, missing
from studies.mirrors.mlflow import client as mlflow_client
from studies.mirrors.optuna import database as optuna_database
from studies.mirrors.sync import sync
from studies.records import Record, RecordReader
from studies.records import connection as opening
from studies.records.reader import recorded_studies

State = Literal["ok", "warn", "fail"]
Found = Iterator[tuple[State, str]]
AWAY = "put a copy in its place, or move it away to start anew"


def records(home: Home, fix: bool) -> Found:
    """A line for every record that is damaged or of another version, or one for all of them."""
    studies = recorded_studies(home)
    wrong = 0
    for study in studies:
        try:
            with opening.as_storage_error(home.record(study)):
                outdated = _look_at(home, study)
            if outdated:
                wrong += 1
                yield _bring_up_to_date(home, study, fix)
        except FairtuneError as error:
            wrong += 1
            yield "fail", str(error)
    if not wrong:
        yield "ok", f"{len(studies)} records are whole and of this version"


def _look_at(home: Home, study: str) -> bool:
    """Whether an older version made a record; StorageError where it is damaged."""
    path = home.record(study)
    if opening.is_outdated(path):
        return True
    with RecordReader.open(home, study) as record:
        what = record.damage()
    if what:
        raise StorageError(f"{path}: {what}; {opening.damaged(path)}")
    return False


def _bring_up_to_date(home: Home, study: str, fix: bool) -> tuple[State, str]:
    path = home.record(study)
    if not fix:
        return "warn", f"{path} is of an older version: --fix brings it up to date, after a copy"
    with Record.writing(home, study):
        return "ok", f"{path} was brought up to date after a copy"


def optuna(home: Home, fix: bool) -> Found:
    """The database of Optuna's storage."""
    others = {"experiments", "runs"}
    outdated, upgrade = optuna_database.is_outdated, optuna_database.upgrade
    with optuna_database.usable(home.optuna_url):
        yield from _database(home, home.optuna_url, others, outdated, upgrade, fix)


def mlflow(home: Home, fix: bool) -> Found:
    """MLflow's database, or its server."""
    uri = home.mlflow_uri
    if not mlflow_client.is_database(uri):
        mlflow_client.connect(uri)
        yield "ok", f"{redact(uri)} answers"
        return
    from studies.mirrors.mlflow import database as mlflow_database

    others = {"studies", "trials"}
    outdated, upgrade = mlflow_database.is_outdated, mlflow_database.upgrade
    with mlflow_client.usable(uri):
        yield from _database(home, uri, others, outdated, upgrade, fix)


def _database(
    home: Home,
    url: str,
    others: set[str],
    is_outdated: Callable[[str], bool],
    upgrade: Callable[[str], None],
    fix: bool,
) -> Found:
    path = database.sqlite_file(url)
    if path is not None and not path.exists():
        yield "ok", f"{path} does not exist yet; it is made at the end of a run"
        return
    if path is not None:
        wrong = database.damage(path)
        database.hold(path)  # an upgrade may leave it open
        wrong = wrong or database.integrity(path)
        if wrong != "ok":
            again = f"`fairtune sync --rebuild{home_option(home.path)}`"
            yield "fail", f"{path}: {wrong}: {AWAY}; {again} fills it again"
            return
        if others <= database.tables(path):
            yield "fail", f"{path} holds tables of both Optuna and MLflow: give each its own"
            return
    outdated = is_outdated(url)
    if outdated and fix:
        copy = f" after a copy to {database.back_up(path)}" if path else ""
        upgrade(url)
        yield "ok", f"{redact(url)} was upgraded{copy}"
    elif outdated:
        yield "fail", f"{redact(url)} is of another version: `fairtune doctor --fix` upgrades it"
    if path is not None and database.journal_mode(path) != "wal":
        if fix and database.journal_mode(path, "wal") == "wal":
            yield "ok", f"{path} was switched to WAL"
        else:
            yield "warn", f"{path} is not in WAL mode: readers make writers wait; --fix switches it"
    if not outdated:
        yield "ok", f"{redact(url)} is whole and of this version"


def leftovers(home: Home, fix: bool) -> Found:
    """Trials that nobody trains and mirrors that are behind, where no driver lives."""
    found = False
    for folder in deleted_studies(home):
        found = True
        text = f"study {study_of(folder)} was deleted, and a mirror may still have it"
        if not fix:
            yield "warn", f"{text}: --fix deletes it there"
        elif left := finish_all(home, study_of(folder)):
            yield "fail", left
        else:
            yield "ok", f"{text}: deleted there"
    for study in recorded_studies(home):
        if home.driver(study) is not None or not os.access(home.study(study), os.W_OK):
            continue
        try:
            text = _left(home, study)
        except FairtuneError:
            continue  # the check of the records says it
        if not text:
            continue
        found = True
        yield _settle(home, study, text) if fix else ("warn", f"{text}: --fix ends and delivers")
    if not found:
        yield "ok", "no trial without a process that trains it, and nothing waits for a mirror"


def _left(home: Home, study: str) -> str:
    """What a study's driver has left behind, in words; empty where it is nothing."""
    with RecordReader.open(home, study) as record:
        running = sum(trial.outcome is None for trial in record.trials())
    parts = [f"{_counted(running)} without a process"] if running else []
    for mirror, count in missing(home, study).items():
        what = _counted(count) if count else "results"
        parts.append(f"{what} for {NAMES[mirror]}")
    return f"study {study}, which nobody runs, has left {', '.join(parts)}" if parts else ""


def _settle(home: Home, study: str, text: str) -> tuple[State, str]:
    try:
        sync(home, study)
    except FairtuneError as error:
        return "fail", f"{text}: {error}"
    return "ok", f"{text}: ended and delivered"


def _counted(trials: int) -> str:
    return f"{trials} trial{'s' * (trials != 1)}"
