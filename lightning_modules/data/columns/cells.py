"""The cells of a column: their texts, and what means that one is missing."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

from lightning_modules.components import suggestion
from lightning_modules.data.columns.mistakes import Mistakes
from lightning_modules.errors import DataError

ORIGIN = "origin"
"""What pandas carries the file of a table by."""
ALSO = 4
"""Further rows with the same mistake that are named."""
LARGEST = float(np.finfo(np.float32).max)
MISSING_WORDS = frozenset(
    "na,n/a,#n/a,#na,<na>,nan,-nan,nat,null,none,nil,?,-,--,.".split(",")  # noqa: SIM905
)
"""What people write where a number or a date is missing, in small letters; values among texts."""


def says_missing(text: str) -> bool:
    """Whether the text, among numbers or dates, means that one is missing."""
    return text.lower() in MISSING_WORDS


def cleaned(frame: pd.DataFrame, missing: Collection[str] = ()) -> pd.DataFrame:
    """The same rows: no spaces around texts, and empty texts and those in `missing` are missing.

    A number in `missing`, such as -999, is missing in columns of numbers too.
    """
    numbers = [float(word) for word in missing if _is_float(word)]
    changed: dict[str, Any] = {}
    for name, column in ((str(name), frame[name]) for name in frame.columns):
        if types.is_bool_dtype(column):
            continue
        if types.is_numeric_dtype(column):
            if numbers and (found := column.isin(numbers)).any():
                changed[name] = column.mask(found)
        elif (texts := _stripped(column)) is not None:
            changed[name] = texts.mask(texts.isin(["", *missing]))
    return frame.assign(**changed) if changed else frame


def _stripped(column: pd.Series[Any]) -> pd.Series[Any] | None:
    """Texts without the spaces around them; None where the column holds something else."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        if not types.is_string_dtype(column.cat.categories.dtype):
            return None
        return column.astype("str").str.strip().astype("category")
    if column.dtype == object:
        return column.map(lambda value: value.strip() if isinstance(value, str) else value)
    return column.str.strip() if types.is_string_dtype(column) else None


def filled_rows(frame: pd.DataFrame) -> int:
    """How many rows there are up to the last one with a value; spreadsheets end in empty ones."""
    if frame.shape[1] < 2 or not len(frame) or frame.iloc[-1].notna().any():
        return len(frame)
    filled = np.flatnonzero(frame.notna().any(axis=1))
    return int(filled[-1]) + 1 if len(filled) else 0


def _is_float(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


class SomeRows:
    """Some rows of a table; a column is copied when it is asked for, and not before."""

    def __init__(self, frame: pd.DataFrame, places: Any) -> None:
        """`places` are those of the rows, (n,)."""
        self.frame, self.places = frame, places

    @property
    def columns(self) -> Any:
        """The names of the columns."""
        return self.frame.columns

    @property
    def index(self) -> Any:
        """The numbers of the rows in the file, from 0."""
        return self.frame.index[self.places]

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, name: str) -> pd.Series[Any]:
        column: pd.Series[Any] = self.frame[name].iloc[self.places]
        return column


Rows = pd.DataFrame | SomeRows


def refuse_unknown(names: Iterable[tuple[str, str]], frame: Rows, where: str) -> None:
    """Raise DataError for every (parameter, column) whose column the table does not have."""
    known = [str(name) for name in frame.columns]
    mistakes = Mistakes()
    for parameter, name in names:
        if name not in known:
            hint = suggestion(name, known) or "; it has " + ", ".join(known[:20])
            said = f", which {parameter} names" if parameter else ""
            mistakes.sentences.append(f"{where}: there is no column {name!r}{said}{hint}")
    mistakes.refuse()


def texts_of(column: pd.Series[Any], where: str) -> list[str]:
    """Every value as a text: 1 and 1.0 are the same, true and True too; "" where it is missing."""
    codes, values = levels_of(column, where)
    texts = np.array([*(text_of(value) for value in values), ""], dtype=object)
    found: list[str] = texts[codes].tolist()
    return found


def text_of(value: Any) -> str:
    """One value as a text."""
    text = str(value)
    if text.lower() in ("true", "false"):
        return text.capitalize()
    return re.sub(r"^(-?\d+)\.0+$", r"\1", text)


def levels_of(column: pd.Series[Any], where: str) -> tuple[Any, Any]:
    """The place of every row's value in the different values, -1 where it is missing, and those.

    Raises DataError where they are no single values.
    """
    try:
        return pd.factorize(column)
    except TypeError:
        raise DataError(
            f"{where}: column {column.name} holds {type(column.dropna().iloc[0]).__name__}s; leave "
            "it out with drop, or write texts or numbers"
        ) from None


@dataclass(frozen=True)
class Origin:
    """The file of a table: where its rows stand in it, and what is to be said of it."""

    path: str = ""
    line_of: Callable[[int], int] | None = None
    """The line of a row, which is counted from 0; None where a file has no lines."""
    notices: tuple[str, ...] = ()

    def __deepcopy__(self, memo: Any) -> Origin:
        return self  # pandas copies what it carries with every column


def with_origin(frame: pd.DataFrame, origin: Origin) -> pd.DataFrame:
    """The same table, which carries its file with it, as do its columns and parts."""
    frame.attrs[ORIGIN] = origin
    return frame


def origin_of(data: pd.DataFrame | pd.Series[Any]) -> Origin:
    """The file of a table or of a column."""
    found = data.attrs.get(ORIGIN, Origin())
    assert isinstance(found, Origin)
    return found


def row_of(column: pd.Series[Any], place: int) -> str:
    """Where in its file the value at a place of the column stands: the line, or the row from 1."""
    row, line_of = int(column.index[place]), origin_of(column).line_of
    return f"row {row + 1}" if line_of is None else f"line {line_of(row)}"


def also(column: pd.Series[Any], places: Iterable[Any]) -> str:
    """Where else the same is wrong, after the first of the places; empty where nowhere."""
    others = list(places)[1:]
    if not others:
        return ""
    named = ", ".join(row_of(column, int(place)) for place in others[:ALSO])
    more = f" and {len(others) - ALSO:,} more" if len(others) > ALSO else ""
    return f" (and {named}{more})"
