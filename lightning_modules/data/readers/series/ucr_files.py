"""Series of the UCR/UEA archive as rows of a table: its `.tsv` files and its `.arff` files."""

from __future__ import annotations

import numpy as np

from lightning_modules.data.columns.cells import LARGEST, says_missing, text_of
from lightning_modules.data.columns.mistakes import Mistakes
from lightning_modules.data.readers.series.gaps import Floats, SeriesFile, filled, without_padding
from lightning_modules.data.readers.tables.arff import read_arff
from lightning_modules.data.readers.tables.delimited import layout_of
from lightning_modules.data.readers.tables.form import FileForm
from lightning_modules.data.readers.tables.separators import is_number
from lightning_modules.data.readers.tables.source import Source
from lightning_modules.errors import DataError

ENDINGS = (".tsv", ".txt", ".csv")
LEAST = 3
"""Values of a row that may be a class and a series."""


def is_class_first(source: Source, ending: str, form: FileForm) -> bool:
    """Whether a file has a class and the values of a series in each row, and no names of columns.

    Raises DataError where it cannot be read.
    """
    if ending not in ENDINGS or form.header:
        return False
    rows = layout_of(source, FileForm(encoding=form.encoding, header=False)).rows()
    _, cells = next(rows, (0, []))
    return len(cells) >= LEAST and all(is_number(cell) or says_missing(cell) for cell in cells)


def read_class_first(
    source: Source, form: FileForm, interpolate: bool, may_miss: bool = False
) -> SeriesFile:
    """The series of a file with the class first in each row; rows may differ in length. Classes
    that are missing are empty texts, where they `may_miss`.

    Raises DataError with every line that is wrong.
    """
    layout = layout_of(source, FileForm(encoding=form.encoding, header=False))
    rows, targets, lines, mistakes = [], [], [], Mistakes()
    for line, (label, *cells) in layout.rows():
        where = f"{source.path}: line {line}"
        with mistakes.gathered():
            if not label or says_missing(label):
                label = ""
                if not may_miss:
                    raise DataError(
                        f"{where}: has no class at its beginning; write one, or write "
                        "missing_targets: drop, which leaves such series out"
                    )
            row = without_padding(_values(cells, where)[:, None])
            if not len(row):
                raise DataError(f"{where}: has no values; remove the line")
            rows.append(row)
            targets.append(_label(label))
            lines.append(line)
    mistakes.refuse()
    found, said = filled(rows, interpolate, source.path, lambda at: f"line {lines[at]}")
    return SeriesFile(found, targets, ("the first value of a row is its class", *said))


def read_arff_series(
    source: Source, form: FileForm, interpolate: bool, may_miss: bool = False
) -> SeriesFile:
    """The series of an ARFF file: a relational attribute, whose lines are the channels, or numeric
    ones, which are the values of one channel; and the last attribute, which is the target, an empty
    text where it `may_miss` and does.

    Raises DataError with every line that is wrong.
    """
    held = read_arff(source, form)
    relational = [at for at, each in enumerate(held.attributes) if each.kind == "relational"]
    if len(held.attributes) != 2 if relational else len(held.attributes) < LEAST:
        raise DataError(
            f"{source.path}: an ARFF file of series has numeric attributes, or a relational one, "
            "and the target at its end"
        )
    rows, mistakes = [], Mistakes()
    for line, cells in held.rows:
        with mistakes.gathered():
            where = f"{source.path}: line {line}"
            row = _relation(cells[0], where) if relational else _numeric(cells[:-1], where)
            rows.append(without_padding(row))
            if cells[-1] is None and not may_miss:
                raise DataError(
                    f"{where}: has no target at its end; write one, or write missing_targets: "
                    "drop, which leaves such series out"
                )
            if rows[-1].shape[1] != rows[0].shape[1] or not len(rows[-1]):
                raise DataError(
                    f"{where}: has {rows[-1].shape[1]} channels of {len(rows[-1])} values, and the "
                    f"first series {rows[0].shape[1]}; give each as many"
                )
    mistakes.refuse()
    targets = [cells[-1] or "" for _, cells in held.rows]
    found, said = filled(rows, interpolate, source.path, lambda at: f"line {held.line_of(at)}")
    name = held.attributes[-1].name
    return SeriesFile(found, targets, (*held.notices, f"attribute {name} is the target", *said))


def _relation(text: str | None, where: str) -> Floats:
    channels = [_values(line.split(","), where) for line in (text or "").split("\n") if line]
    if len({len(channel) for channel in channels}) != 1:
        raise DataError(f"{where}: its channels are not equally long; make them so")
    return np.stack(channels, axis=1)


def _numeric(cells: list[str | None], where: str) -> Floats:
    return _values([cell or "?" for cell in cells], where)[:, None]


def _values(words: list[str], where: str) -> Floats:
    """The numbers that words say, NaN where they are missing; DataError where one is neither."""
    values = np.array([_number(word.strip()) for word in words])
    for at in np.flatnonzero(~(np.abs(values) <= LARGEST)):
        word = words[at].strip()
        if word and not says_missing(word):
            raise DataError(f"{where}: value {at + 1}: {word!r} is no finite number; correct it")
    return np.where(np.isinf(values), np.nan, values)


def _number(word: str) -> float:
    try:
        return float(word)
    except ValueError:
        return float("nan")


def _label(text: str) -> str:
    """A class, which these files write as a number: 1.0000000e+00 is 1."""
    return text_of(float(text)) if is_number(text) else text
