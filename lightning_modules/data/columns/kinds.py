"""Which kind the columns of a table are: numbers, dates or categories, and what was recognized."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

from lightning_modules.data.columns.cells import also, levels_of, row_of, says_missing
from lightning_modules.data.columns.dates import (
    ISO,
    date_form,
    form_words,
    formats_of,
    is_dates,
    moments_of,
    unread,
)
from lightning_modules.data.columns.mistakes import Mistakes
from lightning_modules.data.columns.number_texts import (
    PLAIN,
    NumberForm,
    Written,
    forms_of,
    numbers_of,
    written,
)
from lightning_modules.errors import DataError

MANY = 50
"""Different texts in a column, from which more than half as many as rows are names, not classes."""


BEGINS = re.compile(r"[(+\-−]?(?:[$€£¥₹] ?)?\d")
"""How texts begin that may have been meant as numbers or dates."""


@dataclass(frozen=True)
class Reading:
    """What a study file says of the cells of its table."""

    categorical: Sequence[str] = ()
    dates: Mapping[str, str] = field(default_factory=dict)
    """The form of the dates of a column, as `strptime` takes it."""
    decimal: str | None = None
    thousands: str | None = None
    typed: bool = False
    """Whether the file itself tells texts from numbers, so that 01 is a text."""


@dataclass
class Kinds:
    """The columns by kind, in the order of the file."""

    numbers: dict[str, NumberForm] = field(default_factory=dict)
    dates: dict[str, str] = field(default_factory=dict)
    categories: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    """What was recognized, a sentence each."""


def kinds_of(rows: pd.DataFrame, reading: Reading, where: str) -> Kinds:
    """The kind of every column; raises DataError for all that have none."""
    found, mistakes = Kinds(), Mistakes()
    for name in map(str, rows.columns):
        with mistakes.gathered():
            _add(found, rows[name], reading, where)
    mistakes.refuse()
    return found


def _add(found: Kinds, column: pd.Series[Any], reading: Reading, where: str) -> None:
    name = str(column.name)
    if name in reading.dates:
        moments_of(column, reading.dates[name], where)
        found.dates[name] = reading.dates[name]
    elif name in reading.categorical or types.is_bool_dtype(column):
        found.categories.append(name)
    elif types.is_numeric_dtype(column):
        numbers_of(column, where)
        found.numbers[name] = PLAIN
    elif is_dates(column):
        found.dates[name] = ISO
    else:
        _add_others(found, column, reading, where)


def number_form(column: pd.Series[Any], reading: Reading, where: str) -> NumberForm | None:
    """How the texts of a column write numbers, None where not all of them do.

    Raises DataError naming the option where they may mean several numbers.
    """
    texts = [text for text in _counted(column, where) if not says_missing(text)]
    numbers = [number for text in texts if (number := written(text)) is not None]
    if len(numbers) < len(texts) or len({number.unit for number in numbers}) != 1:
        return None
    return _form(column, texts, numbers, reading, where)


def _add_others(found: Kinds, column: pd.Series[Any], reading: Reading, where: str) -> None:
    """A column of texts, or of objects of another kind."""
    name = str(column.name)
    known = column.dropna()
    if known.empty:
        found.numbers[name] = PLAIN  # `fit` says that nothing is there
        return
    if isinstance(known.iloc[0], timedelta) or types.is_timedelta64_dtype(column):
        raise DataError(
            f"{where}: column {name} holds durations; leave it out with drop, or write numbers"
        )
    counts = _counted(column, where)
    words = {text: count for text, count in counts.items() if says_missing(text)}
    texts = [text for text in counts if text not in words]
    if isinstance(column.dtype, pd.CategoricalDtype) or (not texts and len(words) > 1):
        found.categories.append(name)
        return
    form = None if not texts else date_form(column, where)
    if form is not None:
        found.dates[name] = form
        found.notices.append(f"column {name}: dates, read as {form_words(form)}")
    elif (number := _number(column, counts, texts, reading, where)) is not None:
        found.numbers[name] = number
        if example := next((text for text in texts if reading.typed or not _is_plain(text)), None):
            value = f"{number.value(example):g}"
            found.notices.append(f"column {name}: numbers, {example!r} is read as {value}")
    else:
        _refuse_names(name, counts, where)
        found.categories.append(name)
        if texts and all(BEGINS.match(text) for text in texts):
            found.notices.append(
                f"column {name}: texts such as {texts[0]!r} are neither numbers of one unit nor "
                "dates of one form; they are categories"
            )
        found.notices += [
            f"column {name}: {word!r} ({count} rows) is a value like others; where it means "
            f"missing, write missing: ['{word}']"
            for word, count in words.items()
        ]
        return
    found.notices += [
        f"column {name}: {word!r} ({count} rows) is read as missing"
        for word, count in words.items()
    ]


def _number(
    column: pd.Series[Any],
    counts: Mapping[str, int],
    texts: Sequence[str],
    reading: Reading,
    where: str,
) -> NumberForm | None:
    """How a column of numbers writes them; None where it holds categories."""
    if not texts:
        return PLAIN
    plain = pd.to_numeric(pd.Series(texts, dtype="str"), errors="coerce").notna()
    decided = reading.decimal or reading.thousands
    if plain.all() and (not decided or isinstance(column.dropna().iloc[0], Decimal)):
        return None if reading.typed and any(map(_has_lost_zero, texts)) else PLAIN
    numbers = {text: number for text in texts if (number := written(text)) is not None}
    if len(numbers) == len(texts) and len({number.unit for number in numbers.values()}) == 1:
        return _form(column, texts, list(numbers.values()), reading, where)
    rows = sum(counts[text] for text in texts)
    units = {number.unit for number in numbers.values()} - {("", "")}
    if len(units) <= 1 and sum(counts[text] for text in numbers) > rows / 2:
        odd = [text for text in texts if text not in numbers]
        odd = odd or [text for text in texts if numbers[text].unit == ("", "")]
        raise _mostly(column, "numbers", odd, where)
    dated = formats_of(texts)
    if dated and max(dated.values()) > len(texts) / 2:
        form = max(dated, key=lambda form: dated[form])
        raise _mostly(column, "dates", unread(texts, form), where)
    return None


def _form(
    column: pd.Series[Any],
    texts: Sequence[str],
    numbers: Sequence[Written],
    reading: Reading,
    where: str,
) -> NumberForm | None:
    """The signs of numbers that all have the same unit."""
    found = forms_of(numbers, reading.decimal, reading.thousands)
    if len(found) > 1:
        place = next(
            place for place, number in enumerate(numbers)
            if len(forms_of([number], reading.decimal, reading.thousands)) > 1
        )  # fmt: skip
        unit = numbers[place].unit
        values = [NumberForm(*signs, *unit).value(texts[place]) for signs in found]
        sign = "," if "," in numbers[place].digits else "."
        raise DataError(
            f"{where}: column {column.name}, {_place(column, texts[place])}: {texts[place]!r} may "
            f"be {' or '.join(f'{value:.10g}' for value in values)}; write decimal: '{sign}' or "
            f"thousands: '{sign}'"
        )
    return NumberForm(*found[0], *numbers[0].unit) if found else None


def _mostly(column: pd.Series[Any], what: str, odd: Sequence[str], where: str) -> DataError:
    """Of a column with a few texts that are something else."""
    texts = column.astype("str")
    places = np.flatnonzero(texts.isin(odd).to_numpy())
    text = texts.iloc[places[0]]
    return DataError(
        f"{where}: column {column.name} is mostly {what}, but {row_of(column, int(places[0]))} "
        f"says {text!r}{also(column, places)}; clean it, write missing: ['{text}'] "
        "where it means missing, or list the column in categorical"
    )


def _refuse_names(name: str, counts: Mapping[str, int], where: str) -> None:
    rows = sum(counts.values())
    if len(counts) > max(MANY, rows / 2):
        raise DataError(
            f"{where}: column {name} has {len(counts)} different texts in {rows} rows, "
            "which name rows and teach nothing; leave it out with drop, or list it in categorical"
        )


def _counted(column: pd.Series[Any], where: str) -> dict[str, int]:
    """The rows of every different text."""
    codes, values = levels_of(column, where)
    counts = np.bincount(codes[codes >= 0], minlength=len(values))
    found: dict[str, int] = {}
    for value, count in zip(values, counts.tolist(), strict=True):
        found[str(value)] = found.get(str(value), 0) + count
    return found


def _place(column: pd.Series[Any], text: str) -> str:
    return row_of(column, int(np.flatnonzero((column.astype("str") == text).to_numpy())[0]))


def _is_plain(text: str) -> bool:
    """Whether Python too takes the text for this number."""
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _has_lost_zero(text: str) -> bool:
    """Whether the text has a zero in front that its number would not have."""
    digits = text.lstrip("+-")
    return len(digits) > 1 and digits[0] == "0" and digits[1].isdigit()
