"""Mistakes in data, gathered so that all of them are said at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lightning_modules.errors import DataError

SHOWN = 20
"""Sentences that are said; the others are counted."""


class Mistakes:
    """The sentences of DataErrors, in the order in which they were found."""

    def __init__(self) -> None:
        self.sentences: list[str] = []

    @contextmanager
    def gathered(self) -> Iterator[None]:
        """Keep the DataError that the block raises for later."""
        try:
            yield
        except DataError as error:
            self.sentences += [one for one in str(error).splitlines() if one not in self.sentences]

    def refuse(self) -> None:
        """Raise one DataError with all of them, a line each, if there are any."""
        if self.sentences:
            more = len(self.sentences) - SHOWN
            last = [f"and {more:,} more mistakes"] if more > 0 else []
            raise DataError("\n".join([*self.sentences[:SHOWN], *last]))
