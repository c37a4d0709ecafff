"""Tables as CSV that a spreadsheet may open."""

from __future__ import annotations

import csv
from typing import Any

import pandas as pd

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""With what a text begins that spreadsheets run (OWASP, "CSV Injection")."""


def csv_text(table: pd.DataFrame) -> str:
    """A table as CSV; no text of it is a formula to a spreadsheet, numbers are as they were."""
    safe = table.copy()
    for name in safe.columns:
        if not pd.api.types.is_numeric_dtype(safe[name]):
            safe[name] = [_no_formula(value) for value in safe[name]]
    safe = safe.rename(columns=_no_formula)
    text = str(safe.to_csv(index=False))
    # Python quotes no carriage return, where spreadsheets begin another row
    return str(safe.to_csv(index=False, quoting=csv.QUOTE_NONNUMERIC)) if "\r" in text else text


def _no_formula(value: Any) -> Any:
    """A text that begins like a formula gets an apostrophe before it; a number does not."""
    if not isinstance(value, str) or not value.startswith(FORMULA):
        return value
    try:
        float(value)
    except ValueError:
        return f"'{value}"
    return value
