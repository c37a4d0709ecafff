"""References to functions by name, so that a table does not import what its rows are built of."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any


def later(name: str, *first: Any) -> Callable[..., Any]:
    """The function called `module:function`, whose module is imported when it is called; `first`
    are its first arguments."""
    module, _, function = name.partition(":")

    def call(*given: Any, **parameters: Any) -> Any:
        return getattr(import_module(module), function)(*first, *given, **parameters)

    return call
