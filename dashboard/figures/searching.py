"""What the search found for its budget, trial by trial and epoch by epoch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import altair as alt
import pandas as pd

from dashboard.figures.common import Info, Picture, colour, counted, dash, number_format, value_axis
from dashboard.figures.points import CROSS, notes, points, thinned
from studies.results import StudyResults
from studies.stats import Goal

Budget = Literal["trials", "epochs"]
FIELDS: dict[Budget, str] = {"trials": "at", "epochs": "epochs"}


@dataclass(frozen=True)
class HistoryInfo(Info):
    """Every trial as it came, and the best value so far."""

    metric: str
    budget: Budget
    arms: tuple[str, ...]
    best: pd.DataFrame
    """Where the best value of an arm changed, and where its search stands: a step curve."""


def history_info(
    results: StudyResults, metric: str, goal: Goal, shown: Sequence[str], budget: Budget = "trials"
) -> HistoryInfo:
    """The search of some arms against what each of them spent."""
    found = points(results, metric, goal, shown)
    running = found.data.groupby("arm", sort=False)["value"]
    best = running.cummax() if goal == "maximize" else running.cummin()
    best = best.groupby(found.data["arm"], sort=False).ffill()
    before = best.groupby(found.data["arm"], sort=False).shift()
    last = ~found.data["arm"].duplicated(keep="last")
    changed = best.notna() & (best.ne(before) | last)
    columns = ["arm", "trial", FIELDS[budget]]
    drawn = thinned(found.data, keep=changed)
    completed = len(found.completed)
    caption = [
        f"{counted(len(found.data), 'trial')} of the search, {completed:,} completed; the line is "
        f"the best so far of each arm against the {budget} that it had spent.",
        *notes(found, len(drawn)),
    ]
    shown_best = best.clip(lower=found.end) if goal == "maximize" else best.clip(upper=found.end)
    steps = found.data.loc[changed, columns].assign(best=best[changed], shown=shown_best[changed])
    return HistoryInfo(
        data=drawn if completed else drawn.iloc[:0],
        caption=" ".join(caption),
        alt=f"{metric} of {counted(len(found.data), 'trial')} against {budget}, best so far",
        metric=metric,
        budget=budget,
        arms=tuple(arm or results.study for arm in results.arms),
        best=steps,
    )


def draw_history(info: HistoryInfo) -> Picture:
    """Points and steps."""
    title = "trials of the arm" if info.budget == "trials" else "epochs that the arm has trained"
    axis = alt.Axis(title=title, tickMinStep=1, grid=False, format=",d")
    x = alt.X(f"{FIELDS[info.budget]}:Q", axis=axis)
    written = number_format(info.metric)
    about: list[str | alt.Tooltip] = [
        "trial:N",
        "arm:N",
        alt.Tooltip("value:Q", format=written),
        "outcome:N",
        alt.Tooltip("at:Q", title="trial of the arm"),
        alt.Tooltip("epochs:Q", title="epochs until then", format=","),
    ]
    y = alt.Y("shown:Q", scale=alt.Scale(zero=False), axis=value_axis(info.metric))
    base = alt.Chart(info.data).encode(x=x, y=y, color=colour(info.arms), tooltip=about)
    done = base.transform_filter("datum.outcome === 'completed'").mark_circle(size=26, opacity=0.45)
    rest = base.transform_filter("datum.outcome !== 'completed'").mark_point(
        shape=CROSS, size=24, opacity=0.6
    )
    line = (
        alt.Chart(info.best)
        .mark_line(interpolate="step-after", strokeWidth=2)
        .encode(
            x=x,
            y=alt.Y("shown:Q", scale=alt.Scale(zero=False), axis=value_axis(info.metric)),
            color=colour(info.arms),
            strokeDash=dash(info.arms),
            tooltip=["arm:N", "trial:N", alt.Tooltip("best:Q", format=written, title="best")],
        )
    )
    return alt.layer(rest, done, line).properties(height=340)
