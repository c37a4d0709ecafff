"""Tune neural networks, and say which optimizer, schedule or architecture is really better.

    import fairtune

    study = fairtune.run("study.yaml", workers=2)
    study.best.configuration, study.verdicts

What goes wrong on the user's side raises a `FairtuneError` whose message is one clear sentence.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from fairtune.places import require_own_packages

if TYPE_CHECKING:
    from lightning_modules.errors import (
        BusyError,
        ConfigurationError,
        DataError,
        FairtuneError,
        NothingCompletedError,
        StorageError,
        UserError,
    )
    from studies.api import Best, Study, Verdict, check, compare, load, run
    from studies.engines.report import Report

require_own_packages()

__all__ = [
    "Best",
    "BusyError",
    "ConfigurationError",
    "DataError",
    "FairtuneError",
    "NothingCompletedError",
    "Report",
    "StorageError",
    "Study",
    "UserError",
    "Verdict",
    "check",
    "compare",
    "load",
    "run",
]

_API = ("Best", "Study", "Verdict", "check", "compare", "load", "run")


def __getattr__(name: str) -> Any:
    """Imported when it is asked for: a program that only reports waits for none of it."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = "studies.api" if name in _API else "lightning_modules.errors"
    return getattr(import_module("studies.engines.report" if name == "Report" else home), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
