"""A text file, packed or not, as bytes and as the lines that are rows of a table."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lightning_modules.data.readers.unpacking import OPENERS, unpacked

csv.field_size_limit(2**31 - 1)  # texts may be long

Record = tuple[int, list[str]]
"""The line of the file on which a row begins, from 1, and its cells."""


@dataclass(frozen=True)
class Source:
    """A file, and its path as the user names it."""

    file: Path
    path: str

    def opened(self) -> AbstractContextManager[Any]:
        """Its bytes, unpacked."""
        if self.file.suffix.lower() in OPENERS:
            return unpacked(self.file, self.path)
        return self.file.open("rb")

    @contextmanager
    def text(self, encoding: str) -> Iterator[io.TextIOWrapper]:
        """Its text, with the ends of lines as they are."""
        with self.opened() as opened:
            yield io.TextIOWrapper(opened, encoding=encoding, newline="")


@dataclass(frozen=True)
class Spelling:
    """How the lines of a text file become cells."""

    encoding: str = "utf-8"
    separator: str = ","
    quote: str = '"'
    comment: str = ""
    """What begins lines that are no rows; empty where nothing does."""
    skipped: frozenset[int] = frozenset()
    """Lines that are no rows, by number."""

    @property
    def is_plain(self) -> bool:
        """Whether every line is a row."""
        return not self.comment and not self.skipped


class KeptLines:
    """The lines of a text that are rows, also as a file for pandas to read."""

    def __init__(self, lines: Iterator[str], spelling: Spelling, after: int = 0) -> None:
        """`after` is the line from which on lines are kept."""
        self.lines, self.spelling, self.after = lines, spelling, after
        self.number = 0
        self.first: int | None = None
        """The line on which the row at work begins."""
        self.rest = ""
        self.quoted = False
        """Whether the next line begins within a text in quotes."""

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        for line in self.lines:
            self.number += 1
            if self.number <= self.after or self.number in self.spelling.skipped:
                continue
            comment = self.spelling.comment
            if comment and not self.quoted and line.lstrip(" \t\ufeff").startswith(comment):
                continue
            self.quoted ^= line.count(self.spelling.quote) % 2 == 1
            if self.first is None:
                self.first = self.number
            return line
        raise StopIteration

    def read(self, size: int = -1) -> str:
        """The next characters of the lines that are kept."""
        pieces, length = [self.rest], len(self.rest)
        while size < 0 or length < size:
            line = next(self, "")
            if not line:
                break
            pieces.append(line)
            length += len(line)
        text = "".join(pieces)
        if size < 0:
            size = len(text)
        self.rest = text[size:]
        return text[:size]


def records(lines: Iterator[str], spelling: Spelling, after: int = 0) -> Iterator[Record]:
    """The rows of lines, with their cells; lines without any are none."""
    kept = KeptLines(lines, spelling, after)
    words = (line.replace("\t", " ").rstrip() for line in kept)
    given: Iterator[str] = words if spelling.separator == " " else kept
    reader = csv.reader(
        given, delimiter=spelling.separator, quotechar=spelling.quote, skipinitialspace=True
    )
    for cells in reader:
        first, kept.first = kept.first, None
        if any(cell.strip() for cell in cells) or len(cells) > 1:
            yield first or kept.number, [cell.strip().removeprefix("\ufeff") for cell in cells]


def decoding_error(opened: Any, encoding: str) -> UnicodeDecodeError | None:
    """What cannot be decoded first, with the place in all of the bytes before it as its start."""
    decoder = codecs.getincrementaldecoder(encoding)()
    while block := opened.read(2**20):
        try:
            decoder.decode(block)
        except UnicodeDecodeError as error:
            return error
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        return error
    return None
