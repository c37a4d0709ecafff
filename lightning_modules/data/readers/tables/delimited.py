"""Text files with a row per line: their spelling is recognized by the first lines, and pandas reads
the rest."""

from __future__ import annotations

import csv
import itertools
import lzma
import warnings
import zipfile
import zlib
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from lightning_modules.data.columns.cells import filled_rows
from lightning_modules.data.readers.memory import require_memory
from lightning_modules.data.readers.tables.encoding import encoding_of
from lightning_modules.data.readers.tables.form import SEPARATORS, FileForm
from lightning_modules.data.readers.tables.heading import Heading, heading_of, is_named
from lightning_modules.data.readers.tables.separators import separator_of, width_of, words_of
from lightning_modules.data.readers.tables.source import (
    KeptLines,
    Record,
    Source,
    Spelling,
    records,
)
from lightning_modules.data.readers.unpacking import IN_MEMORY, OPENERS
from lightning_modules.errors import DataError

LINES = 500
"""The first lines, by which a file is recognized."""
LONGEST = 2**20
"""Characters of these lines."""
COMMENTS = ("#", "%")
SHOWN = 5
"""Lines that a message names."""
UNREADABLE = (
    csv.Error, pd.errors.ParserError, pd.errors.EmptyDataError, ValueError, OSError, EOFError,
    zlib.error, lzma.LZMAError, zipfile.BadZipFile,
    RuntimeError,  # a ZIP archive with a password
    NotImplementedError,  # or packed in a way that Python does not know
)  # fmt: skip


@dataclass(frozen=True)
class Layout:
    """How a text file is written."""

    source: Source
    spelling: Spelling
    heading: Heading
    notices: tuple[str, ...]
    is_unix: bool
    """Whether its lines end with a line feed, perhaps after a carriage return."""

    def rows(self) -> Iterator[Record]:
        """The rows of the file, with their lines."""
        with self.source.text(self.spelling.encoding) as text:
            yield from records(text, self.spelling, self.heading.last)

    def line_of(self, row: int) -> int:
        """The line of the file on which a row begins, which is counted from 0."""
        return next(itertools.islice(self.rows(), row, None))[0]


def read_delimited(
    source: Source, form: FileForm, text: Sequence[str], all_text: bool
) -> tuple[pd.DataFrame, Layout, list[str]]:
    """The rows of a text file, how it is written, and what is to be said of them.

    Columns in `text`, or `all_text`, are not read as numbers. Raises DataError, which names every
    line that is wrong, where it is no table.
    """
    if source.file.suffix.lower() not in OPENERS:
        require_memory(f"{source.path}: its rows", source.file.stat().st_size * IN_MEMORY)
    with _told(source.path):
        layout = layout_of(source, form)
        frame = _read(layout, text, all_text)
        notices = [*layout.notices]
        if len(frame.columns) and frame.iloc[:, -1].isna().any():
            notices += _short_lines(layout)
        frame = _without_trailing(frame, layout)
        rows = filled_rows(frame)
        if rows < len(frame):
            line = layout.line_of(rows)
            notices.append(f"from line {line} on there are separators alone, which are not read")
        return frame.iloc[:rows], layout, notices


def layout_of(source: Source, form: FileForm) -> Layout:
    """How a text file is written, by what is said of it and by its first lines."""
    encoding, said = encoding_of(source, form.encoding)
    notices = [said] if said else []
    with source.text(encoding) as text:
        lines = list(itertools.islice(_bounded(text), LINES))
    lone = any(line.endswith("\r") for line in lines)
    if len(lines) > 2 and len(lines) == LINES:
        lines.pop()  # may be half of a row
    skipped = frozenset(form.skip_lines or ())
    separator = SEPARATORS[form.separator] if form.separator else ""
    if lines and (first := lines[0].lstrip("\ufeff").strip().strip('"')).lower().startswith("sep="):
        skipped |= {1}
        separator = separator or first[4:].strip() or "\t"
    spelling = Spelling(encoding=encoding, comment=form.comment or "", skipped=skipped)
    if form.comment is None:
        spelling = _with_comments(lines, spelling)
    separator = separator or separator_of(lines, spelling)
    spelling = replace(spelling, separator=separator)
    spelling = replace(spelling, quote=_quote(lines, spelling))
    rows = list(records(iter(lines), spelling))
    if form.comment is None and form.header is not False:
        spelling, rows = _header_in_comments(lines, spelling, rows)
    explicit = form.skip_lines is not None
    named = separator in "\t "
    heading = heading_of(rows, form.header, explicit, source.path, named=named)
    if form.of_another:
        above = frozenset(line for line in spelling.skipped if line <= heading.last)
        spelling = replace(spelling, skipped=above)
    if separator != ",":
        notices.append(f"the columns are separated by {_said(separator)}")
    if spelling.comment:
        notices.append(f"lines that begin with {spelling.comment} are comments and are not read")
    return Layout(source, spelling, heading, (*notices, *heading.notices), not lone)


def _said(separator: str) -> str:
    return {"bar": "|", "tab": "tabs", "semicolon": "semicolons"}.get(
        words_of(separator), words_of(separator)
    )


def _bounded(text: Any) -> Iterator[str]:
    """The lines of a text up to `LONGEST` characters, and at least two of them."""
    length = 0
    for number, line in enumerate(text):
        length += len(line)
        if length > LONGEST and number > 1:
            return
        yield line


def _with_comments(lines: Sequence[str], spelling: Spelling) -> Spelling:
    """With the sign of comments where the first line is one."""
    first = next(records(iter(lines), replace(spelling, separator="\0")), (0, [""]))[1][0]
    return replace(spelling, comment=first[:1] if first.startswith(COMMENTS) else "")


