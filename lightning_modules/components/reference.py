"""References by name to functions and classes, so that a table does not import what its rows are
built of."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any


def later(name: str, *first: Any, **fixed: Any) -> Callable[..., Any]:
    """The function or class called `module:name`, whose module is imported when it is called.

    Args:
        name: Where it is, such as `torch.optim:SGD`.
        first: Its first arguments at every call.
        fixed: Keyword arguments of every call.
    """

    def call(*given: Any, **parameters: Any) -> Any:
        return target(name)(*first, *given, **fixed, **parameters)

    call.__qualname__ = name
    return call


def later_configured(name: str) -> Callable[..., Callable[..., Any]]:
    """What gives the function called `module:name` with parameters filled in, to be called with the
    rest: `later_configured("losses:huber")(delta=2.0)(outputs, targets)`."""

    def configure(**parameters: Any) -> Callable[..., Any]:
        return partial(target(name), **parameters)

    configure.__qualname__ = name
    return configure


def target(name: str) -> Any:
    """What is called `module:name`."""
    module, _, attribute = name.partition(":")
    return getattr(import_module(module), attribute)
