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
)
from studies.reporting.figures.training.winners import curve_of, whose_trainings, winner_trainings
from studies.results import StudyResults


@dataclass(frozen=True)
class LearningInfo(Info):
    """A metric after every epoch of the winners' trainings."""

    metric: str
    arms: tuple[str, ...]
    axis: MetricAxis
    """Of the values after the first quarter of the epochs."""


def learning_info(
    results: StudyResults, metric: str, histories: Histories, shown: Sequence[str]
) -> LearningInfo:
    """Median and range over the seeds of each arm in `shown`; `histories` are of other metrics
    than the objective."""
    rows = []
    seeds, late = set(), []
    for arm in shown:
        curve = learning_curve(
            arm, [curve_of(results, t, metric, histories) for t in winner_trainings(results, arm)]
        )
        if curve is None:
            continue
        seeds.add(curve.seeds)
        quarter = len(curve.epochs) // 4
        late.append([*curve.low[quarter:], *curve.high[quarter:]])
        name = arm or results.study
        for epoch, low, middle, high in zip(
            curve.epochs, curve.low, curve.median, curve.high, strict=True
        ):
            rows.append(
                {"arm": name, "epoch": epoch, "median": middle, "low": low, "high": high}
                | {"seeds": curve.seeds}
            )
    few, many = min(seeds, default=0), max(seeds, default=0)
    return LearningInfo(
        data=pd.DataFrame(rows),
        caption=f"{whose_trainings(results, few, many)}: the line is the median, the band goes "
        "from the lowest to the highest. A line ends where fewer than half of them still train; "
        "the axis holds all but the first quarter of the epochs.",
        alt=f"{metric} by epoch of the winners of {counted(len(shown), 'arm')}",
        metric=metric,
        arms=tuple(arm or results.study for arm in results.arms),
        axis=metric_axis(late, metric, goal_for(results, metric)),
    )


def draw_learning(info: LearningInfo) -> Picture:
    """Lines with bands."""
    shown = set(info.data["arm"])
    base = alt.Chart(info.data).encode(
        x=whole_axis("epoch", "epoch", info.data["epoch"]),
        color=colour(info.arms, shown=shown),
    )
    written = number_format(info.metric)
    band = base.mark_area(opacity=0.12, clip=True).encode(
        y=info.axis.encoding(alt.Y, "low"), y2=alt.Y2("high:Q")
    )
    points = alt.OverlayMarkDef(size=14, clip=True)
    line = base.mark_line(strokeWidth=2, clip=True, point=points).encode(
        y=info.axis.encoding(alt.Y, "median"),
        strokeDash=dash(info.arms, shown=shown),
        tooltip=[
            alt.Tooltip("arm:N"),
            alt.Tooltip("epoch:Q"),
            *(alt.Tooltip(f"{name}:Q", format=written) for name in ("median", "low", "high")),
            alt.Tooltip("seeds:Q"),
        ],
    )
    return alt.layer(band, line).properties(height=320)
