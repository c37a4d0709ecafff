"""The record of a study: one SQLite file that its driver writes and everybody else reads."""

from __future__ import annotations

import json
import math
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal
from uuid import uuid4

from lightning_modules.errors import StorageError, UserError
from studies.earlier import FILE, is_earlier
from studies.home import Home
from studies.records import connection as opening
from studies.records import schema
from studies.records.sharing import Sections
from studies.records.trials import ABANDONED, Outcome, Trial, TrialEnd

Goal = Literal["minimize", "maximize"]
VERSION = version("fairtune")
IDENTITY = "record"
"""The note that tells a record from all others."""
Histories = dict[str, dict[str, dict[int, float]]]
"""{trial: {metric: {epoch: value}}} of the values that are finite, epochs counted from 1."""
COLUMNS = (
    "id", "search", "number", "key", "arm", "repeat", "split", "seed", "seed_index", "is_default",
    "duplicate_of", "config_hash", "configuration", "params", "distributions", "sampler_state",
    "started", "ended", "outcome", "value", "epochs", "best_epoch", "best", "test", "reason",
    "traceback", "seconds", "device", "data_hash", "weights_hash", "rows", "revision",
)  # fmt: skip
ENDING = (
    "outcome", "value", "ended", "epochs", "best_epoch", "best", "test", "reason", "traceback",
    "seconds", "device", "data_hash", "weights_hash", "rows", "sampler_state", "duplicate_of",
)  # fmt: skip
"""The columns that the end of a trial fills."""
AT_ONCE = 1000
"""Trials that are read at a time."""
METRICS = ("best", "test")
"""The JSON columns that hold numbers, not all of them finite."""
JSON_COLUMNS = ("configuration", "params", "distributions", "sampler_state", "best", "test", "rows")


@dataclass(frozen=True)
class Search:
    """One search of an arm, or the fresh runs of a phase: what is one study in Optuna."""

    id: int
    name: str
    """Of the Optuna study."""
    arm: str
    repeat: int
    phase: str
    split: int | None
    """The seed of its split; None for the study file's own."""
    goal: Goal
    sampler_state: Mapping[str, Any] = field(default_factory=dict)
    """What the sampler noted of it: Optuna's system attributes."""


@dataclass(frozen=True)
class EpochRow:
    """An epoch of a trial: when it ended, and its metrics."""

    epoch: int
    time: int
    """Milliseconds since 1970."""
    metrics: Mapping[str, float]


