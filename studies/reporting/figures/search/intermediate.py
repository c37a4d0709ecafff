"""The objective after every epoch of the search's trainings, and where they were stopped."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import altair as alt
import numpy as np
import pandas as pd

from studies.records import Outcome, Trial
from studies.reporting.figures.common import (
    Info,
    Picture,
    colour,
    counted,
    number_format,
    value_axis,
)
from studies.reporting.figures.points import CROSS, axis_end
from studies.results import StudyResults

LINES = 120
"""Trainings that are drawn; of more, the best third of so many and others in equal steps."""


@dataclass(frozen=True)
class IntermediateInfo(Info):
    """Curves of trainings with their ends."""

    metric: str
    arms: tuple[str, ...]


def intermediate_info(results: StudyResults, shown: Sequence[str]) -> IntermediateInfo:
    """Every training of the search that reported an epoch; repeated results are left out."""
    trials = [t for t in results.trials if t.phase == "search" and t.arm in shown]
    reported = [t for t in trials if t.curve and t.duplicate_of is None]
    drawn = _some(results, reported)
    values = [v for trial in drawn for v in trial.curve.values() if math.isfinite(v)]
    end = axis_end(values, results.spec.objective.goal)
    sign = 1 if results.spec.objective.goal == "maximize" else -1
    rows = []
    for trial in drawn:
        last = max(trial.curve)
        outcome = str(trial.outcome) if trial.outcome else "running"
        for epoch, value in sorted(trial.curve.items()):
            known = math.isfinite(value)
            shown_at = sign * max(sign * value, sign * end) if known else end
            rows.append(
                {"arm": trial.arm or results.study, "trial": trial.key, "outcome": outcome}
                | {"epoch": epoch, "value": value if known else None, "shown": shown_at}
                | {"last": epoch == last}
            )
    pruned = sum(trial.outcome == Outcome.pruned for trial in reported)
    of = f"{len(drawn)} of " if len(drawn) < len(reported) else ""
    caption = (
        f"{of}{counted(len(reported), 'training')} of the search"
        + (", the best among them" if of else "")
        + f". × marks where a training was pruned ({pruned} were), a triangle where one diverged "
        "or failed, a ring one that still runs."
    )
    if not math.isnan(end) and any(sign * v < sign * end for v in values):
        caption += " Values beyond the axis are drawn at its end."
    columns = ["arm", "trial", "outcome", "epoch", "value", "shown", "last"]
    return IntermediateInfo(
        data=pd.DataFrame(rows if values else [], columns=columns),
        caption=caption,
        alt=f"{results.spec.objective.metric} by epoch of {counted(len(drawn), 'training')}",
        metric=results.spec.objective.metric,
        arms=tuple(arm or results.study for arm in results.arms),
    )


def _some(results: StudyResults, trials: Sequence[Trial]) -> Sequence[Trial]:
    if len(trials) <= LINES:
        return trials
    best = {trial.key for trial in results.ranked(trials)[: LINES // 3]}
    rest = [trial for trial in trials if trial.key not in best]
    steps = np.linspace(0, len(rest) - 1, LINES - len(best)).astype(int)
    others = {rest[step].key for step in steps}
    return [trial for trial in trials if trial.key in best or trial.key in others]


def draw_intermediate(info: IntermediateInfo) -> Picture:
    """Thin lines; ends that mean something have a mark."""
    about: list[str | alt.Tooltip] = [
        alt.Tooltip("trial:N"),
        alt.Tooltip("arm:N"),
        alt.Tooltip("epoch:Q"),
        alt.Tooltip("value:Q", format=number_format(info.metric)),
        alt.Tooltip("outcome:N"),
    ]
    base = alt.Chart(info.data).encode(
        x=alt.X("epoch:Q", axis=alt.Axis(title="epoch", tickMinStep=1, grid=False)),
        y=alt.Y("shown:Q", scale=alt.Scale(zero=False), axis=value_axis(info.metric)),
        color=colour(info.arms),
        tooltip=about,
    )
    lines = base.mark_line(strokeWidth=1).encode(
        detail=alt.Detail("trial:N"),
        opacity=alt.condition("datum.outcome === 'completed'", alt.value(0.5), alt.value(0.25)),
    )
    ends = base.transform_filter("datum.last && datum.outcome !== 'completed'").mark_point(
        size=44, strokeWidth=1.6, opacity=0.9
    )
    outcomes = [str(outcome) for outcome in Outcome if outcome != Outcome.completed]
    shapes = [CROSS if outcome == "pruned" else "triangle-down" for outcome in outcomes]
    shape = alt.Shape(
        "outcome:N",
        scale=alt.Scale(domain=[*outcomes, "running"], range=[*shapes, "circle"]),
        legend=None,
    )
    return alt.layer(lines, ends.encode(shape=shape)).properties(height=360)
