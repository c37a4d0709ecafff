"""How a record is changed: all or nothing, waiting for other programs that hold it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from studies.records import connection as opening
from studies.records.reader import RecordReader
from studies.records.rows import COLUMNS, ENDING, row_of
from studies.records.types import SUPERSEDED, Outcome, Trial

FAIRTUNE = version("fairtune")
"""Every attempt names the version that began it."""


@dataclass
class RecordTransactions(RecordReader):
    """The rows of a record as its one writer changes them, within transactions."""

    code: str = ""
    """Identity of the user's own code that trials run with now."""

    def _insert(self, trial: Trial, started: int) -> int:
        columns = [
            column for column in COLUMNS if column != "id" and (column not in ENDING
            or column in ("sampler_state", "duplicate_of", "device"))
        ]  # fmt: skip
        marks = ", ".join(f":{column}" for column in columns)
        done = self.connection.execute(
            f"INSERT INTO trials ({', '.join(columns)}) VALUES ({marks})",
            row_of(trial) | {"started": started},
        )
        assert done.lastrowid is not None
        return done.lastrowid

    def _times_put_aside(self, key: str) -> int:
        """How many trials of a name have been put aside."""
        alike = f"{key}-{SUPERSEDED}-"
        query = (
            "SELECT count(*) FROM trials WHERE substr(key, 1, ?) = ? "
            "AND search IN (SELECT id FROM searches WHERE phase = ?)"
        )
        values = [len(alike), alike, SUPERSEDED]
        return int(self.connection.execute(query, values).fetchone()[0])

    def _first_attempt(self, trial: int) -> int | None:
        """When the first attempt at a trial began; None where there was none."""
        query = "SELECT min(started) FROM attempts WHERE trial = ?"
        found: int | None = self.connection.execute(query, [trial]).fetchone()[0]
        return found

    def _begin_attempt(self, trial: int, now: int, version: str = FAIRTUNE) -> None:
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

    def _write_texts(self, trial: int, texts: Mapping[str, str | None]) -> None:
        """Write what people say of a trial by its row, or of the study by 0, within a transaction;
        what is None is taken away."""
        self.connection.executemany(
            "DELETE FROM annotations WHERE trial = ? AND name = ?",
            [(trial, name) for name, text in texts.items() if text is None],
        )
        self.connection.executemany(
            "INSERT OR REPLACE INTO annotations VALUES (?, ?, ?)",
            [(trial, name, text) for name, text in texts.items() if text is not None],
        )

    def _revise(self) -> int:
        self.connection.execute("UPDATE revision SET last = last + 1")
        return int(self.connection.execute("SELECT last FROM revision").fetchone()[0])

    @contextmanager
    def _transaction(self, *, durable: bool = False) -> Iterator[None]:
        """All or nothing; what is `durable` is on the disk at the end. One within another is part
        of that one, which is durable where it is to be."""
        if self.connection.in_transaction:
            yield
            return
        with opening.as_storage_error(self.path):
            usual = None
            try:
                if durable:
                    usual = self.connection.execute("PRAGMA synchronous").fetchone()[0]
                    self.connection.execute("PRAGMA synchronous = FULL")
                self._with_retry("BEGIN IMMEDIATE")
                yield
                self._with_retry("COMMIT")
            except BaseException:
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")
                raise
            finally:
                if usual is not None:
                    self.connection.execute(f"PRAGMA synchronous = {usual}")

    def _with_retry(self, statement: str, values: Sequence[Any] = ()) -> None:
        opening.with_retry(self.path, lambda: self.connection.execute(statement, values))
