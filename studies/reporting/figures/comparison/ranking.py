"""The arms, or the configurations found for them, by what was confirmed: means and intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import altair as alt
import pandas as pd

from studies.analysis import ArmResult, Comparison
from studies.reporting.figures.axes import MetricAxis, metric_axis
from studies.reporting.figures.common import (
    Info,
    Picture,
    arm_axis,
    counted,
    finite,
    height,
    number_format,
    paint,
    shape,
)
from studies.reporting.figures.points import (
    arrows_across,
    beyond_note,
    values_by_arm,
    with_room_in_rows,
)
from studies.results import StudyResults
from studies.results.wording import within
from studies.sentences.claim_words import claim_words, dots_caption


@dataclass(frozen=True)
class RankingInfo(Info):
    """Every confirmed value of every arm, the mean and its interval."""

    axis: MetricAxis
    arms: tuple[str, ...]
    """In the order of the file."""
    order: tuple[str, ...]
    """The best first."""
    confirmed: bool
    unit: str
    """What a point is."""


def ranking_info(results: StudyResults, comparison: Comparison) -> RankingInfo:
    """The arms by their confirmed mean; by the best of the search where nothing is confirmed."""
    rows, words, metric = [], claim_words(comparison), comparison.metric
    for arm in comparison.arms:
        low, high = within(metric, arm.mean.low, arm.mean.high)
        shared = {
            "arm": arm.arm or results.study,
            "mean": finite(arm.mean.estimate),
            "low": finite(low) if math.isfinite(arm.mean.low) else None,
            "high": finite(high) if math.isfinite(arm.mean.high) else None,
            "search_best": arm.search_best,
            "failed": arm.failures,
            "lost": len(arm.lost),
        }
        runs = [{**shared, "unit": s, "value": v} for s, v in arm.confirmed.items()]
        rows += runs or [{**shared, "unit": None, "value": None}]
    units = max((len(arm.confirmed) for arm in comparison.arms), default=0)
    order = tuple(arm.arm or results.study for arm in comparison.arms)
    known = [arm for arm in comparison.arms if arm.confirmed or arm.search_best is not None]
    if units:
        caption = (
            f"Small points: {counted(units, words.unit)} for each of "
            f"{counted(len(order), 'arm')}. {dots_caption(comparison.design)}"
        )
    else:
        caption = (
            "Not confirmed on fresh seeds: each diamond is the best trial of its arm, of "
            f"{counted(len(results.search), 'trial')} in all, and better than it would be again."
        )
    means = [arm for arm in comparison.arms if arm.confirmed] or known
    sign = 1 if comparison.goal == "maximize" else -1
    best = max(means, key=lambda arm: _leads(arm, sign)).arm if means else ""
    numbers = ["value", "mean", "low", "high", "search_best"]
    data = pd.DataFrame(rows).astype(dict.fromkeys(numbers, float))
    drawn = data if units else data.assign(value=data["search_best"])
    axis = metric_axis(values_by_arm(drawn), metric, comparison.goal)
    if units:
        axis = _with_intervals(axis, data)
    else:
        axis = replace(axis, title=f"{metric}, best of the search")
    drawn = with_room_in_rows(drawn.join(axis.placed(drawn["value"])), axis, "arm")
    if said := beyond_note(drawn, metric):
        caption += f" {said}"
        caption += " A mean or an interval that lies beyond as well is cut off." if units else ""
    data = data.join(drawn[["shown", "beyond", "number", "to_left"]])
    return RankingInfo(
        data=data if known else data.iloc[:0],
        caption=caption,
        alt=f"{words.ranking}: {comparison.metric} of {counted(len(order), 'arm')}; the best mean "
        f"is that of {best}. {words.about}",
        axis=axis,
        arms=tuple(arm or results.study for arm in results.arms),
        order=order,
        confirmed=units > 0,
        unit=words.unit,
    )


def _with_intervals(axis: MetricAxis, data: pd.DataFrame) -> MetricAxis:
    """The axis with means and intervals, up to its own length beyond it on either side."""
    length = axis.high - axis.low
    ends = data[["mean", "low", "high"]].stack()
    near = ends[ends.between(axis.low - length, axis.high + length)]
    low, high = min([axis.low, *near]), max([axis.high, *near])
    return replace(axis, low=low, high=high)


def _leads(arm: ArmResult, sign: int) -> float:
    return sign * (arm.mean.estimate if arm.confirmed else float(arm.search_best or 0.0))


def draw_ranking(info: RankingInfo) -> Picture:
    """Points, means and intervals."""
    rows = alt.Chart(info.data).encode(y=arm_axis(info.order))
    base = rows.encode(color=paint(info.arms, alt.Color))
    written = number_format(info.axis.metric)
    beyond = (
        arrows_across(rows.encode(fill=paint(info.arms)), info.axis)
        if info.data["beyond"].any()
        else []
    )
    within = base.transform_filter("!datum.beyond")
    if not info.confirmed:
        best = within.mark_point(shape="diamond", size=120, strokeWidth=2, opacity=1).encode(
            x=info.axis.encoding(alt.X, "search_best"),
            tooltip=[alt.Tooltip("arm:N"), alt.Tooltip("search_best:Q", format=written)],
        )
        return alt.layer(best, *beyond).properties(height=height(info.order))
    about = [
        alt.Tooltip("arm:N"),
        alt.Tooltip("mean:Q", format=written),
        alt.Tooltip("low:Q", format=written, title="95 % from"),
        alt.Tooltip("high:Q", format=written, title="to"),
    ]
    runs = within.mark_point(size=26, filled=True, opacity=1).encode(
        x=info.axis.encoding(alt.X, "value"),
        yOffset=alt.YOffset("unit:N", sort=None),
        shape=shape(info.arms),
        tooltip=[
            alt.Tooltip("arm:N"),
            alt.Tooltip("unit:N", title=info.unit),
            alt.Tooltip("value:Q", format=written),
        ],
    )
    interval = base.mark_rule(strokeWidth=3, clip=True).encode(
        x=info.axis.encoding(alt.X, "low"), x2=alt.X2("high:Q"), tooltip=about
    )
    mean = base.mark_point(size=170, filled=True, opacity=1, clip=True).encode(
        x=info.axis.encoding(alt.X, "mean"), shape=shape(info.arms), tooltip=about
    )
    return alt.layer(runs, interval, mean, *beyond).properties(height=height(info.order))