def _header_in_comments(
    lines: Sequence[str], spelling: Spelling, rows: list[Record]
) -> tuple[Spelling, list[Record]]:
    """The last of the first comments names the columns where it has as many words as rows have."""
    width, sign = width_of(rows), spelling.comment
    first = rows[0][0] if rows else 0
    above = [number for number in range(1, first) if lines[number - 1].lstrip().startswith(sign)]
    if not sign or not above or width < 2:
        return spelling, rows
    line = lines[above[-1] - 1].lstrip()[len(sign) :]
    found = list(records(iter([line]), replace(spelling, comment="", skipped=frozenset())))
    if not found or len(found[0][1]) != width:
        return spelling, rows
    if len(above) == 1:  # one sign before the names does not make lines below comments
        spelling = replace(spelling, comment="")
    return spelling, [(above[-1], found[0][1]), *[row for row in rows if row[0] > above[-1]]]


def _quote(lines: Sequence[str], spelling: Spelling) -> str:
    """Single quotes where all names stand in them."""
    _, names = next(records(iter(lines), spelling), (0, []))
    quoted = [name for name in names if len(name) > 1 and name[0] == name[-1] == "'"]
    return "'" if names and len(quoted) == len(names) else '"'


def _read(layout: Layout, text: Sequence[str], all_text: bool) -> pd.DataFrame:
    names = layout.heading.names
    texts = [*names] if all_text else [name for name in names if name in {*text}]
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)
        warnings.simplefilter("ignore", pd.errors.DtypeWarning)
        try:
            frame = _parsed(layout, texts)
            mixed = [name for name in names if frame[name].dtype == object]
            if mixed:  # pieces of the file have different types
                frame = _parsed(layout, [*texts, *mixed])
        except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
            if "EOF inside string" in str(error):
                _refuse_open_quote(layout)
            _refuse_long_lines(layout)
            raise DataError(f"{layout.source.path}: is no CSV file: {_reason(error)}") from None
    return frame


def _parsed(layout: Layout, texts: Collection[str]) -> pd.DataFrame:
    spelling, last = layout.spelling, layout.heading.last
    options: dict[str, Any] = {
        "sep": r"\s+" if spelling.separator == " " else spelling.separator,
        "quotechar": spelling.quote,
        "header": None,
        "names": [*layout.heading.names],
        "index_col": False,
        "skipinitialspace": True,
        "dtype": dict.fromkeys(texts, "str"),
        "keep_default_na": False,
        "na_values": [""],
    }
    is_plain = not spelling.comment and all(number <= last for number in spelling.skipped)
    if is_plain and layout.is_unix and spelling.encoding in ("utf-8", "utf-8-sig"):
        with layout.source.opened() as opened:
            for _ in range(last):
                opened.readline()
            frame: pd.DataFrame = pd.read_csv(opened, encoding=spelling.encoding, **options)
            return frame
    with layout.source.text(spelling.encoding) as lines:
        kept: Any = KeptLines(lines, spelling, last)
        frame = pd.read_csv(kept, **options)
        return frame


def _without_trailing(frame: pd.DataFrame, layout: Layout) -> pd.DataFrame:
    """The table without columns that have neither a name nor a value."""
    if layout.heading.trailing and frame.iloc[:, -1].notna().any():
        row = int(frame.iloc[:, -1].notna().to_numpy().argmax())
        raise DataError(
            f"{layout.source.path}: line {layout.line_of(row)} has a field more than the header; "
            "give every column a name"
        )
    empty = [name for name in frame if not is_named(str(name)) and frame[name].isna().all()]
    return frame.drop(columns=empty)


def _refuse_open_quote(layout: Layout) -> None:
    """Raise DataError where a quote takes the rest of the file for one text."""
    *_, (line, _) = layout.rows()
    raise DataError(
        f"{layout.source.path}: is no CSV file: line {line} opens a quote that no line closes; "
        "close it there, write the sign twice where it belongs to a text in quotes, or list the "
        "line in skip_lines"
    )


def _refuse_long_lines(layout: Layout) -> None:
    """Raise DataError with every line that has more fields than there are columns."""
    width = len(layout.heading.names)
    long = [(line, len(cells)) for line, cells in layout.rows() if len(cells) > width]
    total = sum(1 for _ in layout.rows())
    if long and len(long) == total:
        raise DataError(
            f"{layout.source.path}: its rows have more fields than its header; give every column a "
            "name"
        )
    if long:
        some = ", ".join(f"line {line} has {count} fields" for line, count in long[:SHOWN])
        more = f" ({len(long)} lines in all)" if len(long) > SHOWN else ""
        raise DataError(
            f"{layout.source.path}: is no CSV file: {some}{more}, and its header {width}; correct "
            f"{'these lines, or list them' if len(long) > 1 else 'that line, or list it'} in "
            "skip_lines"
        )


def _short_lines(layout: Layout) -> list[str]:
    """A sentence about lines with fewer fields than there are columns."""
    width = len(layout.heading.names) - layout.heading.trailing
    short = [line for line, cells in layout.rows() if len(cells) < width]
    if not short:
        return []
    some = ", ".join(map(str, short[:SHOWN])) + (", ..." if len(short) > SHOWN else "")
    return [
        f"{len(short):,} lines have fewer fields than the header (line {some}); the others are "
        "read as missing"
    ]


@contextmanager
def _told(path: str) -> Iterator[None]:
    """Raise DataError for whatever reading raises."""
    try:
        yield
    except UnicodeError as error:
        raise DataError(f"{path}: is no CSV file: {_reason(error)}") from None
    except UNREADABLE as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path}: is no CSV file: {_reason(error)}") from None


def _reason(error: Exception) -> str:
    text = str(error).strip().partition("\n")[0]
    return text.removeprefix("Error tokenizing data. C error: ")
