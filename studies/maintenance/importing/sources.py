"""Optuna storages that fairtune wrote: the studies in them and their trials, only read."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import optuna
from optuna.exceptions import StorageInternalError
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial
from sqlalchemy.exc import SQLAlchemyError

from lightning_modules.errors import StorageError, UserError
from studies.home import damage, hold, redact, sqlite_file, without_secrets
from studies.home.secrets import passwords
from studies.mirrors.optuna.attributes import STUDY
from studies.search.names import is_of_study
from studies.statistics import Goal

FAILURES = (SQLAlchemyError, sqlite3.Error, StorageInternalError, RuntimeError, ImportError,
            OSError)  # fmt: skip

optuna.logging.set_verbosity(optuna.logging.WARNING)


@dataclass(frozen=True)
class EarlierSearch:
    """One Optuna study of a study: a search, or the fresh runs of a phase."""

    name: str
    goal: Goal
    notes: Mapping[str, Any]
    """Its user attributes."""
    sampler_state: Mapping[str, Any]
    """Its system attributes."""
    trials: Sequence[FrozenTrial]


@dataclass(frozen=True)
class StorageReader:
    """An open Optuna storage."""

    url: str
    storage: RDBStorage

    def studies(self) -> list[str]:
        """The studies of fairtune in it, by name; others may live there too."""
        with as_storage_error(self.url):
            found = {each.user_attrs.get(STUDY) for each in self.storage.get_all_studies()}
        return sorted(name for name in found if name)

    def searches(self, study: str) -> list[EarlierSearch]:
        """The Optuna studies of a study, in the order in which they were begun.

        Raises UserError where there is no such study.
        """
        with as_storage_error(self.url):
            found = [
                EarlierSearch(
                    each.study_name,
                    "maximize" if each.direction.name == "MAXIMIZE" else "minimize",
                    each.user_attrs,
                    each.system_attrs,
                    optuna.load_study(study_name=each.study_name, storage=self.storage).get_trials(
                        deepcopy=False
                    ),
                )
                for each in self.storage.get_all_studies()
                if each.user_attrs.get(STUDY) == study and is_of_study(each.study_name, study)
            ]
        if not any(earlier.notes.get("study_file") for earlier in found):
            known = ", ".join(self.studies()) or "no study of fairtune"
            raise UserError(f"{redact(self.url)} holds no study {study!r}; it holds {known}")
        return found


@contextmanager
def open_storage(url: str) -> Iterator[StorageReader]:
    """The Optuna storage at `url`, which stays as it is.

    Raises StorageError where it cannot be read and UserError where there is none.
    """
    path = sqlite_file(url)
    if path is not None and not path.is_file():
        raise UserError(f"{path}: there is no such file; name the Optuna storage with --from")
    with as_storage_error(url):
        if path is not None:
            if what := damage(path):
                raise OSError(what)
            hold(path)
        storage = RDBStorage(_read_only(path) if path else url, skip_table_creation=True)
    try:
        yield StorageReader(url, storage)
    finally:
        storage.remove_session()
        storage.engine.dispose()


def storage_url(given: str) -> str:
    """The URL of a storage that is named by its URL, its file or its home."""
    if "://" in given:
        return given
    path = Path(given).absolute()
    return f"sqlite:///{path / 'optuna.db' if path.is_dir() else path}"


@contextmanager
def as_storage_error(url: str) -> Iterator[None]:
    """Turn an error of a storage into a StorageError that shows no password."""
    try:
        yield
    except FAILURES as error:
        cause = error.__cause__ if isinstance(error, StorageInternalError) else error
        text = str(getattr(cause, "orig", None) or cause).strip()
        way_out = "look at it with `fairtune doctor`, or name another with --from"
        if "no longer compatible" in text:
            text = "another version of Optuna made it"
            way_out = "`optuna storage upgrade` upgrades it; copy it first"
        reason = without_secrets((text.splitlines() or [type(cause).__name__])[0])
        for secret in sorted(passwords(url), key=len, reverse=True):
            reason = reason.replace(secret, "***")
        raise StorageError(
            f"the Optuna storage {redact(url)} cannot be read: {reason}; {way_out}"
        ) from None


def _read_only(path: Path) -> str:
    # on a disk that cannot be written SQLite reads only what is said not to change
    how = "mode=ro" if os.access(path.parent, os.W_OK) else "immutable=1"
    return f"sqlite:///file:{quote(str(path.absolute()))}?{how}&uri=true"
