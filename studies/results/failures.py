"""Why trials failed: reasons that differ in numbers and paths only are one."""

from __future__ import annotations

import re
from collections.abc import Sequence

from studies.records import Trial

PATH = re.compile(r"(?:[\w.~+-]*/)+[\w.+-]*")
NUMBER = re.compile(
    r"(?:(?<![A-Za-z_])|(?<=\dx))[-+]?(?:0x[0-9a-fA-F]+|\d+(?:[,_]\d{3})*(?:\.\d+)?(?:e[-+]?\d+)?)"
)
MOST = 5
"""Kinds of failures that are told; the others are counted."""


def alike(reason: str) -> str:
    """A reason without its numbers and paths, by which equal failures are known."""
    return NUMBER.sub("0", PATH.sub("/", reason))


def counted(reasons: Sequence[str]) -> str:
    """Reasons with how often each came, the most frequent first; one that all have in common
    stands alone. Each kind is told by its first."""
    kinds: dict[str, list[str]] = {}
    for reason in reasons:
        kinds.setdefault(alike(reason), []).append(reason)
    if len(kinds) <= 1:
        return "".join(reasons[:1])
    ordered = sorted(kinds.values(), key=len, reverse=True)
    told = [f"{len(each)} × {each[0] or 'without a reason'}" for each in ordered[:MOST]]
    if rest := sum(map(len, ordered[MOST:])):
        told.append(f"{rest} × something else")
    return "; ".join(told)


def why_nothing(study: str, trials: Sequence[Trial]) -> str:
    """That no trial of a study has completed, with how they ended."""
    reasons = counted([f"{trial.outcome}: {trial.reason}" for trial in trials])
    return f"{study}: no trial has completed" + (f": {reasons}" if reasons else "")
