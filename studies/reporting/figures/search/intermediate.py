"""The objective after every epoch of the search's trainings, and where they were stopped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import altair as alt
import numpy as np
import pandas as pd

from studies.records import Outcome, Trial
from studies.reporting.figures.axes import MetricAxis, metric_axis, whole_axis
from studies.reporting.figures.common import (
    Info,
    Picture,
    colour,
    counted,
    finite,
    number_format,
    paint,
)
from studies.reporting.figures.curves import PLAIN, CurveOptions, with_smooth
from studies.reporting.figures.points import (
    CROSS,
    along,
    arrows,
    beyond_note,
    values_by_arm,
    with_room,
)
from studies.results import StudyResults

LINES = 120
"""Trainings that are drawn; of more, the best third of so many and others in equal steps."""


@dataclass(frozen=True)
class IntermediateInfo(Info):
    """Curves of trainings with their ends."""

    axis: MetricAxis
    arms: tuple[str, ...]
    options: CurveOptions


def intermediate_info(
    results: StudyResults,
    shown: Sequence[str],
    options: CurveOptions = PLAIN,
    *,
    log_metric: bool = False,
) -> IntermediateInfo:
    """Every training of the search that reported an epoch; repeated results are left out."""
    trials = [t for t in results.trials if t.phase == "search" and t.arm in shown]
    reported = [t for t in trials if t.curve and t.duplicate_of is None]
    drawn = _some(results, reported)
    objective, rows = results.spec.objective, []
    for trial in drawn:
        last = max(trial.curve)
        outcome = str(trial.outcome) if trial.outcome else "running"
        for epoch, value in sorted(trial.curve.items()):
            rows.append(
                {"arm": trial.arm or results.study, "trial": trial.key, "outcome": outcome}
                | {"epoch": epoch, "value": finite(value), "last": epoch == last}
            )
    columns = ["arm", "trial", "outcome", "epoch", "value", "last"]
    data = pd.DataFrame(rows, columns=columns).astype({"value": float})
    axis = metric_axis(
        values_by_arm(data),
        objective.metric,
        objective.goal,
        log=log_metric,
        outliers=options.outliers,
    )
    data = with_smooth(data, "value", ["trial"], options.smoothing)
    placed = data.join(axis.placed(data["value"]))
    placed["number"] = placed["number"].where(data["last"], "")
    data = with_room(placed, along(data["epoch"]))
    pruned = sum(trial.outcome == Outcome.pruned for trial in reported)
    of = f"{len(drawn)} of " if len(drawn) < len(reported) else ""
    caption = (
        f"{of}{counted(len(reported), 'training')} of the search"
        + (", the best among them" if of else "")
        + f". × marks where a training was pruned ({pruned} were), a triangle where one diverged "
        f"or failed, a ring one that still runs.{options.note}"
    )
    if said := beyond_note(data[data["last"].astype(bool)], objective.metric):
        caption += f" {said} A line is cut off there."
    return IntermediateInfo(
        data=data if data["value"].notna().any() else data.iloc[:0],
        caption=caption,
        alt=f"{objective.metric} by epoch of {counted(len(drawn), 'training')}",
        axis=axis,
        arms=tuple(arm or results.study for arm in results.arms),
        options=options,
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
        alt.Tooltip("value:Q", format=number_format(info.axis.metric)),
        alt.Tooltip("outcome:N"),
    ]
    base = alt.Chart(info.data).encode(
        x=whole_axis("epoch", "epoch", info.data["epoch"]),
        tooltip=about,
    )
    lined = base.encode(color=colour(info.arms, shown=set(info.data["arm"])))
    lines = lined.mark_line(clip=True).encode(
        y=info.axis.encoding(alt.Y, "smooth"),
        detail=alt.Detail("trial:N"),
        strokeWidth=alt.condition("datum.outcome === 'completed'", alt.value(1.3), alt.value(0.7)),
    )
    layers = [lines]
    if info.options.smoothing:
        values = lined.mark_line(strokeWidth=0.4, clip=True).encode(detail=alt.Detail("trial:N"))
        layers.insert(0, values.encode(y=info.axis.encoding(alt.Y, "value")))
    ends = base.transform_filter("datum.last && datum.outcome !== 'completed'").mark_point(
        size=44, strokeWidth=1.6, opacity=1
    )
    ends = ends.encode(stroke=paint(info.arms, alt.Stroke))
    outcomes = [str(outcome) for outcome in Outcome if outcome != Outcome.completed]
    shapes = [CROSS if outcome == "pruned" else "triangle-down" for outcome in outcomes]
    shape = alt.Shape(
        "outcome:N",
        scale=alt.Scale(domain=[*outcomes, "running"], range=[*shapes, "circle"]),
        legend=None,
    )
    y = info.axis.encoding(alt.Y, "shown")
    last = base.encode(fill=paint(info.arms)).transform_filter(
        "datum.last && datum.outcome === 'completed'"
    )
    beyond = arrows(last, info.axis) if info.data["beyond"].any() else []
    return alt.layer(*layers, ends.encode(shape=shape, y=y), *beyond).properties(height=360)
