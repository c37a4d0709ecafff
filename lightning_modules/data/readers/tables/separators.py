"""What stands between the columns of a text file: the sign that makes its lines equally long."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from lightning_modules.data.columns.cells import says_missing
from lightning_modules.data.columns.number_texts import written
from lightning_modules.data.readers.tables.form import SEPARATORS
from lightning_modules.data.readers.tables.source import Record, Spelling, records

ORDER = (",", "\t", ";", "|", " ")
"""Of separators that fit equally well, the first one."""
ENOUGH = 0.5
"""The share of the lines that must be equally long."""


def separator_of(lines: Sequence[str], spelling: Spelling) -> str:
    """The separator of lines; a comma where they seem to have one column."""
    rows = {sign: _rows(lines, replace(spelling, separator=sign)) for sign in ORDER}
    most = max(map(len, rows.values()))
    best, separator = (0.0, 0.0), ","
    for sign, found in rows.items():
        if sign == " " and not _begins_as_it_goes_on(found):
            continue  # words
        fit, numbers = _score(found)
        # a wrong separator may take many lines for one text in quotes
        score = round(fit * len(found) / max(1, most), 2), numbers
        if score > best:
            best, separator = score, sign
    return separator


def words_of(separator: str) -> str:
    """A separator as the option names it."""
    return next(name for name, sign in SEPARATORS.items() if sign == separator)


def width_of(rows: Sequence[Record]) -> int:
    """How many cells most of the rows have."""
    counts = Counter(len(cells) for _, cells in rows)
    return max(counts, key=lambda width: (counts[width], width)) if counts else 0


def is_number(cell: str) -> bool:
    """Whether a cell is a number, however it is written."""
    found = written(cell)
    return found is not None and found.unit == ("", "")


def _begins_as_it_goes_on(rows: Sequence[Record]) -> bool:
    """Whether the first row is as long as most are, or has no name for the names of rows."""
    width = width_of(rows)
    return bool(rows) and len(rows[0][1]) in ((width, width - 1) if width > 2 else (width,))


def _rows(lines: Sequence[str], spelling: Spelling) -> list[Record]:
    try:
        return list(records(iter(lines), spelling))
    except csv.Error:
        return []


def _score(rows: Sequence[Record]) -> tuple[float, float]:
    """The share of equally long rows, and of cells that are numbers; (0, 0) for one column."""
    width = width_of(rows)
    fit = sum(len(cells) == width for _, cells in rows) / max(1, len(rows))
    if width < 2 or fit < ENOUGH:
        return 0.0, 0.0
    cells = [cell for _, row in rows for cell in row if cell and not says_missing(cell)]
    return fit, round(sum(map(is_number, cells)) / max(1, len(cells)), 3)
