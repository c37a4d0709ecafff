"""What tuning brought to each arm: from the defaults over the search to what was confirmed."""

from __future__ import annotations

from dataclasses import dataclass

import altair as alt
import pandas as pd

from studies.analysis import Comparison
from studies.reporting.figures.axes import MetricAxis, metric_axis
from studies.reporting.figures.common import (
    Info,
    Picture,
    arm_axis,
    finite,
    height,
    number_format,
    paint,
)
from studies.reporting.figures.points import (
    arrows_across,
    beyond_note,
    values_by_arm,
    with_room_in_rows,
)
from studies.reporting.figures.theme import named
from studies.results import StudyResults, amount
from studies.results.wording import unit

SHAPES = ("cross", "diamond", "circle")


@dataclass(frozen=True)
class GainsInfo(Info):
    """What tuning brought to each arm, and how much of it was luck."""

    axis: MetricAxis
    arms: tuple[str, ...]
    order: tuple[str, ...]
    kinds: tuple[str, ...]


def gain_kinds(comparison: Comparison) -> tuple[str, ...]:
    """What an arm has a mark for."""
    return "defaults", "found", "tested" if comparison.design.part == "test" else "confirmed"


def gains_info(results: StudyResults, comparison: Comparison) -> GainsInfo:
    """Per arm: the defaults, the chosen trial of the search, the mean of what was confirmed."""
    design = comparison.design
    tested, several = design.part == "test", design.planned > 1
    kinds = gain_kinds(comparison)
    rows = [
        {"arm": arm.arm or results.study, "kind": kind, "value": value}
        for arm in comparison.arms
        for kind, value in zip(
            kinds, (arm.default, arm.search_best, finite(arm.mean.estimate)), strict=True
        )
        if value is not None
    ]
    optimism = [arm.selection_bias for arm in comparison.arms if arm.selection_bias is not None]
    caption = (
        "Defaults: the components' own ones, moved into the ranges. Found: the best trial of "
        "the search. "
    )
    caption += "Tested: the winners on the test part. " if tested else "Confirmed: on fresh seeds. "
    if several:
        caption += "All are means over the searches. "
    if tested:
        caption += "Defaults and found are of the validation part, tested of other rows. "
    if optimism:
        mean = sum(optimism) / len(optimism)
        caption += (
            f"What the search found looked {'better' if mean >= 0 else 'worse'} than it was "
            f"on fresh seeds{' of the same part' if tested else ''} by "
            f"{amount(comparison.metric, abs(mean))} {unit(comparison.metric)} on average"
            + (": selection bias (optimism)." if mean >= 0 else ".")
        )
    else:
        caption += "Without fresh seeds nobody knows how much of the search's best is luck."
    metric = comparison.metric.rpartition("/")[2] if tested else comparison.metric
    data = pd.DataFrame(rows, columns=["arm", "kind", "value"]).astype({"value": float})
    axis = metric_axis(values_by_arm(data), metric, comparison.goal)
    data = with_room_in_rows(data.join(axis.placed(data["value"])), axis, "arm")
    if said := beyond_note(data, metric):
        caption += f" {said}"
    return GainsInfo(
        data=data,
        caption=caption,
        alt=f"{comparison.metric} of each arm: {', '.join(kinds)}",
        axis=axis,
        arms=tuple(arm or results.study for arm in results.arms),
        order=tuple(arm.arm or results.study for arm in comparison.arms),
        kinds=kinds,
    )


def draw_gains(info: GainsInfo) -> Picture:
    """One row for each arm, three marks on it."""
    base = alt.Chart(info.data).encode(y=arm_axis(info.order))
    coloured = base.encode(color=paint(info.arms, alt.Color))
    x = info.axis.encoding(alt.X, "value")
    way = coloured.mark_line(strokeWidth=1, clip=True).encode(x=x, detail=alt.Detail("arm:N"))
    there = coloured.transform_filter("!datum.beyond")
    marks = there.mark_point(size=110, filled=True, opacity=1).encode(
        x=x,
        shape=alt.Shape(
            "kind:N",
            scale=alt.Scale(domain=list(info.kinds), range=list(SHAPES)),
            legend=alt.Legend(
                title=None,
                orient="top",
                symbolFillColor=named("neutral"),
                symbolStrokeColor=named("neutral"),
            ),
        ),
        tooltip=[
            alt.Tooltip("arm:N"),
            alt.Tooltip("kind:N"),
            alt.Tooltip("value:Q", format=number_format(info.axis.metric)),
        ],
    )
    beyond = (
        arrows_across(base.encode(fill=paint(info.arms)), info.axis)
        if info.data["beyond"].any()
        else []
    )
    return alt.layer(way, marks, *beyond).properties(height=height(info.order, legend=True))
