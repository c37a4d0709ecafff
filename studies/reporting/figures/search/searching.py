"""What the search found for its budget, trial by trial and epoch by epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import altair as alt
import pandas as pd

from studies.analysis import Curves
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
from studies.reporting.figures.curves import leaving, leaving_marks, leaving_note
from studies.reporting.figures.points import (
    CROSS,
    along,
    arrows,
    point_notes,
    thinned,
    trial_points,
    with_room,
)
from studies.results import StudyResults, plural
from studies.statistics import Goal

Budget = Literal["trials", "epochs"]
MEDIAN = "median"
FIELDS: dict[Budget, str] = {"trials": "at", "epochs": "epochs"}


@dataclass(frozen=True)
class HistoryInfo(Info):
    """Every trial as it came, and the best value so far."""

    axis: MetricAxis
    budget: Budget
    arms: tuple[str, ...]
    best: pd.DataFrame
    """Where the best value of an arm changed, and where its search stands: a step curve."""


def history_info(
    results: StudyResults,
    metric: str,
    goal: Goal,
    shown: Sequence[str],
    budget: Budget = "trials",
    *,
    log_metric: bool = False,
) -> HistoryInfo:
    """The search of some arms against what each of them spent."""
    points = trial_points(results, metric, goal, shown, log_metric=log_metric)
    running = points.data.groupby("arm", sort=False)["value"]
    best = running.cummax() if goal == "maximize" else running.cummin()
    best = best.groupby(points.data["arm"], sort=False).ffill()
    before = best.groupby(points.data["arm"], sort=False).shift()
    last = ~points.data["arm"].duplicated(keep="last")
    changed = best.notna() & (best.ne(before) | last)
    columns = ["arm", "trial", FIELDS[budget]]
    drawn = thinned(points.data, keep=changed)
    drawn = with_room(drawn, along(drawn[FIELDS[budget]]))
    completed = len(points.completed)
    caption = [
        f"{counted(len(points.data), 'trial')} of the search, {completed:,} completed; the line is "
        f"the best so far of each arm against the {budget} that it had spent.",
        *point_notes(points, len(drawn)),
    ]
    steps = points.data.loc[changed, columns].assign(best=best[changed])
    steps = steps.rename(columns={"trial": "found by"})  # the line through them is not one trial
    return HistoryInfo(
        data=drawn if completed else drawn.iloc[:0],
        caption=" ".join(caption),
        alt=f"{metric} of {counted(len(points.data), 'trial')} against {budget}, best so far",
        axis=points.axis,
        budget=budget,
        arms=tuple(arm or results.study for arm in results.arms),
        best=steps,
    )


def draw_history(info: HistoryInfo) -> Picture:
    """Points and steps."""
    title = "trials of the search" if info.budget == "trials" else "epochs of the search"
    field = FIELDS[info.budget]
    x = whole_axis(field, title, info.data[field])
    written = number_format(info.axis.metric)
    about: list[str | alt.Tooltip] = [
        alt.Tooltip("trial:N"),
        alt.Tooltip("arm:N"),
        alt.Tooltip("value:Q", format=written),
        alt.Tooltip("outcome:N"),
        alt.Tooltip("at:Q", title="trial of the search"),
        alt.Tooltip("epochs:Q", title="epochs until then", format=","),
    ]
    y, shown = info.axis.encoding(alt.Y, "shown"), set(info.data["arm"])
    base = alt.Chart(info.data).encode(x=x, tooltip=about)
    done = base.transform_filter("datum.outcome === 'completed' && !datum.beyond").mark_point(
        size=22, filled=True, opacity=1
    )
    done = done.encode(fill=paint(info.arms), shape=shape(info.arms))
    rest = base.transform_filter("datum.outcome !== 'completed'").mark_point(
        shape=CROSS, size=24, opacity=1
    )
    rest = rest.encode(stroke=paint(info.arms, alt.Stroke))
    line = (
        alt.Chart(info.best)
        .mark_line(interpolate="step-after", strokeWidth=2, clip=True)
        .encode(
            x=x,
            y=info.axis.encoding(alt.Y, "best"),
            color=colour(info.arms, shown=shown),
            strokeDash=dash(info.arms, shown=shown),
            tooltip=[
                alt.Tooltip("arm:N"),
                alt.Tooltip("found by:N"),
                alt.Tooltip("best:Q", format=written, title="best"),
            ],
        )
    )
    beyond = (
        arrows(base.encode(fill=paint(info.arms)), info.axis) if info.data["beyond"].any() else []
    )
    return alt.layer(rest.encode(y=y), done.encode(y=y), line, *beyond).properties(height=340)


@dataclass(frozen=True)
class SearchesInfo(Info):
    """The best value so far of every search, and the median of the searches of each arm."""

    axis: MetricAxis
    arms: tuple[str, ...]
    leaving: pd.DataFrame
    """Where medians leave the axis."""


def searches_info(results: StudyResults, curves: Curves, shown: Sequence[str]) -> SearchesInfo:
    """All searches of some arms by the number of their trials; of the objective."""
    found = [each for each in curves.searches if each.arm in shown]
    lines = [
        (each.arm or results.study, name, steps)
        for each in found
        for name, steps in [
            *((f"search {repeat}", steps) for repeat, steps in each.searches.items()),
            (MEDIAN, each.median),
        ]
    ]
    rows = [
        {"arm": arm, "search": name, "trials": number, "best": best}
        for arm, name, steps in lines
        for number, best in steps.items()
    ]
    count = max((len(each.searches) for each in found), default=0)
    metric, goal = results.spec.objective.metric, results.spec.objective.goal
    late = [[v for steps in each.searches.values() for v in _late(steps)] for each in found]
    axis = metric_axis(late, metric, goal)
    data = pd.DataFrame(rows, columns=["arm", "search", "trials", "best"]).astype({"best": float})
    left = leaving(data[data["search"] == MEDIAN], axis, "best", ["arm"], "trials")
    return SearchesInfo(
        data=data,
        caption=f"The best {metric} after so many trials, in the order in which they ended. Thin: "
        f"{plural(count, 'search', 'searches')} of each arm, each on validation "
        "of its own split. Thick: their median. These values chose the winners, so they look "
        "better than the winners are; the axis holds all but those of the first quarter "
        f"of the trials.{leaving_note(left, metric)}",
        alt=f"Best {metric} so far of every search of {counted(len(found), 'arm')}",
        axis=axis,
        arms=tuple(arm or results.study for arm in results.arms),
        leaving=left,
    )


def _late(steps: Mapping[int, float]) -> list[float]:
    """The best values after the first quarter of a search: the first ones may lie outside."""
    return list(steps.values())[len(steps) // 4 :]


def draw_searches(info: SearchesInfo) -> Picture:
    """Thin steps and thick ones."""
    shown = set(info.data["arm"])
    x = whole_axis("trials", "trials of a search", info.data["trials"])
    coloured = colour(info.arms, shown=shown)
    base = alt.Chart(info.data).encode(
        x=x,
        y=info.axis.encoding(alt.Y, "best"),
        color=coloured,
        tooltip=[
            alt.Tooltip("arm:N"),
            alt.Tooltip("search:N"),
            alt.Tooltip("trials:Q"),
            alt.Tooltip("best:Q", format=number_format(info.axis.metric)),
        ],
    )
    thin = base.transform_filter(f"datum.search !== '{MEDIAN}'").mark_line(
        interpolate="step-after", strokeWidth=0.6, clip=True
    )
    thick = base.transform_filter(f"datum.search === '{MEDIAN}'").mark_line(
        interpolate="step-after", strokeWidth=3, clip=True
    )
    return alt.layer(
        thin.encode(detail=alt.Detail("search:N")),
        thick.encode(strokeDash=dash(info.arms, shown=shown)),
        *leaving_marks(info.leaving, info.axis, x, paint(info.arms)),
    ).properties(height=320)