@dataclass
class RecordReader:
    """Reads a record; a reader never makes the driver wait.

    Examples:
        >>> with RecordReader.open(home, "digits") as record:  # doctest: +SKIP
        ...     [trial.value for trial in record.trials()]
    """

    connection: sqlite3.Connection
    path: Path

    @classmethod
    def open(cls, home: Home, study: str) -> RecordReader:
        """The record of a study.

        Raises UserError where there is none and StorageError where it cannot be read.
        """
        path = record_file(home, study)
        if not path.exists():
            raise UserError(f"{home.path}: there is no study {study!r}")
        return cls(opening.open_reader(path), path)

    def __enter__(self) -> RecordReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()

    @property
    def revision(self) -> int:
        """A number that grows whenever a trial starts or ends, and whenever a note changes."""
        return int(self._all("SELECT last FROM revision")[0][0])

    def notes(self) -> dict[str, Any]:
        """What is written of the study as a whole, by name: its file, versions, looks, ..."""
        return {name: json.loads(text) for name, text in self._all("SELECT * FROM notes")}

    def searches(self) -> list[Search]:
        """Every search and phase that was begun, in that order."""
        query = "SELECT id, name, arm, repeat, phase, split, goal, sampler_state FROM searches"
        rows = self._all(f"{query} ORDER BY id")
        return [
            Search(id_, name, arm, repeat, phase, split, goal, json.loads(state))
            for id_, name, arm, repeat, phase, split, goal, state in rows
        ]

    def trials(
        self,
        search: int | None = None,
        *,
        since: int = -1,
        run_ids: Mapping[str, str] = MappingProxyType({}),
    ) -> list[Trial]:
        """Every trial, or those of a search, in the order of their searches and numbers; with
        `since` those that changed after that revision. `run_ids` are their MLflow runs, by key."""
        phases = {each.id: each.phase for each in self.searches()}
        where = "revision > ?" + (" AND search = ?" if search is not None else "")
        values = [since] if search is None else [since, search]
        query = f"SELECT {', '.join(COLUMNS)} FROM trials WHERE {where} ORDER BY search, number"
        found: list[Trial] = []
        sections = Sections()
        for rows in self._some(query, values):
            curves = self._curves([row[0] for row in rows])
            found += [
                _trial(row, phases[row[1]], curves.get(row[0], {}), run_ids.get(row[3]))
                for row in _parsed(rows, sections)
            ]
        return found

    def changed(self) -> datetime | None:
        """When a trial started or ended last, local time."""
        started, ended = self._all("SELECT max(started), max(ended) FROM trials")[0]
        times = [at for at in (started, ended) if at is not None]
        return _local(max(times, default=None))

    @property
    def has_epochs(self) -> bool:
        """Whether any trial has finished an epoch."""
        return bool(self._all("SELECT 1 FROM epochs LIMIT 1"))

    def epochs(self, trial: int) -> list[EpochRow]:
        """Every epoch of a trial with all of its metrics, in order."""
        query = "SELECT epoch, time, metrics FROM epochs WHERE trial = ? ORDER BY epoch"
        rows = self._all(query, [trial])
        return [EpochRow(n, at, _metrics(json.loads(text))) for n, at, text in rows]

    def histories(self, trials: Sequence[str], metrics: Sequence[str]) -> Histories:
        """Some metrics of some trials, which are named by their keys."""
        found: Histories = {trial: {} for trial in trials}
        query = "SELECT epoch, metrics FROM epochs JOIN trials ON epochs.trial = trials.id"
        for trial, curves in found.items():
            for epoch, text in self._all(f"{query} WHERE key = ? ORDER BY epoch", [trial]):
                known = _metrics(json.loads(text))
                for metric in metrics:
                    if math.isfinite(known.get(metric, math.nan)):
                        curves.setdefault(metric, {})[epoch] = known[metric]
        return found

    def attempts(self, trial: int) -> int:
        """How many attempts at a trial were begun."""
        return int(self._all("SELECT count(*) FROM attempts WHERE trial = ?", [trial])[0][0])

    def version(self, trial: int) -> str:
        """The fairtune that began a trial; empty where nobody wrote it down."""
        query = "SELECT version FROM attempts WHERE trial = ? ORDER BY number LIMIT 1"
        return "".join(row[0] for row in self._all(query, [trial]))

    def _curves(self, trials: Sequence[int]) -> dict[int, dict[int, float]]:
        """The objective after every epoch of some trials, by their rows."""
        marks = ",".join("?" * len(trials))
        query = f"SELECT trial, epoch, value FROM epochs WHERE trial IN ({marks})"
        found: dict[int, dict[int, float]] = {}
        for trial, epoch, value in self._all(f"{query} ORDER BY trial, epoch", trials):
            found.setdefault(trial, {})[epoch] = math.nan if value is None else value
        return found

    def _some(self, query: str, values: Sequence[Any] = ()) -> Iterator[list[Any]]:
        """Rows, some at a time: their text takes more memory than what is read from it."""
        with opening.said(self.path):
            cursor = self.connection.execute(query, values)
            while rows := cursor.fetchmany(AT_ONCE):
                yield rows

    def _all(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        with opening.said(self.path):
            return self.connection.execute(query, values).fetchall()


@dataclass
class Record(RecordReader):
    """The record of a study, open for its one writer, who holds the study's lock."""

    @classmethod
    def in_memory(cls) -> Record:
        """A record that is kept nowhere."""
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
        path = record_file(home, study)
        if is_earlier(path.parent):
            raise StorageError(
                f"study {study} was run by an earlier version: `fairtune import {study}` makes its "
                f"record; to start it anew, move the folder {path.parent} away"
            )
        with home.lock(study):
            record = cls(opening.open_writer(path), path)
            try:
                record.name()
                yield record
            finally:
                record.close()

    @classmethod
    @contextmanager
    def new(cls, path: Path) -> Iterator[Record]:
        """A record at `path` to be filled: it is there whole when the block ends, or not at all.

        To be called by a process that holds the study's lock.
        """
        with opening.said(path):
            fresh = opening.beside(path)
            record = cls(opening.open_new(fresh), path)
        try:
            yield record
            record.name()
            record.close()
            with opening.said(path):
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
    ) -> Search:
        """The search called `name`, made where it is missing."""
        found = {each.name: each for each in self.searches()}
        if name not in found:
            columns = "name, arm, repeat, phase, split, goal"
            with self._transaction():
                self.connection.execute(
                    f"INSERT INTO searches ({columns}) VALUES (?, ?, ?, ?, ?, ?)",
                    [name, arm, repeat, phase, split, goal],
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
                self.connection.execute(
                    "UPDATE trials SET outcome = NULL, ended = NULL, revision = ? WHERE id = ?",
                    [revision, trial.id],
                )
                begun = replace(trial, outcome=None, ended=None, revision=revision)
            else:
                begun = replace(trial, started=_local(now), revision=revision)
                begun = replace(begun, id=self._insert(begun, now))
            self._begin_attempt(begun.id, now)
            if sampler_state is not None:
                self.connection.execute(
                    "UPDATE searches SET sampler_state = ? WHERE id = ?",
                    [json.dumps(dict(sampler_state)), trial.search],
                )
        return begun

    def epoch(self, trial: int, epoch: int, metrics: Mapping[str, float], value: float) -> None:
        """A trial finished an epoch now; of two attempts at an epoch the first counts."""
        row = [trial, epoch, milliseconds(), _number(value), _metrics_json(metrics)]
        with opening.said(self.path):  # one statement is a transaction by itself
            self._patiently("INSERT OR IGNORE INTO epochs VALUES (?, ?, ?, ?, ?)", row)

    def copy_epochs(self, source: int, target: int) -> None:
        """A trial repeats the result of another one, epoch by epoch."""
        with self._transaction():
            self.connection.execute(
                "INSERT OR IGNORE INTO epochs SELECT ?, epoch, time, value, metrics FROM epochs "
                "WHERE trial = ?",
                [target, source],
            )

    def end_attempt(self, trial: int, end: TrialEnd) -> int:
        """An attempt failed now; how many attempts at the trial have ended so, in all runs."""
        with self._transaction():
            self._end_attempt(trial, end.outcome, end.reason, milliseconds())
        query = "SELECT count(*) FROM attempts WHERE trial = ? AND outcome NOT IN (?, ?)"
        kept = [Outcome.interrupted.value, Outcome.completed.value]
        return int(self._all(query, [trial, *kept])[0][0])

    def begin_attempt(self, trial: int) -> None:
        """Another attempt at a trial that failed begins now."""
        with self._transaction():
            self._begin_attempt(trial, milliseconds())

    def finish(self, trial: Trial) -> Trial:
        """A trial ended, or was interrupted; from here on a power failure loses nothing of it."""
        assert trial.outcome is not None and trial.ended is not None
        now = _milliseconds(trial.ended)
        with self._transaction(durable=True):
            revision = self._revise()
            changes = ", ".join(f"{column} = ?" for column in ENDING)
            row = _row(trial)
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
            started = _milliseconds(trial.started) if trial.started else milliseconds()
            added = replace(added, id=self._insert(added, started))
            ending = ", ".join(f"{column} = ?" for column in ENDING)
            row = _row(added)
            self.connection.execute(
                f"UPDATE trials SET {ending} WHERE id = ?",
                [*(row[column] for column in ENDING), added.id],
            )
            for _ in range(failed):
                self._begin_attempt(added.id, started, version)
                self._end_attempt(added.id, Outcome.crashed, "", started)
            self._begin_attempt(added.id, started, version)
            if trial.outcome is not None:
                ended = _milliseconds(trial.ended) if trial.ended else started
                self._end_attempt(added.id, trial.outcome, trial.reason, ended)
            self.connection.executemany(
                "INSERT INTO epochs VALUES (?, ?, ?, ?, ?)",
                [
                    (added.id, each.epoch, each.time, _number(values.get(each.epoch)),
                     _metrics_json(each.metrics))
                    for each in epochs
                ],
            )  # fmt: skip
        return added

    def save_sampler_state(self, search: int, state: Mapping[str, Any]) -> None:
        """What the sampler notes of a search."""
        with self._transaction():
            self.connection.execute(
                "UPDATE searches SET sampler_state = ? WHERE id = ?",
                [json.dumps(dict(state)), search],
            )

    def _insert(self, trial: Trial, started: int) -> int:
        row = _row(trial) | {"started": started}
        columns = [
            column for column in COLUMNS if column != "id" and (column not in ENDING
            or column in ("sampler_state", "duplicate_of"))
        ]  # fmt: skip
        marks = ", ".join("?" * len(columns))
        done = self.connection.execute(
            f"INSERT INTO trials ({', '.join(columns)}) VALUES ({marks})",
            [row[column] for column in columns],
        )
        assert done.lastrowid is not None
        return done.lastrowid

    def _begin_attempt(self, trial: int, now: int, version: str = VERSION) -> None:
        self.connection.execute(
            "INSERT INTO attempts (trial, number, started, version) "
            "SELECT ?, count(*) + 1, ?, ? FROM attempts WHERE trial = ?",
            [trial, now, version, trial],
        )

    def _end_attempt(self, trial: int, outcome: Outcome, reason: str, now: int) -> None:
        self.connection.execute(
            "UPDATE attempts SET ended = ?, outcome = ?, reason = ? "
            "WHERE trial = ? AND ended IS NULL",
            [now, outcome.value, reason, trial],
        )

    def _revise(self) -> int:
        self.connection.execute("UPDATE revision SET last = last + 1")
        return int(self.connection.execute("SELECT last FROM revision").fetchone()[0])

    @contextmanager
    def _transaction(self, *, durable: bool = False) -> Iterator[None]:
        """All or nothing; what is `durable` is on the disk at the end."""
        with opening.said(self.path):
            usual = None
            try:
                if durable:
                    usual = self.connection.execute("PRAGMA synchronous").fetchone()[0]
                    self.connection.execute("PRAGMA synchronous = FULL")
                self._patiently("BEGIN IMMEDIATE")
                yield
                self._patiently("COMMIT")
            except BaseException:
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")
                raise
            finally:
                if usual is not None:
                    self.connection.execute(f"PRAGMA synchronous = {usual}")

    def _patiently(self, statement: str, values: Sequence[Any] = ()) -> None:
        opening.patiently(self.path, lambda: self.connection.execute(statement, values))


def record_file(home: Home, study: str) -> Path:
    """Where the record of a study is."""
    return home.study(study) / FILE


def recorded_studies(home: Home) -> list[str]:
    """The studies of a home that have a record, by name."""
    return sorted(path.parent.name for path in home.path.glob(f"studies/*/{FILE}"))


def milliseconds() -> int:
    """Now, since 1970."""
    return time.time_ns() // 1_000_000


def _milliseconds(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def _local(at: int | None) -> datetime | None:
    return None if at is None else datetime.fromtimestamp(at / 1000)


def _number(value: float | None) -> float | None:
    """SQLite holds no NaN."""
    return None if value is None or math.isnan(value) else float(value)


def _row(trial: Trial) -> dict[str, Any]:
    """The columns of a trial."""
    return {
        **{name: getattr(trial, name) for name in (
            "search", "number", "key", "arm", "repeat", "split", "seed", "seed_index",
            "duplicate_of", "config_hash", "value", "epochs", "best_epoch", "reason", "traceback",
            "seconds", "device", "data_hash", "weights_hash", "revision")},
        "is_default": trial.default,
        "outcome": None if trial.outcome is None else trial.outcome.value,
        "ended": None if trial.ended is None else _milliseconds(trial.ended),
        **{name: json.dumps(dict(getattr(trial, name))) for name in JSON_COLUMNS
           if name not in METRICS},
        **{name: _metrics_json(getattr(trial, name)) for name in METRICS},
    }  # fmt: skip


def _metrics_json(metrics: Mapping[str, float]) -> str:
    """Metrics in JSON that every program reads: it has no word for NaN and none for infinity."""
    text = json.dumps(dict(metrics))
    if "NaN" not in text and "Infinity" not in text:
        return text
    parts = (f"{json.dumps(name)}: {_json_number(value)}" for name, value in metrics.items())
    return f"{{{', '.join(parts)}}}"


def _json_number(value: float) -> str:
    if math.isnan(value):
        return "null"
    return json.dumps(value) if math.isfinite(value) else f"{'-' * (value < 0)}1e999"


def _metrics(found: Mapping[str, float | None]) -> dict[str, float]:
    return {name: math.nan if value is None else value for name, value in found.items()}


def _parsed(rows: Sequence[Sequence[Any]], sections: Sections) -> Iterator[Sequence[Any]]:
    """Rows of trials with their JSON columns read. What many trials have alike is there once, for
    nobody changes it: equal texts, equal sections of configurations, and the names in all."""
    columns: list[Sequence[Any]] = list(zip(*rows, strict=True))
    for name in JSON_COLUMNS:
        at = COLUMNS.index(name)
        texts = dict.fromkeys(columns[at])
        read = dict(zip(texts, json.loads(f"[{','.join(texts)}]"), strict=True))
        if name == "configuration":
            read = {text: sections.shared(found) for text, found in read.items()}
        elif name in METRICS:
            read = {t: _metrics(found) if "null" in t else found for t, found in read.items()}
        columns[at] = [read[text] for text in columns[at]]
    return zip(*columns, strict=True)


def _trial(row: Sequence[Any], phase: str, curve: Mapping[int, float], run_id: str | None) -> Trial:
    (id_, search, number, key, arm, repeat, split, seed, seed_index, is_default, duplicate_of,
     config_hash, configuration, params, distributions, sampler_state, started, ended, outcome,
     value, epochs, best_epoch, best, test, reason, traceback, seconds, device, data_hash,
     weights_hash, rows, revision) = row  # fmt: skip
    return Trial(
        key=key, arm=arm, phase=phase, outcome=None if outcome is None else Outcome(outcome),
        value=value, seed=seed, configuration=configuration, config_hash=config_hash,
        epochs=epochs, best_epoch=best_epoch, best=best, test=test,
        reason=reason, seconds=seconds, run_id=run_id, duplicate_of=duplicate_of,
        default=bool(is_default), params=params, curve=curve, started=_local(started),
        ended=_local(ended), device=device, traceback=traceback, data_hash=data_hash,
        weights_hash=weights_hash, repeat=repeat, split=split, number=number, rows=rows,
        seed_index=seed_index, distributions=distributions,
        sampler_state=sampler_state, id=id_, search=search, revision=revision,
    )  # fmt: skip
