"""What people write about a study and its trials: a note, and tags by name.

The driver never touches these rows, so that they may be written beside it, a transaction at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from lightning_modules.components import unknown
from lightning_modules.errors import BusyError, UserError
from studies.home import Home
from studies.records import connection as opening
from studies.records.reader import RecordReader, require_study
from studies.records.transactions import RecordTransactions
from studies.records.types import Annotation
from studies.records.writer import Record

NOTE = ""
"""The name under which the note stands among the tags."""
OF_STUDY = 0
"""What stands for the study itself among the rows of trials."""


@dataclass
class Annotations(RecordTransactions):
    """A record that is open to write notes and tags, and nothing else."""

    def write(self, row: int, changes: Mapping[str, str | None]) -> Annotation:
        """Set texts by their names, and take away those that are None; what stands there then.

        `row` is that of a trial, or `OF_STUDY`.
        """
        held = annotation_of(self, row).texts
        new = {name: text for name, text in changes.items() if held.get(name) != text}
        if new:
            with self._transaction(durable=True):
                self._write_texts(row, new)
                revision = self._revise()
                if row != OF_STUDY:
                    changed = "UPDATE trials SET revision = ? WHERE id = ?"
                    self.connection.execute(changed, [revision, row])
        return annotation_of(self, row)


def row_of(record: RecordReader, study: str, trial: str | None) -> int:
    """The row of a trial by its name, `OF_STUDY` without one; UserError where there is none."""
    if trial is None:
        return OF_STUDY
    rows = {each.key: each.id for each in record.trials()}
    if trial not in rows:
        raise UserError(f"{study}: {unknown('trial', trial, rows)}")
    return rows[trial]


def annotation_of(record: RecordReader, row: int) -> Annotation:
    """What people have written about a trial, or about the study."""
    return record.annotations().get(row, Annotation())


@contextmanager
def annotating(home: Home, study: str) -> Iterator[tuple[Annotations, bool]]:
    """The record of a study to write notes and tags, and whether another process has the study
    meanwhile: it goes on, and its mirrors deliver them.

    Raises UserError where there is no such study, StorageError where its record cannot be used
    and BusyError where an older fairtune runs it, whose record has no room for them.
    """
    require_study(home, study)
    path = home.record(study)
    with ExitStack() as opened:
        try:
            record: RecordTransactions = opened.enter_context(Record.writing(home, study))
            busy = False
        except BusyError:
            if opening.is_outdated(path):
                raise BusyError(
                    f"study {study} is being run by an older fairtune, whose record has no room "
                    "for notes and tags; run the same command again when it has ended"
                ) from None
            connection = opening.open_writer(path)
            opened.callback(connection.close)
            record, busy = RecordTransactions(connection, path), True
        yield Annotations(record.connection, path), busy
