"""Python's garbage collector, kept from looking again and again through what stays anyway."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Without collections, which take a third of the time where records pile up."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@contextmanager
def lasting() -> Iterator[None]:
    """For imports, of which collections take a fifth. What exists at the end is not looked through
    again, so that the children of a fork share it."""
    with uncollected():
        yield
        gc.freeze()
