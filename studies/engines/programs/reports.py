"""The lines that a user's program prints, as reports."""

from __future__ import annotations

import json
import re
from typing import Any

from lightning_modules.errors import UserError

NOT_FINITE = re.compile(r"(?<=[\s:,\[])([+-]?)(nan|inf)(?:inity)?(?=[\s,}\]])", re.IGNORECASE)
"""What C and awk print where JSON knows no word; Python's json reads NaN and Infinity."""


def read_report(line: str) -> dict[str, Any] | None:
    """The JSON object of a line, which may be a report; None where the line is none.

    Raises UserError where it looks like a report that cannot be read.
    """
    if not line.lstrip().startswith("{"):
        return None
    try:
        said = json.loads(NOT_FINITE.sub(_json_number, line))
    except ValueError as error:
        if re.match(r'\s*\{\s*"(epoch|test)"', line):
            raise UserError(f"the program reported what is no JSON: {line.strip()!r}") from error
        return None
    return said if isinstance(said, dict) else None


def _json_number(word: re.Match[str]) -> str:
    if word[2].lower() == "nan":
        return "NaN"
    return ("-" if word[1] == "-" else "") + "Infinity"
