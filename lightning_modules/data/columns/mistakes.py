"""Mistakes of a user, gathered so that all of them are said at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lightning_modules.errors import DataError, UserError

SHOWN = 20
"""Sentences that are said; the others are counted."""


class Mistakes:
    """The sentences of errors of a kind, in the order in which they were found."""

    def __init__(self, kind: type[UserError] = DataError) -> None:
        self.kind = kind
        self.sentences: list[str] = []
        self._errors: list[UserError] = []

    @contextmanager
    def gathered(self) -> Iterator[None]:
        """Keep the error that the block raises for later."""
        try:
            yield
        except self.kind as error:
            self._errors.append(error)
            self.sentences += [one for one in str(error).splitlines() if one not in self.sentences]

    def refuse(self) -> None:
        """Raise one error with all of them, a line each, if there are any."""
        if len(self._errors) == 1 and str(self._errors[0]).splitlines() == self.sentences:
            raise self._errors[0]
        if self.sentences:
            more = len(self.sentences) - SHOWN
            last = [f"and {more:,} more mistakes"] if more > 0 else []
            raise self.kind("\n".join([*self.sentences[:SHOWN], *last]))
