"""What the columns of a table become: numbers and categories, prepared by the training rows.

A preparation is a plain dictionary:

    numbers      [{name, fill, mean, scale, indicator}, ...]
    categories   [{name, values}, ...]
    embedded     whether categories stay numbers, to be embedded

A number becomes (number - `mean`) / `scale`, with `fill` where it is missing; `indicator` adds a
column that is 1 there. A category becomes a column for each of its values, all 0 for a value that
the training rows do not have, or one column with its place in `values` counted from 1, and 0 for
such a value. A missing category is the value "".
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

from lightning_modules.data.readers.frames import refuse_unknown
from lightning_modules.data.readers.memory import require_memory
from lightning_modules.errors import DataError

Floats = np.ndarray[Any, np.dtype[np.float64]]
Preparation = dict[str, Any]
LARGEST = float(np.finfo(np.float32).max)
MANY = 50
"""Different texts in a column, from which more than half as many as rows are names, not classes."""


def fit(
    rows: pd.DataFrame,
    categories: Sequence[str],
    where: str,
    *,
    impute: str,
    standardize: bool,
    embedded: bool,
) -> Preparation:
    """The preparation of rows by themselves; columns that are not `categories` are numbers.

    `impute` is `median` or `mean`. Raises DataError for a number that is missing everywhere.
    """
    numbers = []
    for name in [str(name) for name in rows.columns if name not in categories]:
        values = numbers_of(rows[name], where)
        known = values[~np.isnan(values)]
        if not len(known):
            raise DataError(
                f"{where}: column {name} has no value in the training part; leave it out with drop"
            )
        fill = float(np.median(known) if impute == "median" else known.mean())
        filled = np.where(np.isnan(values), fill, values)
        deviation = float(filled.std())
        numbers.append(
            {
                "name": name,
                "fill": fill,
                "mean": float(filled.mean()) if standardize else 0.0,
                "scale": deviation if standardize and deviation > 0 else 1.0,
                "indicator": len(known) < len(values),
            }
        )
    seen = [
        {"name": name, "values": sorted(set(texts_of(rows[name], where)))} for name in categories
    ]
    return {"numbers": numbers, "categories": seen, "embedded": embedded}


def transform(rows: pd.DataFrame, preparation: Mapping[str, Any], where: str) -> Any:
    """Inputs (n, width), float32: numbers, indicators, then categories.

    Raises DataError where a column is missing or holds what it must not; further columns are
    ignored.
    """
    numbers, categories = preparation["numbers"], preparation["categories"]
    refuse_unknown((("", column["name"]) for column in (*numbers, *categories)), rows, where)
    _require_memory(rows, preparation, where)
    columns, indicators = [], []
    for column in numbers:
        values = numbers_of(rows[column["name"]], where)
        missing = np.isnan(values)
        filled = np.where(missing, column["fill"], values)
        columns.append((filled - column["mean"]) / column["scale"])
        if column["indicator"]:
            indicators.append(missing)
    columns += indicators
    for column in categories:
        places = {text: place for place, text in enumerate(column["values"], start=1)}
        texts = texts_of(rows[column["name"]], where)
        _refuse_lost_zeros(rows[column["name"]], set(texts) - places.keys(), places, where)
        codes = np.array([places.get(text, 0) for text in texts])
        if preparation["embedded"]:
            columns.append(codes)
        else:
            columns += [codes == place for place in places.values()]
    return np.column_stack(columns).astype(np.float32)


def _require_memory(rows: pd.DataFrame, preparation: Mapping[str, Any], where: str) -> None:
    numbers, categories = preparation["numbers"], preparation["categories"]
    width = len(numbers) + len(categories)
    if not preparation["embedded"]:
        width += sum(len(column["values"]) for column in categories)
    what = f"{where}: {len(rows):,} rows of {width:,} numbers (categories are columns of 0 and 1)"
    require_memory(what, len(rows) * width * (8 + 4))


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


def categories_of(rows: pd.DataFrame, listed: Sequence[str], where: str) -> list[str]:
    """The columns that hold categories: those listed, and all that hold no numbers.

    Raises DataError for a column that is neither, such as numbers with a few texts among them.
    """
    return [
        str(name) for name in rows.columns if name in listed or not _is_number(rows[name], where)
    ]


def numbers_of(column: pd.Series[Any], where: str) -> Floats:
    """The values, NaN where they are missing; raises DataError where one is no finite number."""
    values = pd.to_numeric(column, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    wrong = column.notna().to_numpy() & ~(np.abs(values) <= LARGEST)
    if wrong.any():
        place = int(np.flatnonzero(wrong)[0])
        raise DataError(
            f"{where}: column {column.name}, {_row(column, place)}: {str(column.iloc[place])!r} "
            "is no finite number; correct it or leave it empty"
        )
    return values


def texts_of(column: pd.Series[Any], where: str) -> list[str]:
    """Every value as a text: 1 and 1.0 are the same, true and True too; "" where it is missing."""
    try:
        codes, values = pd.factorize(column)
    except TypeError:
        raise DataError(
            f"{where}: column {column.name} holds {type(column.dropna().iloc[0]).__name__}s; leave "
            "it out with drop, or write texts or numbers"
        ) from None
    texts = np.array([*(text_of(value) for value in values), ""], dtype=object)
    found: list[str] = texts[codes].tolist()
    return found


def text_of(value: Any) -> str:
    """One value as a text."""
    text = str(value)
    if text.lower() in ("true", "false"):
        return text.capitalize()
    return re.sub(r"^(-?\d+)\.0+$", r"\1", text)


def _is_number(column: pd.Series[Any], where: str) -> bool:
    if types.is_bool_dtype(column):
        return False
    if types.is_numeric_dtype(column):
        numbers_of(column, where)
        return True
    known = column.dropna()
    if known.empty:
        return True
    if isinstance(known.iloc[0], date | timedelta):
        raise DataError(
            f"{where}: column {column.name} holds dates; leave it out with drop, or write numbers"
        )
    texts = texts_of(known, where)
    numeric = pd.to_numeric(known.astype("str"), errors="coerce").notna().to_numpy()
    if isinstance(known.iloc[0], Decimal) and numeric.all():
        return True
    if not isinstance(column.dtype, pd.CategoricalDtype) and 0.5 < numeric.mean() < 1:
        place = int(np.flatnonzero(~numeric)[0])
        raise DataError(
            f"{where}: column {column.name} is mostly numbers, but {_row(known, place)} says "
            f"{texts[place]!r}; clean it, or list it in categorical"
        )
    different = len(set(texts))
    if different > max(MANY, len(texts) / 2):
        raise DataError(
            f"{where}: column {column.name} has {different} different texts in {len(texts)} rows, "
            "which name rows and teach nothing; leave it out with drop, or list it in categorical"
        )
    return False


def _row(column: pd.Series[Any], place: int) -> str:
    return f"row {int(column.index[place]) + 1}"


def times_of(column: pd.Series[Any], where: str) -> Any:
    """What orders rows in time: numbers, or dates as ISO 8601 writes them.

    Raises DataError where one is missing or neither.
    """
    what = f"{where}: column {column.name}"
    missing = np.flatnonzero(column.isna())
    if len(missing):
        raise DataError(f"{what}, row {missing[0] + 1}: is missing; fill it in or remove the row")
    numeric = pd.to_numeric(column, errors="coerce")
    if numeric.notna().all():
        return numeric.to_numpy(np.float64)
    dates = pd.to_datetime(column, format="ISO8601", errors="coerce", utc=True)
    wrong = np.flatnonzero(dates.isna())
    if len(wrong):
        raise DataError(
            f"{what}, row {wrong[0] + 1}: {str(column.iloc[wrong[0]])!r} is neither a number nor a "
            "date such as 2024-03-31; write it so"
        )
    return dates.to_numpy("datetime64[ns]")
