"""Where a parameter works, in words: how far the best reaches, and where training breaks."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from studies.records import Outcome
from studies.reporting.figures.comparison.ranges import EffectInfo, near_best
from studies.results import StudyResults, level
from studies.study_file import Range


def range_words(results: StudyResults, info: EffectInfo) -> Sequence[str]:
    """A sentence for each arm of the figure, in the order of the study file."""
    known = set(info.bins["arm"])
    return [_words(results, info, arm) for arm in info.arms if arm in known]


def _words(results: StudyResults, info: EffectInfo, arm: str) -> str:
    metric, name = info.y.metric, info.x.name
    trials = info.every[info.every["arm"] == arm]
    best, wide, near = near_best(info, arm)
    low, high = float(wide.min()), float(wide.max())
    reach = f"at {low:.3g}" if low == high else f"from {low:.3g} to {high:.3g}"
    said = f"{arm}: {name} works {reach} ({near} of its best, "
    said += f"{level(metric, float(best['value']))} at {best['parameter']:.3g})"
    diverged = trials[trials["outcome"] == Outcome.diverged]["parameter"]
    if len(diverged):
        said += f"; the lowest that diverged is {float(diverged.min()):.3g}"
    if searched := _searched(results, arm, name):
        said += f"; searched {searched}"
    if default := _default(trials, metric):
        said += f"; the defaults reach {default}"
    return said + "."


def _searched(results: StudyResults, arm: str, name: str) -> str:
    for each in results.spec.arms:
        if (each.name or results.study) == arm:
            for path, node in each.space.parameters():
                if path == name and isinstance(node, Range):
                    return f"{node.low:.3g} to {node.high:.3g}"
    return ""


def _default(trials: pd.DataFrame, metric: str) -> str:
    found = trials[trials["default"] & trials["value"].notna()]
    if found.empty:
        return ""
    first = found.iloc[0]
    return f"{level(metric, float(first['value']))} at {float(first['parameter']):.3g}"
