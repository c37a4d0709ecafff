"""The record of a study: one SQLite file that its driver writes and everybody else reads."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any
from uuid import uuid4

from lightning_modules.errors import StorageError
from studies.home import Home
from studies.home.earlier import is_earlier
from studies.records import connection as opening
from studies.records import schema
from studies.records.reader import IDENTITY
from studies.records.renaming import RenamingRecord
from studies.records.rows import (
    ENDING,
    local_time,
    metrics_to_json,
    milliseconds,
    number_or_null,
    row_of,
    to_milliseconds,
)
from studies.records.types import ABANDONED, EpochRow, Outcome, Search, Trial, TrialEnd
from studies.statistics import Goal


@dataclass
class Record(RenamingRecord):
    """The record of a study, open for its one writer, who holds the study's lock."""

    @classmethod
    def in_memory(cls) -> Record:
        """A new record in memory, of which nothing is kept."""
        connection = sqlite3.connect(":memory:", isolation_level=None)
        schema.create(connection)
        record = cls(connection, Path(":memory:"))
        record.name()
        return record

    @classmethod
    @contextmanager
    def writing(cls, home: Home, study: str) -> Iterator[Record]:
        """Hold the study's lock and its record, made where it is missing.

        Raises BusyError where another process has it and StorageError where it cannot be used.
        """
        path = home.record(study)
        if is_earlier(path.parent):
            raise StorageError(
                f"study {study} was run by an earlier version: `fairtune import {study}` makes its "
                f"record; to start it anew, move the folder {path.parent} away"
            )
        with home.lock(study), cls.held(path) as record:
            yield record

    @classmethod
    @contextmanager
    def held(cls, path: Path) -> Iterator[Record]:
        """The record at `path`, made where it is missing, for a process that holds its lock."""
        record = cls(opening.open_writer(path), path)
        try:
            record.name()
            record.settle_name()
            yield record
        finally:
            record.close()

    @classmethod
    @contextmanager
    def new(cls, path: Path) -> Iterator[Record]:
        """A record at `path` to be filled: it is there whole when the block ends, or not at all.

        To be called by a process that holds the study's lock.
        """
        with opening.as_storage_error(path):
            fresh = opening.beside(path)
            record = cls(opening.open_new(fresh), path)
        try:
            yield record
            record.name()
            record.close()
            with opening.as_storage_error(path):
                opening.put_in_place(fresh, path)
        finally:
            record.close()
            fresh.unlink(missing_ok=True)

    def name(self) -> None:
        """Give a new record the identity by which mirrors know that a study of theirs is its."""
        if IDENTITY not in self.notes():
            self.note({IDENTITY: uuid4().hex})

    def note(self, notes: Mapping[str, Any]) -> None:
        """Write notes of the study, those that differ."""
        known = self.notes()
        rows = [(n, json.dumps(v)) for n, v in notes.items() if n not in known or known[n] != v]
        if rows:
            with self._transaction():
                self.connection.executemany("INSERT OR REPLACE INTO notes VALUES (?, ?)", rows)
                self._revise()

    def add_search(
        self,
        name: str,
        *,
        arm: str,
        repeat: int = 1,
        phase: str = "search",
        split: int | None = None,
        goal: Goal,
        sampler_state: Mapping[str, Any] = MappingProxyType({}),
    ) -> Search:
        """The search called `name`, made where it is missing."""
        found = {each.name: each for each in self.searches()}
        if name not in found:
            columns = "name, arm, repeat, phase, split, goal, sampler_state"
            with self._transaction():
                self.connection.execute(
                    f"INSERT INTO searches ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?)",
                    [name, arm, repeat, phase, split, goal, json.dumps(dict(sampler_state))],
                )
            found = {each.name: each for each in self.searches()}
        return found[name]

    def begin(self, trial: Trial, sampler_state: Mapping[str, Any] | None = None) -> Trial:
        """A trial, or another attempt at one, begins now: the trial with its row; with
        `sampler_state` that of its search changes too."""
        now = milliseconds()
        with self._transaction():
            revision = self._revise()
            if trial.id:
                started = self._first_attempt(trial.id) or now
                self.connection.execute(
                    "UPDATE trials SET outcome = NULL, ended = NULL, revision = ?, code = ?, "
                    "started = ?, device = ? WHERE id = ?",
                    [revision, self.code, started, trial.device, trial.id],
                )
                begun = replace(trial, outcome=None, ended=None, started=local_time(started))
                begun = replace(begun, revision=revision, code=self.code)
            else:
                begun = replace(trial, started=local_time(now), revision=revision, code=self.code)
                begun = replace(begun, queued=self._times_put_aside(trial.key))
                begun = replace(begun, id=self._insert(begun, now))
            self._begin_attempt(begun.id, now)
            if sampler_state is not None:
                self.connection.execute(
                    "UPDATE searches SET sampler_state = ? WHERE id = ?",
                    [json.dumps(dict(sampler_state)), trial.search],
                )
        return begun

    @contextmanager
    def together(self, *, durable: bool = False) -> Iterator[None]:
        """What is written in the block is there whole when it ends, or not at all; what is
        `durable` no power failure can take away."""
        with self._transaction(durable=durable):
            yield

    def epoch(
        self, trial: int, epoch: int, metrics: Mapping[str, float], value: float | None
    ) -> None:
        """Write an epoch that a trial has finished now, `value` being None where it has no
        objective; of two attempts at one the first counts."""
        row = [trial, epoch, milliseconds(), number_or_null(value), metrics_to_json(metrics)]
        with opening.as_storage_error(self.path):  # one statement is a transaction by itself
            self._with_retry("INSERT OR IGNORE INTO epochs VALUES (?, ?, ?, ?, ?)", row)

    def copy_epochs(self, source: int, target: int) -> None:
        """Copy the epochs of one trial (`source`) to another one (`target`), by their rows."""
        with self._transaction():
            self.connection.execute(
                "INSERT OR IGNORE INTO epochs SELECT ?, epoch, time, value, metrics FROM epochs "
                "WHERE trial = ?",
                [target, source],
            )

    def end_attempt(self, trial: int, end: TrialEnd) -> int:
        """Write that an attempt failed now; how many at the trial have failed, in all runs."""
        with self._transaction():
            self._end_attempt(trial, end.outcome, end.reason, milliseconds())
        query = "SELECT count(*) FROM attempts WHERE trial = ? AND outcome NOT IN (?, ?)"
        kept = [Outcome.interrupted.value, Outcome.completed.value]
        return int(self._all(query, [trial, *kept])[0][0])

    def ran_out_of_memory(self, trial: int) -> bool:
        """Whether an attempt at a trial has ended for want of memory."""
        query = "SELECT 1 FROM attempts WHERE trial = ? AND outcome = ?"
        return bool(self._all(query, [trial, Outcome.out_of_memory.value]))

    def begin_attempt(self, trial: int) -> None:
        """Write that another attempt at a trial that failed begins now."""
        with self._transaction():
            self._begin_attempt(trial, milliseconds())

    def finish(self, trial: Trial) -> Trial:
        """Write how a trial ended or was interrupted, so that no power failure loses any of it."""
        assert trial.outcome is not None and trial.ended is not None
        now = to_milliseconds(trial.ended)
        with self._transaction(durable=True):
            revision = self._revise()
            changes = ", ".join(f"{column} = ?" for column in ENDING)
            row = row_of(trial)
            self.connection.execute(
                f"UPDATE trials SET {changes}, revision = ? WHERE id = ?",
                [*(row[column] for column in ENDING), revision, trial.id],
            )
            self._end_attempt(trial.id, trial.outcome, trial.reason, now)
        return replace(trial, revision=revision)

    def close_abandoned(self) -> None:
        """Interrupt the trials of a driver that died, at the time when they were last heard of."""
        query = "SELECT id, started FROM trials WHERE outcome IS NULL"
        abandoned = self._all(query)
        if not abandoned:
            return
        with self._transaction():
            for trial, started in abandoned:
                heard = "SELECT max(time), count(*) FROM epochs WHERE trial = ?"
                last, epochs = self.connection.execute(heard, [trial]).fetchone()
                self.connection.execute(
                    "UPDATE trials SET outcome = ?, reason = ?, ended = ?, epochs = ?, "
                    "revision = ? WHERE id = ?",
                    [Outcome.interrupted, ABANDONED, last or started, epochs, self._revise(),
                     trial],
                )  # fmt: skip
                self._end_attempt(trial, Outcome.interrupted, ABANDONED, last or started)

    def add(
        self,
        trial: Trial,
        epochs: Sequence[EpochRow],
        values: Mapping[int, float | None],
        *,
        failed: int = 0,
        version: str = "",
    ) -> Trial:
        """Write a whole trial of another home or of an earlier version, with its epochs and the
        objective after each; `failed` attempts at it came before the last one, and `version` is
        the fairtune that began it."""
        with self._transaction():
            revision = self._revise()
            added = replace(trial, revision=revision)
            started = to_milliseconds(trial.started) if trial.started else milliseconds()
            added = replace(added, id=self._insert(added, started))
            ending = ", ".join(f"{column} = ?" for column in ENDING)
            row = row_of(added)
            self.connection.execute(
                f"UPDATE trials SET {ending} WHERE id = ?",
                [*(row[column] for column in ENDING), added.id],
            )
            for _ in range(failed):
                self._begin_attempt(added.id, started, version)
                self._end_attempt(added.id, Outcome.crashed, "", started)
            self._begin_attempt(added.id, started, version)
            if trial.outcome is not None:
                ended = to_milliseconds(trial.ended) if trial.ended else started
                self._end_attempt(added.id, trial.outcome, trial.reason, ended)
            self.connection.executemany(
                "INSERT INTO epochs VALUES (?, ?, ?, ?, ?)",
                [
                    (added.id, each.epoch, each.time, number_or_null(values.get(each.epoch)),
                     metrics_to_json(each.metrics))
                    for each in epochs
                ],
            )  # fmt: skip
            self._write_texts(added.id, trial.annotation.texts)
        return added
