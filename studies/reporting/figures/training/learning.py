"""How the winners learn: their learning curves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import altair as alt
import pandas as pd

from studies.analysis.configuration_comparison import goal_for
from studies.analysis.curves import learning_curve
from studies.records import Histories
from studies.reporting.figures.axes import MetricAxis, metric_axis, whole_axis
from studies.reporting.figures.common import (
    Info,
    Picture,
    colour,
    counted,
    dash,
    number_format,
    paint,
    shape,
)
from studies.reporting.figures.curves import (
    PLAIN,
    CurveOptions,
    leaving,
    leaving_marks,
    leaving_note,
    with_smooth,
)
from studies.reporting.figures.training.winners import curve_of, whose_trainings, winner_trainings
from studies.results import StudyResults


@dataclass(frozen=True)
class LearningInfo(Info):
    """A metric after every epoch of the winners' trainings."""

    metric: str
    arms: tuple[str, ...]
    axis: MetricAxis
    """Of the values after the first quarter of the epochs, and of the best."""
    leaving: pd.DataFrame
    """Where medians leave the axis."""
    options: CurveOptions


def learning_info(
    results: StudyResults,
    metric: str,
    histories: Histories,
    shown: Sequence[str],
    options: CurveOptions = PLAIN,
) -> LearningInfo:
    """Median and range over the seeds of each arm in `shown`; `histories` are of other metrics
    than the objective."""
    rows = []
    seeds, late = set(), []
    goal = goal_for(results, metric)
    for arm in shown:
        curve = learning_curve(
            arm, [curve_of(results, t, metric, histories) for t in winner_trainings(results, arm)]
        )
        if curve is None:
            continue
        seeds.add(curve.seeds)
        quarter = 0 if options.outliers else len(curve.epochs) // 4
        best = max(curve.high) if goal == "maximize" else min(curve.low)
        late.append([*curve.low[quarter:], *curve.high[quarter:], best])
        name = arm or results.study
        for epoch, low, middle, high in zip(
            curve.epochs, curve.low, curve.median, curve.high, strict=True
        ):
            rows.append(
                {"arm": name, "epoch": epoch, "median": middle, "low": low, "high": high}
                | {"seeds": curve.seeds}
            )
    few, many = min(seeds, default=0), max(seeds, default=0)
    columns = ["arm", "epoch", "median", "low", "high", "seeds"]
    data = with_smooth(pd.DataFrame(rows, columns=columns), "median", ["arm"], options.smoothing)
    axis = metric_axis(late, metric, goal, outliers=options.outliers)
    left = leaving(data, axis, "median", ["arm"])
    early = "" if options.outliers else "The axis holds all but the first quarter of the epochs."
    return LearningInfo(
        data=data,
        caption=f"{whose_trainings(results, few, many)}: the line is the median, the fine lines "
        "beside it are the lowest and the highest. A line ends where fewer than half of them "
        f"still train. {early}{options.note}{leaving_note(left, metric)}".strip(),
        alt=f"{metric} by epoch of the winners of {counted(len(shown), 'arm')}",
        metric=metric,
        arms=tuple(arm or results.study for arm in results.arms),
        axis=axis,
        leaving=left,
        options=options,
    )


def draw_learning(info: LearningInfo) -> Picture:
    """Lines between fine ones."""
    shown = set(info.data["arm"])
    x, coloured = whole_axis("epoch", "epoch", info.data["epoch"]), colour(info.arms, shown=shown)
    base = alt.Chart(info.data).encode(x=x, color=coloured)
    edges = [
        base.mark_line(strokeWidth=0.7, clip=True).encode(y=info.axis.encoding(alt.Y, edge))
        for edge in ("low", "high")
    ]
    written = number_format(info.axis.metric)
    about = [
        alt.Tooltip("arm:N"),
        alt.Tooltip("epoch:Q"),
        *(alt.Tooltip(f"{name}:Q", format=written) for name in ("median", "low", "high")),
        alt.Tooltip("seeds:Q"),
    ]
    line = base.mark_line(strokeWidth=2.5, clip=True).encode(
        y=info.axis.encoding(alt.Y, "smooth"),
        strokeDash=dash(info.arms, shown=shown),
    )
    points = (
        alt.Chart(info.data)
        .encode(x=x, fill=paint(info.arms))
        .mark_point(size=22, filled=True, opacity=1, clip=True)
        .encode(y=info.axis.encoding(alt.Y, "median"), shape=shape(info.arms), tooltip=about)
    )
    marks = leaving_marks(info.leaving, info.axis, x, paint(info.arms))
    return alt.layer(*edges, line, points, *marks).properties(height=340)
