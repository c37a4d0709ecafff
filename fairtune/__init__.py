"""Tune neural networks, and say which optimizer, schedule or architecture is really better.

    import fairtune

    study = fairtune.run("study.yaml", workers=2)
    study.best.configuration, study.verdicts

What goes wrong on the user's side raises a `FairtuneError` whose message is one clear sentence.
"""

from fairtune.places import require_own_packages

require_own_packages()

from lightning_modules.errors import (  # noqa: E402
    BusyError,
    ConfigurationError,
    DataError,
    FairtuneError,
    NothingCompletedError,
    StorageError,
    UserError,
)
from studies.api import (  # noqa: E402
    Best,
    Study,
    Verdict,
    check,
    compare,
    load,
    run,
)
from studies.engines.report import Report  # noqa: E402

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
