"""Excel files, read by openpyxl: the values of one sheet, formulas as they were last computed."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

import pandas as pd

from lightning_modules.components import suggestion
from lightning_modules.data.columns.cells import text_of
from lightning_modules.data.readers.memory import require_memory
from lightning_modules.data.readers.tables.form import FileForm
from lightning_modules.data.readers.tables.heading import heading_of, is_named
from lightning_modules.data.readers.tables.typed import PER_VALUE, frame_of
from lightning_modules.data.readers.unpacking import ALWAYS, IN_MEMORY, RATIO
from lightning_modules.errors import DataError

SAMPLE = 200
BLOCK = 1000
"""Rows after which the memory is asked again."""
Row = tuple[int, list[Any]]


def read_excel(
    file: Path, path: str, form: FileForm
) -> tuple[pd.DataFrame, Callable[[int], int], list[str]]:
    """The rows of a sheet, the row of the sheet for each, and what is to be said of them.

    Raises DataError where it is no Excel file, or openpyxl is not installed.
    """
    try:
        from openpyxl import load_workbook
        from openpyxl.utils.exceptions import InvalidFileException
    except ImportError:
        raise DataError(
            f"{path}: needs the package openpyxl; pip install 'fairtune[excel]', or save the sheet "
            "as CSV"
        ) from None
    try:
        _require_size(file, path)
        book = load_workbook(file, read_only=True, data_only=True)
        try:
            name, said = _sheet(book, form, path)
            rows = list(_rows(book[name], f"{path}: its rows"))
        finally:
            book.close()
    except (InvalidFileException, zipfile.BadZipFile, ParseError, KeyError, ValueError, OSError,
            TypeError, AttributeError) as error:  # fmt: skip
        raise DataError(f"{path}: is no whole Excel file ({error}); save it again") from None
    return _table(rows, path, form, said)


def _require_size(file: Path, path: str) -> None:
    """Raise DataError where the parts of the file unpack to more than is believed or fits."""
    with zipfile.ZipFile(file) as archive:
        size = sum(member.file_size for member in archive.infolist())
    if size > max(ALWAYS, RATIO * file.stat().st_size):
        raise DataError(f"{path}: unpacks to more than is believed; save its sheet as CSV")
    require_memory(f"{path}: its rows", size * IN_MEMORY)


def _sheet(book: Any, form: FileForm, path: str) -> tuple[str, list[str]]:
    names = [sheet.title for sheet in book.worksheets]
    if not names:
        raise DataError(f"{path}: has no sheet with cells; save the table as CSV")
    if form.sheet is None:
        others = f"; the others are {', '.join(names[1:6])}, and sheet decides" if names[1:] else ""
        return names[0], [f"sheet {names[0]!r} is read{others}"] if others else []
    if form.sheet not in names:
        hint = suggestion(form.sheet, names) or f"; it has {', '.join(names[:20])}"
        raise DataError(f"{path}: there is no sheet {form.sheet!r}{hint}")
    return form.sheet, [f"sheet {form.sheet!r} is read"]


def _rows(sheet: Any, what: str) -> Iterator[Row]:
    """The rows that hold something, with their numbers in the sheet."""
    sheet.reset_dimensions()  # which a file may claim to be endless
    cells = 0
    for number, row in enumerate(sheet.iter_rows(values_only=True), start=1):
        values = [_value(value) for value in row]
        while values and values[-1] is None:
            values.pop()
        cells += len(values)
        if number % BLOCK == 0:
            require_memory(what, cells * PER_VALUE)
        if values:
            yield number, values


def _value(value: Any) -> Any:
    if isinstance(value, str):
        return value.strip() or None
    return value


def _table(
    rows: list[Row], path: str, form: FileForm, said: list[str]
) -> tuple[pd.DataFrame, Callable[[int], int], list[str]]:
    skipped = frozenset(form.skip_lines or ())
    width = max((len(values) for line, values in rows if line not in skipped), default=0)
    texts = [
        (number, [_text(value) for value in (*values, *[None] * (width - len(values)))])
        for number, values in rows[:SAMPLE]
        if number not in skipped
    ]
    if not any(cells for _, cells in texts[1:]) and said:
        raise DataError(f"{path}: has no rows below a header; {said[0]}")
    heading = heading_of(texts, form.header, form.skip_lines is not None, path)
    body = [
        (number, values) for number, values in rows
        if number > heading.last and (form.of_another or number not in skipped)
    ]  # fmt: skip
    columns = {
        name: [values[place] if place < len(values) else None for _, values in body]
        for place, name in enumerate(heading.names)
    }
    unnamed = [name for name, values in columns.items()
               if not is_named(name) and all(value is None for value in values)]  # fmt: skip
    frame = frame_of({name: column for name, column in columns.items() if name not in unnamed})
    numbers = [number for number, _ in body]
    return frame, numbers.__getitem__, [*said, *heading.notices]


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat(" ")
    return "" if value is None else text_of(value)
