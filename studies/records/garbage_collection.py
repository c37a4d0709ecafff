"""Python's garbage collector, kept from looking again and again through what stays anyway."""

from __future__ import annotations

import gc
import sys
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
    """For imports, of which collections take a fifth. Where modules were loaded, what exists at the
    end is not looked through again, so that the children of a fork share it."""
    known = len(sys.modules)
    with uncollected():
        yield
        if len(sys.modules) > known:
            gc.freeze()
