"""The objective of one trial by epoch, small: to recognize its course, not to read values."""

from __future__ import annotations

from dataclasses import dataclass

import altair as alt
import pandas as pd

from studies.records import Trial
from studies.reporting.figures.axes import MetricAxis, metric_axis
from studies.reporting.figures.common import Info, Picture, counted, finite
from studies.reporting.figures.theme import named
from studies.results import StudyResults

HEIGHT = 56


@dataclass(frozen=True)
class SparklineInfo(Info):
    """The objective after every epoch of a trial."""

    axis: MetricAxis


def sparkline_info(results: StudyResults, trial: Trial) -> SparklineInfo:
    """A trial's curve."""
    metric, goal = results.spec.objective.metric, results.spec.objective.goal
    rows = [(epoch, finite(value)) for epoch, value in sorted(trial.curve.items())]
    data = pd.DataFrame(rows, columns=["epoch", "value"]).astype({"value": float})
    return SparklineInfo(
        data=data if data["value"].notna().any() else data.iloc[:0],
        caption="",
        alt=f"{metric} of {trial.key} in {counted(len(data), 'epoch')}",
        axis=metric_axis([list(data["value"].dropna())], metric, goal),
    )


def draw_sparkline(info: SparklineInfo) -> Picture:
    """A line without axes."""
    y = info.axis.encoding(alt.Y, "value")
    y.axis = None
    mark = alt.Chart(info.data).mark_line(
        color=named("accent"), strokeWidth=2, clip=True, point=len(info.data) == 1
    )
    chart: alt.Chart = mark.encode(x=alt.X("epoch:Q", axis=None), y=y).properties(height=HEIGHT)
    return chart
