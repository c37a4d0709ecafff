"""What networks see of the columns of a table, prepared by the training rows.

A preparation is a plain dictionary:

    numbers      [{name, fill, mean, scale, indicator, low, high}, ...], with `form` where they are
                 written otherwise than 1.5, and with `of` where they are a number of a date
    dates        [{name, form, start}, ...]
    categories   [{name, values}, ...], with `others` where rare ones share a level
    embedded     whether categories stay numbers, to be embedded

A number becomes (number - `mean`) / `scale`, with `fill` where it is missing; `indicator` adds a
column that is 1 there. `low` and `high` are the range of the training rows. A date becomes the
numbers of `dates.WHEN`, the days that have elapsed counted from `start`. A category becomes a
column for each of its values, all 0 for a value that the training rows do not have, or one column
with its place in `values` counted from 1, and 0 for such a value; with `others` there is a last
column or place for all that are not in `values`. A missing category is the value "".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

from lightning_modules.data.columns.cells import Rows, refuse_unknown, says_missing, texts_of
from lightning_modules.data.columns.dates import WHEN, numbers_of_dates
from lightning_modules.data.columns.kinds import Kinds
from lightning_modules.data.columns.mistakes import Mistakes
from lightning_modules.data.columns.number_texts import PLAIN, Floats, NumberForm, numbers_of
from lightning_modules.errors import DataError

Preparation = dict[str, Any]
LEVELS = 100
"""Columns that a category becomes at most; of more, the rarest share the last one."""


def fit(
    rows: Rows,
    kinds: Kinds,
    where: str,
    *,
    impute: str,
    standardize: bool,
    embedded: bool,
) -> Preparation:
    """The preparation of rows by themselves.

    `impute` is `median` or `mean`. Raises DataError for all numbers that are missing everywhere.
    """
    numbers: list[dict[str, Any]] = []
    dates: list[dict[str, Any]] = []
    mistakes = Mistakes()
    for name, form in kinds.numbers.items():
        with mistakes.gathered():
            values = numbers_of(rows[name], where, form)
            of = {"name": name, **({} if form == PLAIN else {"form": vars(form)})}
            numbers.append({**of, **_number(values, name, where, impute, standardize)})
    for name, written in kinds.dates.items():
        with mistakes.gathered():
            found, start = _date(rows[name], written, where)
            dates.append({"name": name, "form": written, "start": start})
            for part, values in found.items():
                number = _number(values, name, where, impute, standardize)
                # that a date is missing is said once
                numbers.append({"name": name, "of": part, **number,
                                "indicator": number["indicator"] and part == WHEN[0]})  # fmt: skip
    mistakes.refuse()
    return {
        "numbers": numbers,
        "dates": dates,
        "categories": [_category(rows[name], where, embedded) for name in kinds.categories],
        "embedded": embedded,
    }


def _date(column: pd.Series[Any], form: str, where: str) -> tuple[dict[str, Floats], float]:
    """The numbers of a column of dates, by what they say, and the day from which they count."""
    found = numbers_of_dates(column, form, where)
    _refuse_empty(found["elapsed"], str(column.name), where)
    start = float(np.nanmin(found["elapsed"]))
    found["elapsed"] = found["elapsed"] - start
    if not np.nanmax(found["hour"]):
        del found["hour"]
    return found, start


def transform(rows: Rows, preparation: Mapping[str, Any], where: str) -> Any:
    """Inputs (n, width), float32: numbers, indicators, then categories.

    Raises DataError for all columns that are missing or hold what they must not; further columns
    are ignored.
    """
    numbers, categories = preparation["numbers"], preparation["categories"]
    refuse_unknown((("", column["name"]) for column in (*numbers, *categories)), rows, where)
    inputs = np.empty((len(rows), width_of(preparation)), dtype=np.float32)
    indicated = len(numbers)
    mistakes = Mistakes()
    with mistakes.gathered():
        for place, (column, values) in enumerate(numbers_in(rows, preparation, where)):
            missing = np.isnan(values)
            filled = np.where(missing, column["fill"], values)
            inputs[:, place] = (filled - column["mean"]) / column["scale"]
            if column["indicator"]:
                inputs[:, indicated] = missing
                indicated += 1
    for column in categories:
        with mistakes.gathered():
            codes, count = _codes(rows[column["name"]], column, where)
            if preparation["embedded"]:
                inputs[:, indicated] = codes
                indicated += 1
            else:
                inputs[:, indicated : indicated + count] = codes[:, None] == np.arange(1, count + 1)
                indicated += count
    mistakes.refuse()
    return inputs


def width_of(preparation: Mapping[str, Any]) -> int:
    """The numbers of a row."""
    numbers, categories = preparation["numbers"], preparation["categories"]
    levels = [1 if preparation["embedded"] else level_count(column) for column in categories]
    return len(numbers) + sum(bool(column["indicator"]) for column in numbers) + sum(levels)


def level_count(category: Mapping[str, Any]) -> int:
    """The levels of a category of a preparation."""
    return len(category["values"]) + bool(category.get("others"))


def texts_in(preparation: Mapping[str, Any]) -> list[str]:
    """The columns whose cells are to be read as texts, so that none is taken for a number."""
    written = [column["name"] for column in preparation["numbers"] if "form" in column]
    others = (*preparation["categories"], *preparation.get("dates", ()))
    return [*written, *(column["name"] for column in others)]


def numbers_in(
    rows: Rows, preparation: Mapping[str, Any], where: str
) -> Iterator[tuple[Mapping[str, Any], Floats]]:
    """Every number of the preparation with its values, which are not yet filled.

    Raises DataError for all columns that hold something else, after the others.
    """
    dates = {column["name"]: column for column in preparation.get("dates", ())}
    read: dict[str, dict[str, Any]] = {}
    mistakes = Mistakes()
    for column in preparation["numbers"]:
        name, values = column["name"], None
        with mistakes.gathered():
            if "of" not in column:
                values = numbers_of(rows[name], where, NumberForm(**column.get("form", {})))
            else:
                if name not in read:
                    read[name] = numbers_of_dates(rows[name], dates[name]["form"], where)
                    read[name]["elapsed"] = read[name]["elapsed"] - dates[name]["start"]
                values = read[name][column["of"]]
        if values is not None:
            yield column, values
    mistakes.refuse()


def _number(
    values: Floats, name: str, where: str, impute: str, standardize: bool
) -> dict[str, float | bool]:
    _refuse_empty(values, name, where)
    missing = np.isnan(values)
    fill = float(np.median(values[~missing]) if impute == "median" else values[~missing].mean())
    filled = np.where(missing, fill, values)
    deviation = float(filled.std())
    return {
        "fill": fill,
        "mean": float(filled.mean()) if standardize else 0.0,
        "scale": deviation if standardize and deviation > 0 else 1.0,
        "indicator": bool(missing.any()),
        "low": float(values[~missing].min()),
        "high": float(values[~missing].max()),
    }


def _refuse_empty(values: Floats, name: str, where: str) -> None:
    if np.isnan(values).all():
        raise DataError(
            f"{where}: column {name} has no value in the training part; leave it out with drop"
        )


def _category(column: pd.Series[Any], where: str, embedded: bool) -> dict[str, Any]:
    """The levels of a category; those that are embedded may be any number."""
    counts = Counter(texts_of(column, where))
    name = str(column.name)
    if embedded or len(counts) <= LEVELS:
        return {"name": name, "values": sorted(counts)}
    frequent = sorted(counts, key=lambda text: (-counts[text], text))[: LEVELS - 1]
    rare = sum(counts.values()) - sum(counts[text] for text in frequent)
    shared = {"levels": len(counts) - len(frequent), "rows": rare}
    return {"name": name, "values": sorted(frequent), "others": shared}


def _codes(column: pd.Series[Any], category: Mapping[str, Any], where: str) -> tuple[Any, int]:
    """The place of every row among the levels, counted from 1, and how many levels there are."""
    places = {text.strip(): place for place, text in enumerate(category["values"], start=1)}
    count = level_count(category)
    unseen = count if category.get("others") else 0
    texts = texts_of(column, where)
    unknown = set(texts) - places.keys()
    _refuse_lost_zeros(column, unknown, places, where)
    # a word for missing that is no value of its own is the missing one
    places |= {text: places[""] for text in unknown if "" in places and says_missing(text)}
    return np.array([places.get(text, unseen) for text in texts]), count


def _refuse_lost_zeros(
    column: pd.Series[Any], unseen: Collection[str], known: Collection[str], where: str
) -> None:
    """Raise DataError where numbers stand for texts of the training rows, as 7 for 007."""
    if not unseen or not types.is_numeric_dtype(column):
        return
    numbers = pd.to_numeric(pd.Series(list(known), dtype="str"), errors="coerce")
    meant = dict(zip(numbers, known, strict=True))
    for text in sorted(unseen):
        number = pd.to_numeric(text, errors="coerce")
        if number in meant:
            raise DataError(
                f"{where}: column {column.name} holds numbers, and {text} may be the "
                f"{meant[number]!r} of the training part; save the column as texts"
            )
