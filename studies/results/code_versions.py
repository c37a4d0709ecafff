"""Which versions of the user's own code a study's trials have run with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from studies.records import Trial
from studies.results.wording import plural

Counts = Mapping[str, Mapping[str, int]]
"""How many trials of every arm have ended with each of some conditions, by its name."""
Codes = Counts
"""The same with each version of the code, by its identity."""
SHOWN = 8
"""Letters of an identity that are shown."""


def code_versions(trials: Iterable[Trial]) -> Codes:
    """The versions of the code that trials have ended with, in the order of the trials."""
    found: dict[str, Counter[str]] = {}
    for trial in trials:
        if trial.has_ended:
            found.setdefault(trial.code, Counter())[trial.arm] += 1
    return found


def mixed_code(codes: Codes) -> list[str]:
    """That trials ran with different versions of the code; nothing where they did not."""
    if len(codes) < 2:
        return []
    each = each_counted({code[:SHOWN] or "no own code": arms for code, arms in codes.items()})
    return [
        f"the trials ran with {len(codes)} versions of the code ({each}), so that differences may "
        "come from the code; only a new study has one version for all"
    ]


def each_counted(counts: Counts) -> str:
    """Every condition with the trials of each arm: `cpu: adam 4, sgd 4; NVIDIA H200: adam 2`."""
    return "; ".join(
        f"{name}: "
        + ", ".join(
            f"{arm} {count}" if arm else plural(count, "trial") for arm, count in arms.items()
        )
        for name, arms in counts.items()
    )
