"""Hears which operations of a training torch has no deterministic implementation of.

Lightning's `deterministic="warn"` lets torch warn of each, and go on.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

WARNING = re.compile(r"(\S+) does not have a deterministic implementation")
ATTENTION = re.compile(r"(\S.*?) defaults to a non-deterministic algorithm")
REMARK = "no deterministic implementation"


def is_nondeterministic(remark: str) -> bool:
    """Whether a remark says that the numbers of a training may not repeat."""
    return REMARK in remark


@contextmanager
def heard_operations() -> Iterator[set[str]]:
    """The operations that torch warns of meanwhile, by its names for them; the warnings themselves
    are not shown."""
    heard: set[str] = set()
    with warnings.catch_warnings():
        for pattern in (WARNING, ATTENTION):
            warnings.filterwarnings("always", message=pattern.pattern)
        show = warnings.showwarning

        def hear(message: Warning | str, *where: Any, **more: Any) -> None:
            found = WARNING.match(str(message)) or ATTENTION.match(str(message))
            if found:
                heard.add(found[1])
            else:
                show(message, *where, **more)

        warnings.showwarning = hear
        yield heard


def remark_of(heard: set[str]) -> str:
    """What is said of a training that used such operations; empty where it used none."""
    if not heard:
        return ""
    has = "has" if len(heard) == 1 else "have"
    return (
        f"the training uses {', '.join(sorted(heard))}, which {has} {REMARK} in torch: its numbers "
        "may not repeat to the last bit"
    )
