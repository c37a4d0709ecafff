"""Pairs of arms that the recorded tables hold: two values of an axis, everything else searched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tables import SOURCES, TABLES


@dataclass(frozen=True)
class Pair:
    """Two values of an axis."""

    place: str
    a: Any
    b: Any
