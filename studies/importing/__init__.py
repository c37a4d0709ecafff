"""Records made from what fairtune wrote elsewhere: homes of before, and Optuna storages.

Nothing here is imported before there is something to import.
"""

from __future__ import annotations

from studies.home import Home
from studies.records.earlier import is_earlier


def earlier_studies(home: Home) -> list[str]:
    """The studies of a home that a version without records has run and nobody has imported."""
    return sorted(
        spool.parent.name for spool in home.path.glob("studies/*/spool") if is_earlier(spool.parent)
    )
