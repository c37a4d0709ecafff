"""A study gets another name: its record, its folder, and by them the mirrors."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from lightning_modules.data.columns.mistakes import Mistakes
from lightning_modules.errors import UserError, shown
from studies.home import Home
from studies.mirrors.deletion import as_storage_error, mirrors_lock
from studies.models.starting_weights import studies_that_read
from studies.records import Record
from studies.records.reader import require_study
from studies.study_file.sections import NAME, NAME_WORDS


@dataclass(frozen=True)
class Renamed:
    """A study that has another name."""

    before: str
    now: str
    file: str
    """The study file that it was started with, which still has the former name; else empty."""


def rename(home: Home, before: str, now: str) -> Renamed:
    """Give a study another name. The mirrors follow when they are brought up.

    Raises UserError where the name is taken or is none, and where another study reads files of
    this one by their paths; BusyError where it is being run.
    """
    _refuse(home, before, now)
    with home.lock(before), mirrors_lock(home, before):
        with Record.held(home.record(before)) as record:
            record.close_abandoned()
            given = (record.notes().get("command") or [""])[0]
            record.announce_name(now)
        with as_storage_error(home.study(before)):
            os.rename(home.study(before), home.study(now))
    with Record.writing(home, now):  # writes the name down
        return Renamed(before, now, given if Path(given).is_file() else "")


def _refuse(home: Home, before: str, now: str) -> None:
    mistakes = Mistakes(UserError)
    with mistakes.gathered():
        require_study(home, before)
    with mistakes.gathered():
        if not NAME.fullmatch(now):
            raise UserError(f"{shown(now)} is no study name; use {NAME_WORDS}")
        if os.path.lexists(home.study(now)):
            raise UserError(f"{home.path} has a study {now!r} already; choose another name")
    mistakes.refuse()
    if others := studies_that_read(home, before):
        raise UserError(
            f"study {before} keeps its name: {', '.join(others)} starts from weights that lie in "
            f"its folder, {home.study(before)}; name them by their run (run:ID) in a new study"
        )
