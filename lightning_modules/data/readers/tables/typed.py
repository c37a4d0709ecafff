"""Tables from values of Python's: what Excel, JSON, SQLite and ARFF files hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from lightning_modules.data.columns.cells import text_of

PER_VALUE = 64
"""Bytes of memory that a value of Python's takes in a list, a short text included."""


def frame_of(columns: Mapping[str, Sequence[Any]]) -> pd.DataFrame:
    """A table of columns; where texts and other values stand together, all of them are texts."""
    return pd.DataFrame({name: _column(values) for name, values in columns.items()})


def _column(values: Sequence[Any]) -> pd.Series[Any]:
    known = [value for value in values if value is not None]
    kinds = {type(value) for value in known}
    if not known:
        return pd.Series(np.full(len(values), np.nan))
    if kinds <= {int, float}:
        return pd.Series(np.array([np.nan if value is None else value for value in values]))
    if str in kinds and kinds <= {str, int, float, bool}:
        texts = [None if value is None else text_of(value) for value in values]
        return pd.Series(texts, dtype="str")
    if kinds & {dict, list, bytes}:
        return pd.Series(values, dtype=object)
    return pd.Series(values)
