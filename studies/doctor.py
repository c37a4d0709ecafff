"""What can be wrong with a home, one check after the other, and repairs where they are safe."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psutil
from optuna.trial import TrialState
from packaging.requirements import Requirement

from lightning_modules.errors import FairtuneError
from studies import database, delivery, mlflow_client, storage
from studies.archive import Archive
from studies.archive_reader import ArchiveReader
from studies.home import Home, redact
from studies.results import names, open_archive
from studies.spool import Spool
from studies.mirrors.sync import sync

WARN_BYTES, FAIL_BYTES = 2 * 2**30, 50 * 2**20
STATES = Literal["ok", "warn", "fail"]


@dataclass(frozen=True)
class Diagnosis:
    """One line of the report; `text` says the way out where there is something wrong."""

    check: str
    state: STATES
    text: str


def examine(home: Home, *, fix: bool = False) -> Iterator[Diagnosis]:
    """Check a home; with `fix` repair what is safe to repair, and say so."""
    for name, check in CHECKS.items():
        try:
            for state, text in check(home, fix):
                yield Diagnosis(name, state, text)
        except FairtuneError as error:
            yield Diagnosis(name, "fail", str(error))


Found = Iterator[tuple[STATES, str]]


def _versions(home: Home, fix: bool) -> Found:
    wrong = []
    for text in importlib.metadata.requires("fairtune") or ():
        needed = Requirement(text)
        if needed.marker and not needed.marker.evaluate({"extra": ""}):
            continue
        try:
            found = importlib.metadata.version(needed.name)
        except importlib.metadata.PackageNotFoundError:
            wrong.append(f"{needed.name} is missing")
            continue
        if not needed.specifier.contains(found, prereleases=True):
            wrong.append(f"{needed.name} is {found}, not {needed.specifier}")
    if wrong:
        yield "fail", f"{'; '.join(wrong)}: install fairtune again, with its constraints.txt"
    shown = ("fairtune", "optuna", "mlflow", "torch", "pytorch-lightning")
    yield "ok", ", ".join(f"{name} {importlib.metadata.version(name)}" for name in shown)


def _folder(home: Home, fix: bool) -> Found:
    if not home.path.exists():
        yield "ok", f"{home.path} does not exist yet; `fairtune run` makes it"
        return
    home.create()
    locked = [path for path in (home.path, *home.path.glob("*")) if not os.access(path, os.W_OK)]
    for path in locked:
        yield "fail", f"{path} cannot be written: give yourself the right with chmod or chown"
    if not locked:
        yield "ok", f"{home.path} can be written"


def _space(home: Home, fix: bool) -> Found:
    folder = next(path for path in (home.path, *home.path.parents) if path.exists())
    free = shutil.disk_usage(folder).free
    text = f"{free / 2**30:.1f} GiB are free"
    if free < FAIL_BYTES:
        yield "fail", f"{text} where {home.path} is: make room before the next run"
    elif free < WARN_BYTES:
        yield "warn", f"{text} where {home.path} is: a long study may need more"
    else:
        yield "ok", text


def _optuna(home: Home, fix: bool) -> Found:
    others = {"experiments", "runs"}
    yield from _database(home.optuna_url, others, storage.is_outdated, storage.upgrade, fix)


def _mlflow(home: Home, fix: bool) -> Found:
    uri = home.mlflow_uri
    if not mlflow_client.is_database(uri):
        mlflow_client.connect(uri)
        yield "ok", f"{redact(uri)} answers"
        return
    others = {"studies", "trials"}
    outdated, upgrade = mlflow_client.is_outdated, mlflow_client.upgrade
    yield from _database(uri, others, outdated, upgrade, fix)


def _database(
    url: str,
    others: set[str],
    is_outdated: Callable[[str], bool],
    upgrade: Callable[[str], None],
    fix: bool,
) -> Found:
    path = database.sqlite_file(url)
    if path is not None and not path.exists():
        yield "ok", f"{path} does not exist yet; `fairtune run` makes it"
        return
    if path is not None:
        wrong = database.damage(path) or database.integrity(path)
        if wrong != "ok":
            yield "fail", f"{path}: {wrong}: put a copy in its place, or move it away to start anew"
            return
        if others <= database.tables(path):
            yield "fail", f"{path} holds tables of both Optuna and MLflow: give each its own"
            return
    with storage.told(url):
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
            yield "warn", f"{path} is not in WAL mode: readers make a run wait; --fix switches it"
    if not outdated:
        yield "ok", f"{redact(url)} is whole and of this version"


def _locks(home: Home, fix: bool) -> Found:
    stale = 0
    for owner in sorted(home.path.glob("studies/*/driver")):
        if home.driver(owner.parent.name) is not None:
            continue
        stale += 1
        who = owner.read_text().strip()
        if fix:
            owner.unlink()
            yield "ok", f"the lock of {owner.parent.name} by {who}, which is gone, was removed"
        else:
            yield "warn", f"study {owner.parent.name}: {who} is gone; the next run takes over"
    if not stale:
        yield "ok", "no lock of a process that is gone"


def _leftovers(home: Home, fix: bool) -> Found:
    """Trials and runs that are shown as running, and records that wait, where no driver lives."""
    found = False
    for study in _studies(home):
        if home.driver(study) is not None:
            continue
        parts = {"running trials": _running_trials, "running runs": _running_runs}
        parts["trials that wait for MLflow"] = _waiting
        counts = {what: count(home, study) for what, count in parts.items()}
        text = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
        if not text:
            continue
        found = True
        if fix:
            _settle(home, study)
            yield "ok", f"study {study}: {text}, nobody runs it: ended and delivered"
        else:
            yield "warn", f"study {study}: {text}, nobody runs it: --fix ends and delivers them"
    if not found:
        yield "ok", "no trial or run without a process that trains it, no record that waits"


def _temporary(home: Home, fix: bool) -> Found:
    files = [path for path in home.path.rglob("*") if _is_abandoned(home, path)]
    for path in files:
        if fix:
            path.unlink()
    text = ", ".join(str(path.relative_to(home.path)) for path in files)
    if files and fix:
        yield "ok", f"removed {text}"
    elif files:
        yield "warn", f"{text}: rests of processes that were killed; --fix removes them"
    else:
        yield "ok", "no rests of processes that were killed"


CHECKS: dict[str, Callable[[Home, bool], Found]] = {
    "versions": _versions,
    "home": _folder,
    "space": _space,
    "optuna": _optuna,
    "mlflow": _mlflow,
    "locks": _locks,
    "leftovers": _leftovers,
    "files": _temporary,
}


def _studies(home: Home) -> list[str]:
    path = database.sqlite_file(home.optuna_url)
    return [] if path is not None and not path.exists() else names(home)


def _running_trials(home: Home, study: str) -> int:
    archive = open_archive(home)
    running = [trial for name in _parts(archive, study) for trial in archive.trials(name)]
    return sum(trial.state == TrialState.RUNNING for trial in running)


def _running_runs(home: Home, study: str) -> int:
    path = database.sqlite_file(home.mlflow_uri)
    if path is not None and not path.exists():
        return 0
    return len(delivery.running_runs(home, study))


def _waiting(home: Home, study: str) -> int:
    return len(Spool(home, study).waiting())


def _settle(home: Home, study: str) -> None:
    with home.lock(study), closing(Archive.open(home)) as archive:
        for name in _parts(archive, study):
            archive.release(name)
    sync(home, study)
    delivery.end_runs(home, study)


def _parts(archive: Archive | ArchiveReader, study: str) -> list[str]:
    return [n for n in archive.names() if n == study or n.startswith((f"{study}/", f"{study}:"))]


def _is_abandoned(home: Home, path: Path) -> bool:
    """Whether a process that is gone was writing this file."""
    if path.name.endswith(".db.new"):
        return not any(home.driver(study) for study in _drivers(home))
    found = re.fullmatch(r"\..*-(\d+)(\.\w+)?", path.name)
    return found is not None and path.is_file() and not psutil.pid_exists(int(found[1]))


def _drivers(home: Home) -> list[str]:
    return [owner.parent.name for owner in home.path.glob("studies/*/driver")]
