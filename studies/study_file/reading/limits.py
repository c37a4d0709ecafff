"""How large a study may be: whatever is beyond is refused before any work is done with it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lightning_modules.errors import UserError

MAX_BYTES = 1_000_000
MAX_VALUES = 20_000
MAX_DEPTH = 50
MAX_DIGITS = 100
"""Characters of a number, and digits of an integer."""
ENOUGH = 200
"""Problems after which no more are looked for."""
UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
"""Control characters and halves of characters: terminals obey the former, no file holds the
latter."""


@dataclass
class Allowance:
    """What is left of the size that the study called `name` may have.

    The same value counts each time it is named, so that aliases do not multiply unseen.
    """

    name: str
    values: int = MAX_VALUES
    characters: int = MAX_BYTES

    def take(self, depth: int, characters: int = 0) -> None:
        """Count a value, `depth` keys below the top and so long; UserError beyond a limit."""
        self.values -= 1
        if self.values < 0:
            raise UserError(f"{self.name}: holds more than {MAX_VALUES:,} keys and values")
        self.characters -= characters
        if self.characters < 0:
            raise UserError(
                f"{self.name}: its texts are longer than {MAX_BYTES:,} characters together; "
                "shorten them"
            )
        if depth > MAX_DEPTH:
            raise UserError(
                f"{self.name}: is nested more than {MAX_DEPTH} deep, or holds itself; "
                "leave out levels"
            )


def text_problem(text: str) -> str | None:
    """What is wrong with a text that nothing could print or keep, or None."""
    found = UNPRINTABLE.search(text)
    if found is None:
        return None
    return f"holds the character {found[0]!a}, which nothing can print; leave it out"


def integer_problem(value: int) -> str | None:
    """What is wrong with an integer that is no number anybody means, or None."""
    if abs(value) < 10**MAX_DIGITS:
        return None
    return f"is an integer of more than {MAX_DIGITS} digits; write a smaller one"
