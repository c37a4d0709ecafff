"""Why trials failed, in sentences."""

from __future__ import annotations

import math

from studies.analysis.failure_causes import Beyond, FailureCause
from studies.records import Outcome
from studies.results import plural, value_text

VERBS = {
    Outcome.diverged: "diverged",
    Outcome.out_of_memory: "ran out of memory",
    Outcome.timeout: "ran out of time",
    Outcome.error: "ended with an error",
    Outcome.crashed: "crashed",
}
SLIGHTLY = 1.1
"""A ratio below this is not told as a number."""
LARGE = 1e6
"""A ratio from which on its digits are not written out."""


def cause_words(cause: FailureCause, whose: str = "") -> str:
    """Such as `6 of 14 diverged; all had lr >= 1.5, the largest that worked is 0.26`; `whose` is
    said after the numbers."""
    how = VERBS[cause.outcome]
    return "; ".join([f"{len(cause.trials)} of {cause.ended}{whose} {how}", *cause.parameters])


def beyond_words(found: Beyond) -> str:
    """Such as `lr 13: 50 times above the largest that worked, 0.26`; the ratio is rounded down."""
    side, end = ("above", "largest") if found.above else ("below", "smallest")
    said = (
        f"{found.name} {value_text(found.value)}: {_times(found)}{side} the {end} that worked, "
        f"{value_text(found.limit)}"
    )
    if found.failed == 1:
        return said
    return f"{said}. All {plural(found.failed, 'trial')} {side} that failed"


def _times(found: Beyond) -> str:
    if min(found.value, found.limit) <= 0:
        return ""
    pair = (found.value, found.limit) if found.above else (found.limit, found.value)
    ratio = pair[0] / pair[1]
    if not math.isfinite(ratio):
        return ""
    if ratio < SLIGHTLY:
        return "slightly "
    unit = 10.0 ** (math.floor(math.log10(ratio)) - 1)
    rounded = math.floor(ratio / unit * (1 + 1e-9)) * unit
    return f"{rounded:.2g} times " if not 100 <= rounded < LARGE else f"{rounded:,.0f} times "
