"""Dates as people write them: the form of a column, and the numbers that networks see of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from functools import cache
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

from lightning_modules.data.columns.cells import also, levels_of, row_of, says_missing
from lightning_modules.errors import DataError

ISO = "ISO8601"
"""Dates that begin with the year, with or without a time; pandas calls them so."""
ISO_TEXT = re.compile(r"\d{4}-\d\d(-\d\d([T ]\d\d:\d\d(:\d\d([.,]\d+)?)?)?)?")
DAYS = (
    "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%m.%d.%Y", "%d-%m-%Y",
    "%m-%d-%Y", "%d %b %Y", "%d-%b-%Y", "%d/%b/%Y", "%b %d, %Y", "%b %d %Y", "%d %B %Y",
    "%d. %B %Y", "%B %d, %Y", "%B %d %Y", "%d/%m/%y", "%m/%d/%y", "%y/%m/%d", "%d.%m.%y",
    "%m.%d.%y", "%d-%m-%y", "%m-%d-%y", "%y-%m-%d", "%d-%b-%y", "%d %b %y",
    "%b %Y", "%B %Y", "%b-%Y", "%m/%Y", "%Y/%m",
)  # fmt: skip
TIMES = ("%H:%M", "%H:%M:%S", "%H:%M:%S.%f", "%I:%M %p", "%I:%M:%S %p", "%I:%M%p")
FORMATS = (*DAYS, *(f"{day}{join}{time}" for day, join, time in product(DAYS, " T", TIMES)))
EXAMPLE = datetime(2024, 12, 31, 13, 0, 0, 1)
ZONE = re.compile(r"(:\d\d(?:[.,]\d+)?) ?(Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)$")
WEEKDAY = re.compile(r"^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*\.?,? (?=.*\d)")
SAMPLE = 20
"""Texts of a column that say which forms are tried on all of them."""
WHEN = ("year", "month", "weekday", "hour", "elapsed")
"""What a date becomes; weekdays count from Monday, 0, and what has elapsed is in days."""


def formats_of(texts: Sequence[str]) -> dict[str, int]:
    """How many of the different texts every form of dates reads, for the forms that read some.

    Of forms that read the same days in the same texts, the first one.
    """
    bare = [_parted(text)[0] for text in texts]
    some = bare[:SAMPLE]
    candidates = [ISO] if any(ISO_TEXT.fullmatch(text) for text in some) else []
    shapes = {_shape(text) for text in some}
    candidates += [form for form, shape in _shapes().items() if shape in shapes]
    found: dict[str, int] = {}
    known = set()
    for form in candidates:
        days = _days(bare, form)
        if days.notna().any() and (key := days.to_numpy("datetime64[us]").tobytes()) not in known:
            known.add(key)
            found[form] = int(days.notna().sum())
    return found


def unread(texts: Sequence[str], form: str) -> list[str]:
    """The texts that are no dates of that form."""
    days = _days([_parted(text)[0] for text in texts], form)
    return [text for text, missing in zip(texts, days.isna(), strict=True) if missing]


def is_dates(column: pd.Series[Any]) -> bool:
    """Whether the column holds dates already, not texts."""
    if types.is_datetime64_any_dtype(column):
        return True
    known = column.dropna()
    return len(known) > 0 and isinstance(known.iloc[0], date)


def moments_of(column: pd.Series[Any], form: str, where: str) -> tuple[pd.Series[Any], Any]:
    """What the clock said in every row, and the same moments in days since 1970, in UTC.

    Missing ones are NaT and NaN. Raises DataError where a text has another form.
    """
    if is_dates(column):
        moments = pd.Series(pd.to_datetime(column.to_numpy(), utc=False))
        zoned = moments.dt.tz is not None
        clock = moments.dt.tz_localize(None) if zoned else moments
        return clock, _days_since_1970(moments.dt.tz_convert(None) if zoned else moments)
    codes, levels = levels_of(column, where)
    parted = [_parted(str(level)) for level in levels]
    known = _days([text for text, _ in parted], form.replace("%z", "").rstrip())
    words = np.array([says_missing(str(level)) for level in levels], dtype=bool)
    wrong = np.flatnonzero(np.append(known.isna().to_numpy() & ~words, False)[codes])
    if len(wrong):
        first = int(wrong[0])
        raise DataError(
            f"{where}: column {column.name}, {row_of(column, first)}: {str(column.iloc[first])!r} "
            f"is no date written as {form_words(form)}{also(column, wrong)}; write it so, or leave "
            "it empty"
        )
    offsets = np.array([offset for _, offset in parted], dtype=np.float64)
    days = _days_since_1970(known) - offsets / 1440
    clock = pd.concat([known, pd.Series([pd.NaT])], ignore_index=True).iloc[codes]
    return clock.reset_index(drop=True), np.append(days, np.nan)[codes]


def numbers_of_dates(column: pd.Series[Any], form: str, where: str) -> dict[str, Any]:
    """Every number of `WHEN` by its name, (n,), NaN where the date is missing."""
    clock, days = moments_of(column, form, where)
    parts = (clock.dt.year, clock.dt.month, clock.dt.day_of_week, clock.dt.hour)
    found = dict(
        zip(WHEN, [part.to_numpy(np.float64, na_value=np.nan) for part in parts], strict=False)
    )
    return {**found, "elapsed": days}


def form_words(form: str) -> str:
    """The form as an example."""
    return "2024-12-31" if form == ISO else f"{EXAMPLE.strftime(form)} ({form})"


def times_of(column: pd.Series[Any], where: str, form: str | None = None) -> Any:
    """What orders rows in time: numbers, or dates, as days since 1970.

    Raises DataError where one is missing or neither.
    """
    what = f"{where}: column {column.name}"
    missing = np.flatnonzero(column.isna())
    if len(missing):
        raise DataError(
            f"{what}, {row_of(column, missing[0])}: is missing{also(column, missing)}; fill it in "
            "or remove the row"
        )
    if form is None and is_dates(column):
        form = ISO
    if form is None:
        numeric = pd.to_numeric(column, errors="coerce")
        if numeric.notna().all():
            return numeric.to_numpy(np.float64)
        form = date_form(column, where)
    if form is None:
        places = np.flatnonzero(_wrong_moments(column))
        wrong = int(places[0])
        raise DataError(
            f"{what}, {row_of(column, wrong)}: {str(column.iloc[wrong])!r} is neither a number "
            "nor a date such as 2024-03-31; write it so"
        )
    return moments_of(column, form, where)[1]


def _wrong_moments(column: pd.Series[Any]) -> Any:
    return pd.to_datetime(column, format=ISO, errors="coerce", utc=True).isna()


def date_form(column: pd.Series[Any], where: str) -> str | None:
    """The form in which every text is a date; None where there is none.

    Raises DataError that names the option where several forms read all of them, or years have two
    digits.
    """
    _, levels = levels_of(column, where)
    texts = [text for text in map(str, levels) if not says_missing(text)]
    found = [form for form, count in formats_of(texts).items() if count == len(texts)]
    if not texts or not found:
        return None
    full = [form for form in found if "%y" not in form]
    if not full:
        raise DataError(
            f"{_said(column, texts[0], where)} has a year of two digits; "
            f"{_choices(column, found)}, or years of four digits"
        )
    if len(full) > 1:
        days = [_days([_parted(text)[0] for text in texts], form) for form in full]
        place = int(np.argmax((days[0] != days[1]).to_numpy()))
        meant = " or ".join(dict.fromkeys(f"{each.iloc[place]:%Y-%m-%d}" for each in days))
        raise DataError(
            f"{_said(column, texts[place], where)} may be {meant}; {_choices(column, full)}"
        )
    return full[0]


def _said(column: pd.Series[Any], text: str, where: str) -> str:
    row = row_of(column, int(np.flatnonzero((column.astype("str") == text).to_numpy())[0]))
    return f"{where}: column {column.name}, {row}: {text!r}"


def _choices(column: pd.Series[Any], forms: Sequence[str]) -> str:
    name = column.name if re.fullmatch(r"[\w ()-]+", str(column.name)) else f'"{column.name}"'
    return "write " + " or ".join(f"dates: {{{name}: '{form}'}}" for form in forms)


def _parted(text: str) -> tuple[str, float]:
    """A text without weekday and zone, and the minutes by which its clock is ahead of UTC."""
    text = WEEKDAY.sub("", text)
    found = ZONE.search(text)
    if found is None:
        return text, 0.0
    bare, zone = text[: found.end(1)], found[2]
    if zone[0] not in "+-":
        return bare, 0.0
    digits = zone[1:].replace(":", "").ljust(4, "0")
    return bare, (int(digits[:2]) * 60 + int(digits[2:])) * (-1.0 if zone[0] == "-" else 1.0)


@cache
def _shapes() -> dict[str, str]:
    """The shape of every form: only those of the right shape are tried, which takes time."""
    return {form: _shape(EXAMPLE.strftime(form)) for form in FORMATS}


def _shape(text: str) -> str:
    """A text with a 0 for all digits and an a for all letters that stand together."""
    return re.sub(r"[^\W\d_]+", "a", re.sub(r"\d+", "0", text))


def _days(texts: Sequence[str], form: str) -> pd.Series[Any]:
    if form == ISO:
        texts = [text if ISO_TEXT.fullmatch(text) else "" for text in texts]
    given = pd.Series(texts, dtype="str")
    found = pd.to_datetime(given, format=form, errors="coerce")
    if timed := re.match(r"(.*)([ T])%[HI]", form):
        day, join = timed.groups()
        for other in (day, *(f"{day}{join}{time}" for time in TIMES)):
            rest = found.isna()  # some say seconds, or no time at all
            if rest.any():
                found[rest] = pd.to_datetime(given[rest], format=other, errors="coerce")
    return found


def _days_since_1970(moments: pd.Series[Any]) -> Any:
    since = moments - pd.Timestamp(1970, 1, 1)
    return (since / pd.Timedelta(days=1)).to_numpy(np.float64)
