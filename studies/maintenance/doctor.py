"""What can be wrong with a home, one check after the other, and repairs where they are safe."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
from packaging.requirements import Requirement

from lightning_modules.errors import FairtuneError, StorageError
from studies.home import Home
from studies.home.boundary import refuse_links
from studies.maintenance import doctor_stores
from studies.maintenance.doctor_stores import Found, State

WARN_BYTES, FAIL_BYTES = 2 * 2**30, 50 * 2**20


@dataclass(frozen=True)
class Diagnosis:
    """One line of the report; `text` says the way out where there is something wrong."""

    check: str
    state: State
    text: str


def examine(home: Home, *, fix: bool = False) -> Iterator[Diagnosis]:
    """Check a home; with `fix` repair what is safe to repair, and say so. Nothing is repaired in a
    home from which a link leads out."""
    try:
        refuse_links(home.path, [home.path])
    except StorageError as error:
        fix = False
        yield Diagnosis("links", "fail", str(error))
    for name, check in CHECKS.items():
        try:
            for state, text in check(home, fix):
                yield Diagnosis(name, state, text)
        except FairtuneError as error:
            yield Diagnosis(name, "fail", str(error))


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
    "records": doctor_stores.records,
    "optuna": doctor_stores.optuna,
    "mlflow": doctor_stores.mlflow,
    "locks": _locks,
    "leftovers": doctor_stores.leftovers,
    "files": _temporary,
}


def _is_abandoned(home: Home, path: Path) -> bool:
    """Whether a process that is gone was writing this file."""
    if path.name.endswith(".db.new"):
        return not any(home.driver(study) for study in _drivers(home))
    found = re.fullmatch(r"\..*-(\d+)(\.\w+)?", path.name)
    return found is not None and path.is_file() and not psutil.pid_exists(int(found[1]))


def _drivers(home: Home) -> list[str]:
    return [owner.parent.name for owner in home.path.glob("studies/*/driver")]
