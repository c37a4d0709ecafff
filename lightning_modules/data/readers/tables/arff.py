"""ARFF, the files of Weka and OpenML: attributes with their types, then a row per line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from lightning_modules.data.readers.memory import require_memory
from lightning_modules.data.readers.tables.encoding import encoding_of
from lightning_modules.data.readers.tables.form import FileForm
from lightning_modules.data.readers.tables.source import Source
from lightning_modules.data.readers.unpacking import OPENERS
from lightning_modules.errors import DataError

IN_MEMORY = 12
"""Bytes of memory that reading takes for each byte of the file."""
NUMBERS = ("numeric", "real", "integer")
QUOTED = r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\""
CELL = re.compile(rf"\s*(?:{QUOTED}|([^,]*?))\s*(?:,|$)")
ATTRIBUTE = re.compile(rf"@attribute\s+(?:{QUOTED}|([^\s{{]+))\s*(.+)", re.IGNORECASE)
ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}
JAVA = (
    ("yyyy", "%Y"), ("yy", "%y"), ("MM", "%m"), ("dd", "%d"), ("HH", "%H"), ("mm", "%M"),
    ("ss", "%S"), ("SSS", "%f"), ("'T'", "T"),
)  # fmt: skip
"""How dates are written in Java, and in Python."""
DATE = "yyyy-MM-dd'T'HH:mm:ss"
SHOWN = 5
"""Mistakes that a message names."""


@dataclass(frozen=True)
class Attribute:
    """A column: its kind is numeric, nominal, string, date or relational."""

    name: str
    kind: str
    values: tuple[str, ...] = ()
    """Of a nominal one."""
    form: str = ""
    """Of the dates, as `strptime` takes it."""


@dataclass
class Arff:
    """What an ARFF file holds."""

    path: str
    attributes: list[Attribute] = field(default_factory=list)
    rows: list[tuple[int, list[str | None]]] = field(default_factory=list)
    """With their lines; None is a missing value."""
    notices: list[str] = field(default_factory=list)

    def line_of(self, row: int) -> int:
        """The line of a row, which is counted from 0."""
        return self.rows[row][0]


def read_arff(source: Source, form: FileForm) -> Arff:
    """The attributes and rows of a file; DataError with every line that is wrong."""
    if source.file.suffix.lower() not in OPENERS:
        size = source.file.stat().st_size
        require_memory(f"{source.path}: its rows", size * IN_MEMORY)
    encoding, said = encoding_of(source, form.encoding)
    found = Arff(source.path, notices=[said] if said else [])
    with source.text(encoding) as text:
        lines = (
            (number, line.strip()) for number, line in enumerate(text, start=1)
            if line.strip() and not line.lstrip().startswith("%")
        )  # fmt: skip
        _read_header(lines, found)
        wrong = list(_read_rows(lines, found))
    if wrong:
        raise DataError(_listed(source.path, wrong))
    if not found.rows:
        raise DataError(f"{source.path}: has no rows; write the data below @data")
    return found


def arff_frame(found: Arff) -> pd.DataFrame:
    """The rows as a table; DataError with every value that is not what its attribute says."""
    columns, wrong = {}, []
    for place, attribute in enumerate(found.attributes):
        if attribute.kind == "relational":
            raise DataError(
                f"{found.path}: attribute {attribute.name} holds series; write data: {{name: "
                "sequences, path: ...}"
            )
        values = [row[place] for _, row in found.rows]
        column = _column(values, attribute)
        missing = column.isna().to_numpy()
        what = f"attribute {attribute.name}"
        wrong += [
            (found.line_of(row), f"{what}: {values[row]!r} is not {_kind(attribute)}")
            for row in np.flatnonzero(missing).tolist()
            if values[row] is not None
        ]
        columns[attribute.name] = column
    if wrong:
        raise DataError(_listed(found.path, sorted(wrong)))
    return pd.DataFrame(columns)


def _kind(attribute: Attribute) -> str:
    return {"nominal": f"among {', '.join(attribute.values[:10])}", "date": "such a date"}.get(
        attribute.kind, "a number"
    )


def _listed(path: str, wrong: Sequence[tuple[int, str]]) -> str:
    said = [f"{path}: line {line}: {problem}" for line, problem in wrong[:SHOWN]]
    more = [f"{path}: and {len(wrong) - SHOWN:,} more lines"] if len(wrong) > SHOWN else []
    return "\n".join([*said, *more])


def _read_header(lines: Iterator[tuple[int, str]], found: Arff) -> None:
    inside = ""
    for number, line in lines:
        key = line.split(None, 1)[0].lower()
        if key == "@data":
            if not found.attributes:
                raise DataError(f"{found.path}: has no @attribute above @data; write its columns")
            names = [attribute.name for attribute in found.attributes]
            twins = sorted({name for name in names if names.count(name) > 1})
            if twins:
                raise DataError(f"{found.path}: attribute {twins[0]} stands twice; rename one")
            return
        if key == "@end":
            inside = ""
        elif key == "@attribute" and not inside:
            attribute = _attribute(line, f"{found.path}: line {number}")
            found.attributes.append(attribute)
            inside = attribute.name if attribute.kind == "relational" else ""
        elif key not in ("@relation", "@attribute"):
            raise DataError(
                f"{found.path}: line {number}: {line[:40]!r} is no header line; an ARFF file has "
                "@relation, @attribute and @data"
            )
    raise DataError(f"{found.path}: has no line @data; write it above the rows")


def _attribute(line: str, where: str) -> Attribute:
    match = ATTRIBUTE.fullmatch(line)
    if match is None:
        raise DataError(f"{where}: is no attribute; write @attribute, a name and its type")
    name = next(part for part in match.groups()[:3] if part is not None)
    kind = match[4].strip()
    word = kind.split(None, 1)[0].lower()
    if kind.startswith("{") and kind.endswith("}"):
        values = [text or "" for text in cells_of(kind[1:-1])]
        return Attribute(_plain(name), "nominal", tuple(values))
    if word in NUMBERS:
        return Attribute(_plain(name), "numeric")
    if word == "date":
        form = kind[4:].strip().strip("\"'") or DATE
        for java, python in JAVA:
            form = form.replace(java, python)
        return Attribute(_plain(name), "date", form=form)
    if word in ("string", "relational"):
        return Attribute(_plain(name), word)
    raise DataError(
        f"{where}: {kind[:40]!r} is no type; write numeric, string, date or the values as {{a, b}}"
    )


def _read_rows(lines: Iterator[tuple[int, str]], found: Arff) -> Iterator[tuple[int, str]]:
    """Read the rows; gives every line that is none, with what is wrong."""
    width = len(found.attributes)
    for number, line in lines:
        if line.startswith("{"):
            raise DataError(
                f"{found.path}: line {number}: is a sparse row, which is not read; write all values"
            )
        cells = cells_of(line)
        if len(cells) == width:
            found.rows.append((number, cells))
        else:
            yield number, f"has {len(cells)} values, and there are {width} attributes"


def cells_of(line: str) -> list[str | None]:
    """The values of a row; None for one that is missing."""
    found: list[str | None] = []
    place = 0
    while place <= len(line):
        match = CELL.match(line, place)
        if match is None:  # something stands behind a text in quotes
            found.append(line[place:])
            break
        single, double, bare = match.groups()
        if bare is not None:
            found.append(None if bare in ("?", "") else bare)
        else:
            found.append(_plain(single if single is not None else double))
        if match.end() == len(line) and not match[0].endswith(","):
            break
        place = match.end()
    return found


def _plain(text: str) -> str:
    """A text with the characters that are escaped in it."""
    return re.sub(r"\\(.)", lambda each: ESCAPES.get(each[1], each[1]), text)


def _column(values: Sequence[str | None], attribute: Attribute) -> pd.Series[Any]:
    texts = pd.Series(list(values), dtype="str")
    if attribute.kind == "numeric":
        return pd.to_numeric(texts, errors="coerce").astype(np.float64)
    if attribute.kind == "date":
        return pd.to_datetime(texts, format=attribute.form, errors="coerce")
    if attribute.kind == "nominal":
        return texts.where(texts.isin(attribute.values)).astype("category")
    return texts
