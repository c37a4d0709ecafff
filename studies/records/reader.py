"""Reads the record of a study."""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from lightning_modules.components import unknown
from lightning_modules.errors import UserError
from studies.home import Home
from studies.home.home import RECORD
from studies.records import connection as opening
from studies.records.names import RENAMED, with_name
from studies.records.read_only import ReadOnlyConnection
from studies.records.rows import (
    COLUMNS,
    annotations_of,
    local_time,
    metrics_of,
    parsed,
    seconds_covered,
    trial_of,
)
from studies.records.sharing import Sections
from studies.records.types import Annotation, EpochRow, Search, Trial

IDENTITY = "record"
"""The note that tells a record from all others."""
Histories = dict[str, dict[str, dict[int, float]]]
"""{trial: {metric: {epoch: value}}} of the values that are finite, epochs counted from 1."""
AT_ONCE = 1000
"""Trials that are read at a time."""
Result = TypeVar("Result")


@dataclass
class RecordReader:
    """Reads a record; a reader never makes the driver wait.

    Examples:
        >>> with RecordReader.open(home, "digits") as record:  # doctest: +SKIP
        ...     [trial.value for trial in record.trials()]
    """

    connection: sqlite3.Connection
    path: Path
    seen: ReadOnlyConnection | None = None
    """How the file was opened; None for the writer."""

    @classmethod
    def open(cls, home: Home, study: str) -> RecordReader:
        """The record of a study.

        Raises UserError where there is none and StorageError where it cannot be read.
        """
        path = home.record(study)
        with opening.as_storage_error(path):
            exists = path.exists()
        if not exists:
            raise UserError(f"{home.path}: {unknown('study', study, recorded_studies(home))}")
        return cls.at(path)

    @classmethod
    def at(cls, path: Path) -> RecordReader:
        """The record in a file; raises StorageError where it cannot be read."""
        seen = opening.open_reader(path)
        return cls(seen.connection, path, seen)

    def __enter__(self) -> RecordReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()
        if self.seen is not None:
            self.seen.close()

    @property
    def revision(self) -> int:
        """A number that grows whenever a trial starts or ends, and whenever a note changes."""
        return int(self._all("SELECT last FROM revision")[0][0])

    def notes(self) -> dict[str, Any]:
        """What is written of the study as a whole, by name: its file, versions, looks, ..."""
        notes = self.written_notes()
        if notes.get(RENAMED) == self.path.parent.name:  # its next writer writes that down
            with opening.as_foreign_content(self.path):
                return with_name(notes, notes[RENAMED])
        return notes

    def written_notes(self) -> dict[str, Any]:
        """The notes as they are written, also where the study has another name by now."""
        rows = self._all("SELECT * FROM notes")
        with opening.as_foreign_content(self.path):
            return {name: json.loads(text) for name, text in rows}

    def searches(self) -> list[Search]:
        """Every search and phase that was begun, in that order."""
        query = "SELECT id, name, arm, repeat, phase, split, goal, sampler_state FROM searches"
        rows = self._all(f"{query} ORDER BY id")
        with opening.as_foreign_content(self.path):
            return [
                Search(id_, name, arm, repeat, phase, split, goal, dict(json.loads(state)))
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
        return self._read_again_if_changed(lambda: self._trials(search, since, run_ids))

    def _trials(self, search: int | None, since: int, run_ids: Mapping[str, str]) -> list[Trial]:
        phases = {each.id: each.phase for each in self.searches()}
        where = "revision > ?" + (" AND search = ?" if search is not None else "")
        values = [since] if search is None else [since, search]
        query = f"SELECT {', '.join(COLUMNS)} FROM trials WHERE {where} ORDER BY search, number"
        found: list[Trial] = []
        sections, annotations, nothing = Sections(), self.annotations(), Annotation()
        for rows in self._some(query, values):
            curves = self._curves([row[0] for row in rows])
            with opening.as_foreign_content(self.path):
                found += [
                    trial_of(
                        row,
                        phases[row[1]],
                        curves.get(row[0], {}),
                        run_ids.get(row[3]),
                        annotations.get(row[0], nothing),
                    )
                    for row in parsed(rows, sections)
                ]
        return found

    def annotations(self) -> dict[int, Annotation]:
        """What people have written about trials, by their rows, and about the study, by 0."""
        rows = self._all("SELECT trial, name, text FROM annotations ORDER BY trial, name")
        with opening.as_foreign_content(self.path):
            return annotations_of(rows)

    def starting_weights(self) -> set[str]:
        """What the trials say of the weights that they start from, in words of the study file."""
        query = "SELECT DISTINCT json_extract(configuration, '$.model.weights') FROM trials"
        return {str(weights) for (weights,) in self._all(query) if weights is not None}

    def changed(self) -> datetime | None:
        """When a trial started or ended last, local time."""
        started, ended = self._all("SELECT max(started), max(ended) FROM trials")[0]
        with opening.as_foreign_content(self.path):
            times = [at for at in (started, ended) if at is not None]
            return local_time(max(times, default=None))

    @property
    def has_epochs(self) -> bool:
        """Whether any trial has finished an epoch."""
        return bool(self._all("SELECT 1 FROM epochs LIMIT 1"))

    def epochs(self, trial: int) -> list[EpochRow]:
        """Every epoch of a trial with all of its metrics, in order."""
        query = "SELECT epoch, time, metrics FROM epochs WHERE trial = ? ORDER BY epoch"
        rows = self._all(query, [trial])
        with opening.as_foreign_content(self.path):
            return [EpochRow(n, at, metrics_of(json.loads(text))) for n, at, text in rows]

    def histories(self, trials: Sequence[str], metrics: Sequence[str]) -> Histories:
        """Some metrics of some trials, which are named by their keys."""
        found: Histories = {trial: {} for trial in trials}
        query = "SELECT epoch, metrics FROM epochs JOIN trials ON epochs.trial = trials.id"
        for trial, curves in found.items():
            for epoch, text in self._all(f"{query} WHERE key = ? ORDER BY epoch", [trial]):
                known = metrics_of(json.loads(text))
                for metric in metrics:
                    if math.isfinite(known.get(metric, math.nan)):
                        curves.setdefault(metric, {})[epoch] = known[metric]
        return found

    def attempts(self, trial: int) -> int:
        """How many attempts at a trial were begun."""
        return int(self._all("SELECT count(*) FROM attempts WHERE trial = ?", [trial])[0][0])

    def training_seconds(self) -> float:
        """Seconds in which any trial was being trained; the study's pauses are none of them."""
        query = "SELECT started, ended FROM attempts WHERE ended IS NOT NULL ORDER BY started"
        rows = self._all(query)
        with opening.as_foreign_content(self.path):
            return seconds_covered(rows)

    def version(self, trial: int) -> str:
        """The fairtune that began a trial; empty where nobody wrote it down."""
        query = "SELECT version FROM attempts WHERE trial = ? ORDER BY number LIMIT 1"
        return "".join(row[0] for row in self._all(query, [trial]))

    def _curves(self, trials: Sequence[int]) -> dict[int, dict[int, float]]:
        """The objective after every epoch of some trials that has one, by their rows."""
        marks = ",".join("?" * len(trials))
        columns = "trial, epoch, value, CASE WHEN value IS NULL THEN metrics END"
        query = f"SELECT {columns} FROM epochs WHERE trial IN ({marks})"
        found: dict[int, dict[int, float]] = {}
        objective: str | None = None
        for trial, epoch, value, text in self._all(f"{query} ORDER BY trial, epoch", trials):
            with opening.as_foreign_content(self.path):
                curve = found.setdefault(trial, {})
                if value is None:  # not a number, which SQLite does not know, or none at all
                    objective = objective or self.notes().get("metric", "")
                    metrics = json.loads(text)
                    if metrics and objective and objective not in metrics:
                        continue
                curve[epoch] = math.nan if value is None else float(value)
        return found

    def damage(self) -> str:
        """What SQLite's own check of the whole file finds; empty where that is nothing."""
        rows = self._all("PRAGMA integrity_check(5)")
        return "" if rows == [("ok",)] else " ".join(" ".join(str(r[0]) for r in rows).split())

    def _some(self, query: str, values: Sequence[Any] = ()) -> Iterator[list[Any]]:
        """Rows, some at a time: their text takes more memory than what is read from it."""
        with opening.as_storage_error(self.path):
            cursor = self.connection.execute(query, values)
            while rows := cursor.fetchmany(AT_ONCE):
                yield rows

    def _all(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        def read() -> list[Any]:
            with opening.as_storage_error(self.path):
                return self.connection.execute(query, values).fetchall()

        return self._read_again_if_changed(read)

    def _read_again_if_changed(self, read: Callable[[], Result]) -> Result:
        """What is read. A record that nobody wrote when it was opened may be written by now: then
        SQLite may take what it reads for damaged, and it is opened and read again."""
        while (seen := self.seen) is not None and seen.still is not None:
            try:
                found = read()
            except Exception:
                if self.seen is seen and seen.holds:
                    raise
            else:
                if self.seen is seen and seen.holds:
                    return found
            if self.seen is seen:
                seen.close()
                self.seen = opening.open_reader(self.path)
                self.connection = self.seen.connection
        return read()


def recorded_studies(home: Home) -> list[str]:
    """The studies of a home that have a record, by name, those included that may not be read."""
    return sorted(path.name for path in home.path.glob("studies/*") if _has_record(path))


def known_studies(home: Home) -> list[str]:
    """The studies of a home; UserError where it has none."""
    if home.path.exists() and not home.path.is_dir():
        raise UserError(f"{home.path} is no folder; name the home with --home")
    if known := recorded_studies(home):
        return known
    raise UserError(f"{home.path} holds no studies yet; start one with `fairtune run`")


def require_study(home: Home, study: str) -> None:
    """Raise UserError where a home has no study of that name."""
    if study not in (known := known_studies(home)):
        raise UserError(f"{home.path}: {unknown('study', study, known)}")


def _has_record(folder: Path) -> bool:
    try:
        return (folder / RECORD).exists()
    except PermissionError:
        return True
