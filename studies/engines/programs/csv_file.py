"""Metrics from a CSV file that a program writes while it trains."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from io import StringIO
from pathlib import Path

from lightning_modules.errors import UserError
from studies.engines.programs.written_epochs import Written, number_of
from studies.study_file.metrics_source import EPOCH

SEPARATORS = ",;\t"


class CsvFile:
    """The rows of a CSV file, which grows, and may be written anew with more columns."""

    def __init__(self, path: Path, epoch: str) -> None:
        """`path` may hold `*`; `epoch` is the column that counts, empty for the usual one."""
        self.numbered = bool(epoch)
        self._path = path
        self._epoch = epoch or EPOCH
        self._rows = 0
        """Rows that were read."""
        self._state: tuple[int, int] | None = None
        self._columns: list[str] = []
        for stale in self._files():
            stale.unlink()  # of an attempt before

    def heard(self, line: str) -> Iterator[Written]:
        """Nothing is in the lines of the log."""
        yield from ()

    def news(self, over: bool) -> Iterator[Written]:
        """The rows that are new; the last one may be written by halves until all is `over`.

        Raises UserError where the file is not as it should be.
        """
        file = one_of(self._files(), self._path)
        if file is None:
            return
        found = file.stat()
        if self._state == (found.st_size, found.st_mtime_ns) and not over:
            return
        self._state = found.st_size, found.st_mtime_ns
        text = file.read_text(encoding="utf-8-sig", errors="replace")
        yield from self._new_rows(text if over else text.rpartition("\n")[0], file)

    def _new_rows(self, text: str, file: Path) -> Iterator[Written]:
        head = text.partition("\n")[0]
        separator = max(SEPARATORS, key=head.count)
        columns, *rows = list(csv.reader(StringIO(text), delimiter=separator)) or [[]]
        self._columns = [name.strip() for name in columns]
        if self._epoch in self._columns:
            self.numbered = True
        elif self.numbered and rows:
            raise UserError(f"metrics.epoch: {file} has no column {self._epoch!r}, but {self._has}")
        rows = [row for row in rows if row]
        for row in rows[self._rows :]:
            self._rows += 1
            cells = dict(zip(self._columns, row, strict=False))
            counted = cells.pop(self._epoch, "").strip()
            at = number_of(counted, f"{self._epoch} in {file}") if counted else None
            yield Written(dict(_numbers(cells)), at)

    def missing(self, metric: str) -> str:
        """What is said where a metric was not found."""
        if not self._columns:
            return f"there is no row in {self._path}"
        return f"{self._path} has {self._has}; say with metrics.names which one is {metric}"

    def _files(self) -> list[Path]:
        return [each for each in named_by(self._path) if each.is_file()]

    @property
    def _has(self) -> str:
        return ", ".join(self._columns)


def named_by(path: Path) -> list[Path]:
    """What a path names in which `*` stands for anything."""
    if "*" not in str(path):
        return [path] if path.exists() else []
    top = next(parent for parent in path.parents if "*" not in str(parent))
    return sorted(top.glob(str(path.relative_to(top))))


def one_of(found: Sequence[Path], path: Path) -> Path | None:
    """The one file or folder that a path names; None where there is none yet.

    Raises UserError where there are several.
    """
    if len(found) > 1:
        names = " and ".join(map(str, found[:2]))
        raise UserError(f"metrics.path: {path} is several, {names}; name one of them")
    return found[0] if found else None


def _numbers(cells: dict[str, str]) -> Iterator[tuple[str, float]]:
    """The cells that are numbers; others hold times and words, or nothing."""
    for name, text in cells.items():
        try:
            yield name, number_of(text, name)
        except UserError:
            continue
