"""The differences that a verdict rests on, repeat by repeat or seed by seed."""

from __future__ import annotations

from dataclasses import dataclass

import altair as alt
import pandas as pd

from studies.analysis import Comparison
from studies.reporting.figures.common import Info, Picture, counted, finite
from studies.reporting.figures.theme import named
from studies.reporting.paired import differences_caption, differences_label, paired_differences
from studies.sentences import signed
from studies.sentences.claim_words import claim_words
from studies.sentences.effects import signed_spread

PAIRS = 15
"""Pairs that are drawn."""
TALL = 46
"""Pixels for a pair on an axis: its points need room beside its mean."""


@dataclass(frozen=True)
class DifferencesInfo(Info):
    """A row for each difference, with the mean and the interval of its pair."""

    order: tuple[str, ...]
    label: str
    unit: str
    ratios: bool


def differences_info(comparison: Comparison) -> DifferencesInfo:
    """Every pair of arms whose values are paired, in the order of the comparison."""
    found = paired_differences(comparison)
    rows = []
    for each in found[:PAIRS]:
        difference = each.pair.result.difference
        shared = {
            "pair": each.label,
            "mean": each.mean,
            "low": finite(each.low),
            "high": finite(each.high),
            "written": signed(comparison, difference.estimate),
            "interval": signed_spread(comparison, difference),
        }
        points = [{**shared, "unit": unit, "value": value} for unit, value in each.points.items()]
        rows += points or [{**shared, "unit": None, "value": None}]
    words, shown = claim_words(comparison), min(PAIRS, len(found))
    return DifferencesInfo(
        data=pd.DataFrame(rows),
        caption=differences_caption(comparison, shown, len(found)),
        alt=f"Differences in {comparison.metric} of {counted(shown, 'pair')}, by {words.unit}",
        order=tuple(each.label for each in found[:PAIRS]),
        label=differences_label(comparison),
        unit=words.unit,
        ratios=comparison.design.logarithms,
    )


def draw_differences(info: DifferencesInfo) -> Picture:
    """Points, their mean with its interval, and a rule where there is no difference."""
    scale = alt.Scale(type="log", base=2) if info.ratios else alt.Scale(zero=True)
    axis = alt.Axis(title=info.label, format=".4~g", tickCount=6)
    x = alt.X("value:Q", scale=scale, axis=axis)
    rows = alt.Axis(title=None, labelLimit=240, ticks=False, domain=False)
    base = alt.Chart(info.data).encode(y=alt.Y("pair:N", sort=list(info.order), axis=rows))
    about = [
        alt.Tooltip("pair:N"),
        alt.Tooltip("written:N", title="mean (%)" if info.ratios else "mean"),
        alt.Tooltip("interval:N"),
    ]
    none = alt.Chart(pd.DataFrame({"none": [1 if info.ratios else 0]})).mark_rule(
        color=named("neutral")
    )
    points = base.mark_circle(size=30, opacity=1, color=named("neutral")).encode(
        x=x,
        yOffset=alt.YOffset("unit:N", sort=None),
        tooltip=[
            alt.Tooltip("pair:N"),
            alt.Tooltip("unit:N", title=info.unit),
            alt.Tooltip("value:Q", format=".4~g", title=info.label),
        ],
    )
    interval = base.mark_rule(strokeWidth=3, color=named("accent")).encode(
        x=alt.X("low:Q", scale=scale, axis=axis), x2=alt.X2("high:Q"), tooltip=about
    )
    mean = base.mark_circle(size=150, opacity=1, color=named("accent")).encode(
        x=alt.X("mean:Q", scale=scale, axis=axis), tooltip=about
    )
    rule = none.encode(x=alt.X("none:Q", scale=scale, axis=axis))
    chart = alt.layer(rule, points, interval, mean)
    return chart.properties(height=TALL * max(2, len(info.order)) + 70)
