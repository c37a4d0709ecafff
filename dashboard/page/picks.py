"""The trials that a reader picked, in figures and tables of any page: they are in the address."""

from __future__ import annotations

from collections.abc import Sequence

from dashboard.page import address

PICKED = "picked"
MOST = 6
"""Trials that are compared at once."""


def picked() -> tuple[str, ...]:
    """The keys of the picked trials, in the order in which they were picked."""
    return tuple(dict.fromkeys(address.read(PICKED)))[:MOST]


def pick(keys: Sequence[str]) -> None:
    """Pick these trials in place of those that were; the last ones where they are too many."""
    address.write(PICKED, list(dict.fromkeys(keys))[-MOST:])
