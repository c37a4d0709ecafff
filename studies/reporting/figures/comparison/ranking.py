"""The arms, or the configurations found for them, by what was confirmed: means and intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass

import altair as alt
import pandas as pd

from studies.analysis import ArmResult, Comparison
from studies.reporting.figures.axes import value_axis
from studies.reporting.figures.common import (
    Info,
    Picture,
    arm_axis,
    colour,
    counted,
    finite,
    height,
    number_format,
)
from studies.results import StudyResults
from studies.results.wording import within
from studies.sentences.claim_words import claim_words, dots_caption


@dataclass(frozen=True)
class RankingInfo(Info):
    """Every confirmed value of every arm, the mean and its interval."""

    metric: str
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
    data = pd.DataFrame(rows).astype({"value": float, "mean": float, "search_best": float})
    return RankingInfo(
        data=data if known else data.iloc[:0],
        caption=caption,
        alt=f"{words.ranking}: {comparison.metric} of {counted(len(order), 'arm')}; the best mean "
        f"is that of {best}. {words.about}",
        metric=comparison.metric,
        arms=tuple(arm or results.study for arm in results.arms),
        order=order,
        confirmed=units > 0,
        unit=words.unit,
    )


def _leads(arm: ArmResult, sign: int) -> float:
    return sign * (arm.mean.estimate if arm.confirmed else float(arm.search_best or 0.0))


def draw_ranking(info: RankingInfo) -> Picture:
    """Points, means and intervals."""
    x = alt.X("value:Q", scale=alt.Scale(zero=False), axis=value_axis(info.metric))
    base = alt.Chart(info.data).encode(
        y=arm_axis(info.order), color=colour(info.arms, legend=False)
    )
    written = number_format(info.metric)
    about = [
        alt.Tooltip("arm:N"),
        alt.Tooltip("mean:Q", format=written),
        alt.Tooltip("low:Q", format=written, title="95 % from"),
        alt.Tooltip("high:Q", format=written, title="to"),
    ]
    if not info.confirmed:
        best = base.mark_point(shape="diamond", size=120, strokeWidth=2).encode(
            x=alt.X(
                "search_best:Q",
                scale=alt.Scale(zero=False),
                axis=value_axis(info.metric, f"{info.metric}, best of the search"),
            ),
            tooltip=[alt.Tooltip("arm:N"), alt.Tooltip("search_best:Q", format=written)],
        )
        return alt.layer(best).properties(height=height(info.order))
    runs = base.mark_circle(size=36, opacity=0.45).encode(
        x=x,
        yOffset=alt.YOffset("unit:N", sort=None),
        tooltip=[
            alt.Tooltip("arm:N"),
            alt.Tooltip("unit:N", title=info.unit),
            alt.Tooltip("value:Q", format=written),
        ],
    )
    interval = base.mark_rule(strokeWidth=3).encode(
        x=alt.X("low:Q"), x2=alt.X2("high:Q"), tooltip=about
    )
    mean = base.mark_circle(size=170, opacity=1).encode(x=alt.X("mean:Q"), tooltip=about)
    return alt.layer(runs, interval, mean).properties(height=height(info.order))
