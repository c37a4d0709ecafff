"""A table of a report, as texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """A head, rows of texts, and what a reader must know of them."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""
    arms: Sequence[str] = ()
    """The arm of every row, whose colour it gets."""
    wide: Sequence[int] = ()
    """Columns of prose; all others hold figures and short names."""
