"""Tables as CSV that a spreadsheet may open."""

from __future__ import annotations

import csv
import unicodedata
from typing import Any

import pandas as pd

FORMULA = "=+-@\N{MINUS SIGN}"
"""With what a text begins that spreadsheets run (OWASP, "CSV Injection"); wide and small forms of
these signs, too."""
BREAKS = ("\t", "\r", "\n")
UNSEEN = {"Cc", "Cf", "Zs", "Zl", "Zp", "Mn", "Me"}
"""Kinds of characters (unicodedata.category) that a spreadsheet may skip at the beginning."""
FILLERS = "\u115f\u1160\u2800\u3164\uffa0"
"""Letters and symbols that are blank."""
SEPARATORS = ";\t|\r"
"""What begins a cell or a row in some spreadsheets, and is not quoted by Python."""


def csv_text(table: pd.DataFrame) -> str:
    """A table as CSV; no text of it is a formula to a spreadsheet, numbers are as they were."""
    safe = table.copy()
    for name in safe.columns:
        if not pd.api.types.is_numeric_dtype(safe[name]):
            safe[name] = [_no_formula(value) for value in safe[name]]
    safe = safe.rename(columns=_no_formula)
    text = str(safe.to_csv(index=False))
    if any(separator in text for separator in SEPARATORS):
        return str(safe.to_csv(index=False, quoting=csv.QUOTE_NONNUMERIC))
    return text


def _no_formula(value: Any) -> Any:
    """A text that begins like a formula gets an apostrophe before it; a number does not."""
    if not isinstance(value, str) or not _is_formula(value):
        return value
    try:
        float(value)
    except ValueError:
        return f"'{value}"
    return value


def _is_formula(text: str) -> bool:
    seen = (
        each for each in text if unicodedata.category(each) not in UNSEEN and each not in FILLERS
    )
    first = unicodedata.normalize("NFKC", next(seen, ""))
    return text.startswith(BREAKS) or (first != "" and first[0] in FORMULA)
