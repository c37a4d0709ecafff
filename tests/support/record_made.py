"""Trials as a record is given them, made by hand."""

from typing import Any

from studies.records import Search, Trial

STUDY = "kept"


def trial_of(search: Search, number: int = 0, **given: Any) -> Trial:
    """A trial as it is when it is asked for."""
    known: dict[str, Any] = {
        "key": f"trial-{number:04d}", "arm": search.arm, "phase": search.phase, "outcome": None,
        "value": None, "seed": 2 * number, "configuration": {"model": {"hidden": [4, 4]}},
        "config_hash": f"hash-{number}", "epochs": 0, "best_epoch": None, "best": {}, "test": {},
        "reason": "", "seconds": 0.0, "run_id": None, "duplicate_of": None, "default": False,
        "params": {}, "curve": {}, "started": None, "ended": None, "number": number,
        "search": search.id,
    }  # fmt: skip
    return Trial(**{**known, **given})
