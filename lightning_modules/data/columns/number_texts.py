"""Numbers as people write them: decimal commas, groups of thousands, a currency or a unit."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from pandas.api import types

from lightning_modules.data.columns.cells import LARGEST, also, levels_of, row_of, says_missing
from lightning_modules.errors import DataError

Floats = np.ndarray[Any, np.dtype[np.float64]]
SIGN = r"[+\-−]?"
CURRENCY = (
    r"(?:US|A|C|R)?[$€£¥₹₽₩]|(?:USD|EUR|GBP|CHF|JPY|CNY|INR|AUD|CAD|SEK|NOK|DKK|PLN|BRL)|Rs\.?"
)
UNIT = r"(?:[^\W\d_]|[%‰°$€£¥₹₽₩])[^\s\d]{0,11}[23²³]?(?: [^\W\d_]+){0,2}|l/100 ?km"
WRITTEN = re.compile(
    rf"(?P<outer>{SIGN})(?P<before>{CURRENCY})? ?(?P<inner>{SIGN}) ?"
    rf"(?P<digits>[.,]?\d(?:[\d.,' ]*\d)?\.?(?:[eE][+-]?\d+)?) ?(?P<after>{UNIT})?"
)
SPACES = str.maketrans({"\u00a0": " ", "\u202f": " ", "\u2009": " ", "’": "'", "−": "-"})
SEPARATORS = tuple((decimal, group) for group in ("", ",", ".", " ", "'") for decimal in ".,")


class Written(NamedTuple):
    """A text that is a number, in its pieces."""

    unit: tuple[str, str]
    """What stands before and after the digits."""
    digits: str
    """With their sign."""


@dataclass(frozen=True)
class NumberForm:
    """How the numbers of a column are written; the same in every row."""

    decimal: str = "."
    thousands: str = ""
    before: str = ""
    after: str = ""

    def value(self, text: str) -> float:
        """The number that the text says; NaN where it is written otherwise."""
        found = written(text)
        # numbers without their unit are the same ones
        if found is None or found.unit not in (("", ""), (self.before, self.after)):
            return float("nan")
        return value_of(found.digits, self.decimal, self.thousands)


PLAIN = NumberForm()


def written(text: str) -> Written | None:
    """The pieces of a text that is a number, perhaps with a currency or a unit."""
    text = text.strip().translate(SPACES)
    if text.startswith("(") and text.endswith(")"):  # as accountants write what is below 0
        text = f"-{text[1:-1]}"
    found = WRITTEN.fullmatch(text)
    if found is None or (found["outer"] and found["inner"]):
        return None
    unit = found["before"] or "", found["after"] or ""
    return Written(unit, found["outer"] + found["inner"] + found["digits"])


def value_of(digits: str, decimal: str, thousands: str) -> float:
    """The value of digits; NaN where they do not have these signs."""
    between = re.escape(thousands)
    group = rf"[1-9]\d{{0,2}}(?:{between}\d{{3}})+|" if thousands else ""
    if thousands == ",":  # as lakhs are written
        group += r"[1-9]\d?(?:,\d\d)+,\d{3}|"
    point = re.escape(decimal)
    if not re.fullmatch(
        rf"[+-]?(?:(?:{group}\d+)(?:{point}\d*)?|{point}\d+)(?:[eE][+-]?\d+)?", digits
    ):
        return float("nan")
    return float(digits.replace(thousands, "").replace(decimal, ".")
                 if thousands else digits.replace(decimal, "."))  # fmt: skip


def forms_of(
    numbers: Sequence[Written], decimal: str | None, thousands: str | None
) -> list[tuple[str, str]]:
    """The (decimal, thousands) that all of the numbers may have, a pair for every meaning.

    Where several mean different numbers, those that the study file says come alone; numbers that
    are plain everywhere are plain.
    """
    meanings: dict[tuple[float, ...], tuple[str, str]] = {}
    fitting = []
    for point, group in SEPARATORS:
        if point == group:
            continue
        values = tuple(value_of(number.digits, point, group) for number in numbers)
        if not np.isnan(values).any():
            fitting.append((point, group, values))
    if decimal or thousands:
        said = [
            each for each in fitting
            if each[0] == (decimal or each[0]) and each[0] != thousands
            and each[1] in ("", thousands or each[1])
        ]  # fmt: skip
        fitting = said or fitting
    elif fitting and fitting[0][:2] == (".", "") and all(n.unit == ("", "") for n in numbers):
        fitting = fitting[:1]
    for point, group, values in fitting:
        meanings.setdefault(values, (point, group))
    return list(meanings.values())


def numbers_of(column: pd.Series[Any], where: str, form: NumberForm = PLAIN) -> Floats:
    """The values, NaN where they are missing; raises DataError where one is no finite number."""
    if types.is_numeric_dtype(column):
        values = column.to_numpy(np.float64, na_value=np.nan)
        wrong = column.notna().to_numpy() & ~(np.abs(values) <= LARGEST)
    else:
        codes, levels = levels_of(column, where)
        texts = pd.Series([str(level) for level in levels], dtype="str")
        known = np.full(len(texts), np.nan)
        if form == PLAIN:
            known = pd.to_numeric(texts, errors="coerce").to_numpy(np.float64, copy=True)
        for unread in np.flatnonzero(np.isnan(known)):
            known[unread] = form.value(texts[unread])
        missing = np.array([says_missing(text) for text in texts], dtype=bool)
        values = np.append(known, np.nan)[codes]
        wrong = np.append(~missing & ~(np.abs(known) <= LARGEST), False)[codes]
    if wrong.any():
        places = np.flatnonzero(wrong)
        place = int(places[0])
        raise DataError(
            f"{where}: column {column.name}, {row_of(column, place)}: {str(column.iloc[place])!r} "
            f"is no finite number{also(column, places)}; correct it or leave it empty"
        )
    return values
