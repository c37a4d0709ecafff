"""What is said of names that nobody knows."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from lightning_modules.errors import shown

LONGEST = 100
"""Characters of a name for which a near one is looked for."""


def unknown(what: str, name: object, known: Iterable[str]) -> str:
    """The sentence for a name that is not in a table."""
    known = list(known)
    hint = suggestion(name, known) or "; known are " + ", ".join(known)
    return f"there is no {what} {shown(str(name))}{hint}"


def suggestion(name: object, known: Iterable[str]) -> str:
    """`; did you mean X?`, or nothing where no known name is near."""
    if len(str(name)) > LONGEST:
        return ""
    spelled = {each.lower(): each for each in known}
    near = difflib.get_close_matches(str(name).lower(), list(spelled), n=1, cutoff=0.6)
    return f"; did you mean {spelled[near[0]]}?" if near else ""


def article(noun: str) -> str:
    """The noun with its indefinite article."""
    return ("an " if noun[:1] in "aeiou" else "a ") + noun
