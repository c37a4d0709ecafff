"""How the file of a table is written, where a study file says it; the rest is recognized."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from lightning_modules.components import Flag, Items, Number, Option, Parameter, Text, Value
from lightning_modules.errors import shown

SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|", "spaces": " "}


@dataclass(frozen=True)
class Encoding(Text):
    """The name of an encoding of texts that Python knows."""

    def expects(self) -> str:
        return "an encoding that Python knows, such as utf-8, cp1252 or utf-16"

    def _validation_error(self, value: Value) -> str | None:
        try:
            # some codecs of Python's make bytes of bytes, or unpack them
            if isinstance(value, str) and codecs.lookup(value)._is_text_encoding:
                return None
        except (LookupError, ValueError):
            pass
        return f"must be {self.expects()}, got {shown(value)}"


FILE: dict[str, Parameter] = {
    "encoding": Encoding(None, "the encoding of a text file, where it is not recognized"),
    "separator": Option(
        None, "what stands between the columns of a text file, where it is not recognized",
        options=tuple(SEPARATORS),
    ),
    "header": Flag(
        None, "whether the first line names the columns; without, they are called 1, 2, ..."
    ),
    "comment": Option(
        None, "what begins the lines of a text file that are no rows", options=("#", "%", "//", ";")
    ),
    "skip_lines": Items(
        None, "the lines of the file that are not read, such as titles, units and totals",
        item=Number(1, "a line of the file, from 1", low=1, high=10**9, integer=True),
    ),
    "sheet": Text(None, "the sheet of an Excel file; the first one unless given"),
    "table": Text(None, "the table of an SQLite database, where it has several"),
}  # fmt: skip


@dataclass(frozen=True)
class FileForm:
    """What a study file says of how its files are written, in values that can key a cache."""

    encoding: str | None = None
    separator: str | None = None
    header: bool | None = None
    comment: str | None = None
    skip_lines: tuple[int, ...] | None = None
    sheet: str | None = None
    table: str | None = None
    of_another: bool | None = None
    """Whether it is said of another file, whose lines `skip_lines` lists: above the rows they are
    left out here too, and further down they are other rows."""

    def read_as(self, path: str, main: str) -> FileForm:
        """The form of one of several files, where it is said of the main one."""
        return self if path == main else replace(self, of_another=True)

    @classmethod
    def of(cls, parameters: Mapping[str, Any]) -> FileForm:
        """The form that the parameters of a data set describe."""
        given: dict[str, Any] = {each.name: parameters.get(each.name) for each in fields(cls)}
        lines = given["skip_lines"]
        return cls(**{**given, "skip_lines": None if lines is None else tuple(lines)})
