"""The rows of a table, whatever kind of file it is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import pandas as pd

from lightning_modules.data.columns.cells import Origin, cleaned, with_origin
from lightning_modules.data.readers.files import file_at
from lightning_modules.data.readers.tables import content
from lightning_modules.data.readers.tables.form import FileForm
from lightning_modules.data.readers.tables.source import Source
from lightning_modules.errors import DataError

PLAIN = FileForm()
OF_EXCEL, OF_DATABASES = {"sheet"}, {"table"}
OF_ROWS = {"header", "skip_lines"}
OF_TEXTS = {"encoding", "separator", "comment", *OF_ROWS}


def read_frame(
    path: str,
    text: Sequence[str] = (),
    missing: Collection[str] = (),
    all_text: bool = False,
    form: FileForm = PLAIN,
) -> pd.DataFrame:
    """The rows of a table, numbered from 0, with their lines and what is to be said of the file.

    A file is what its name says: text (CSV and its kin), Excel, Parquet, Arrow, JSON, SQLite or
    ARFF. Columns of text files in `text`, or `all_text`, are not read as numbers. Texts lose the
    spaces around them; an empty one is missing, and so is one in `missing`.

    Raises DataError where it is no such file.
    """
    file = file_at(path)
    content.refuse_other_content(file, path)
    try:
        frame, line_of, notices = _read(Source(file, path), form, text, all_text)
    except UnicodeEncodeError as error:  # JSON may write one by its number
        some = error.object[error.start : error.end]
        raise DataError(f"{path}: holds {some!r}, half of a character; correct the text") from None
    if frame.empty:
        raise DataError(f"{path}: has no rows; write the data below its header")
    return with_origin(cleaned(frame, missing), Origin(path, line_of, tuple(notices)))


def is_typed(path: str) -> bool:
    """Whether the file tells the kinds of its columns itself."""
    return not is_text(path)


def is_text(path: str) -> bool:
    """Whether the file is one of those that hold texts alone."""
    return content.ending_of(path) not in content.TYPED


def refuse_unused_form(path: str, form: FileForm) -> None:
    """Raise DataError for what is said of a file and is nothing to its kind."""
    ending = content.ending_of(path)
    used = OF_TEXTS if is_text(path) else set()
    if ending in content.EXCEL:
        used = OF_EXCEL | OF_ROWS
    if ending in content.SQLITE:
        used = OF_DATABASES
    if ending in (*content.JSON, *content.LINES, *content.ARFF):
        used = {"encoding"}
    unused = [name for name, value in vars(form).items() if value is not None and name not in used]
    if unused:
        said = ", ".join(f"data.{name}" for name in unused)
        raise DataError(f"{path}: {said} says nothing of such a file; leave it out")


Read = tuple[pd.DataFrame, Callable[[int], int] | None, Sequence[str]]


def _read(source: Source, form: FileForm, text: Sequence[str], all_text: bool) -> Read:
    ending, file, path = content.ending_of(source.path), source.file, source.path
    if ending in content.PARQUET:
        from lightning_modules.data.readers.tables.columnar import read_parquet

        return read_parquet(file, path), None, ()
    if ending in content.ARROW:
        from lightning_modules.data.readers.tables.columnar import read_arrow

        return read_arrow(file, path), None, ()
    if ending in content.EXCEL:
        from lightning_modules.data.readers.tables.excel import read_excel

        return read_excel(file, path, form)
    if ending in content.SQLITE:
        from lightning_modules.data.readers.tables.database import read_database

        frame, said = read_database(file, path, form)
        return frame, None, said
    if ending in content.ARFF:
        from lightning_modules.data.readers.tables.arff import arff_frame, read_arff

        found = read_arff(source, form)
        return arff_frame(found), found.line_of, found.notices
    if ending in (*content.JSON, *content.LINES):
        from lightning_modules.data.readers.tables import json_file

        read = json_file.read_json if ending in content.JSON else json_file.read_json_lines
        frame, said = read(source, form)
        return frame, None, said
    from lightning_modules.data.readers.tables.delimited import read_delimited

    frame, layout, said = read_delimited(source, form, text, all_text)
    return frame, layout.line_of, said
