"""Python's garbage collector, kept from looking again and again through what stays anyway."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def gc_paused() -> Iterator[None]:
    """Pause the garbage collector: it takes a third of the time where many objects are made."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@contextmanager
def freeze_after_import() -> Iterator[None]:
    """Pause the garbage collector during imports, of which it takes a fifth. Where modules were
    loaded, what exists at the end is never collected, so that the children of a fork share it."""
    known = len(sys.modules)
    with gc_paused():
        yield
        if len(sys.modules) > known:
            gc.freeze()
