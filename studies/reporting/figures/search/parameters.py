"""Each searched parameter of one arm against the metric."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import altair as alt
import numpy as np
import pandas as pd

from studies.reporting.figures.axes import Axis, MetricAxis, parameter_encoding
from studies.reporting.figures.common import (
    Info,
    Picture,
    counted,
    number_format,
    paint,
    shape,
)
from studies.reporting.figures.points import (
    CROSS,
    Points,
    arrows,
    beyond_note,
    point_notes,
    thinned_small,
    with_room,
)
from studies.statistics.tuning_curves import expected_best_unbiased

FAIR = 3
"""Trials that a bin needs to be compared with others at an equal number."""
BINNED = ["arm", "bin", "low", "high", "middle", "value", "fair", "trials"]


@dataclass(frozen=True)
class SliceInfo(Info):
    """Trials of one arm by the value of one parameter."""

    axis: Axis
    y: MetricAxis
    arms: tuple[str, ...]


def slice_info(points: Points, axis: Axis, arms: Sequence[str]) -> SliceInfo:
    """Every trial that has the parameter; the later, the larger."""
    data = _with_axis(points, axis)
    drawn = thinned_small(data, points.goal)
    drawn = with_room(drawn, [axis.position(place) for place in drawn["parameter"]])
    caption = [
        f"{counted(len(data), 'trial')}, later ones larger.",
        *point_notes(points, len(points.data)),
    ]
    if len(drawn) < len(data):
        caption.insert(1, f"{len(drawn):,} of them are drawn, in equal steps and the best.")
    return SliceInfo(
        data=drawn if drawn["value"].notna().any() else drawn.iloc[:0],
        caption=" ".join(caption),
        alt=f"{points.metric} of {counted(len(data), 'trial')} against {axis.name}",
        axis=axis,
        y=points.axis,
        arms=tuple(arms),
    )


def _with_axis(points: Points, axis: Axis) -> pd.DataFrame:
    """The points that have a place on an axis, with it and its bin."""
    places = [axis.value(trial) for trial in points.trials]
    known = [place is not None for place in places]
    data = points.data[known]
    kept = [place for place in places if place is not None]
    return data.assign(parameter=kept, bin=[axis.bin(place) for place in kept])


def draw_slice(info: SliceInfo) -> Picture:
    """Points; crosses at the edge for what has no value."""
    y = info.y.encoding(alt.Y, "shown")
    base = alt.Chart(info.data).encode(
        x=parameter_encoding(info.axis, alt.X, "parameter"),
        tooltip=[
            alt.Tooltip("trial:N"),
            alt.Tooltip("parameter", title=info.axis.name),
            alt.Tooltip("value:Q", format=number_format(info.y.metric)),
            alt.Tooltip("outcome:N"),
        ],
    )
    done = base.transform_filter("datum.outcome === 'completed' && !datum.beyond").mark_point(
        filled=True, opacity=1
    )
    later = alt.Size("at:Q", scale=alt.Scale(range=[8, 80]), legend=None)
    done = done.encode(fill=paint(info.arms), shape=shape(info.arms), size=later)
    rest = base.transform_filter("datum.outcome !== 'completed'").mark_point(
        shape=CROSS, size=30, opacity=1
    )
    rest = rest.encode(stroke=paint(info.arms, alt.Stroke))
    filled = base.encode(fill=paint(info.arms))
    beyond = arrows(filled, info.y) if info.data["beyond"].any() else []
    return alt.layer(rest.encode(y=y), done.encode(y=y), *beyond).properties(height=260)


@dataclass(frozen=True)
class IsolationInfo(Info):
    """The best that was found in each bin of one parameter, all others being free."""

    axis: Axis
    y: MetricAxis
    arms: tuple[str, ...]
    fair: int
    """Trials of each bin that are compared; 0 where the bins have too few."""


def isolation_info(points: Points, axis: Axis, arms: Sequence[str]) -> IsolationInfo:
    """The best of each bin, and what the best of equally many of its trials is on average."""
    data = _with_axis(points, axis)
    done = data[data["outcome"].eq("completed") & data["value"].notna()]
    groups = {index: done["value"][done["bin"] == index] for index in sorted(set(done["bin"]))}
    sizes = [len(values) for values in groups.values() if len(values) >= FAIR]
    fair = min(sizes) if len(sizes) > 1 else 0
    rows = []
    for index, values in groups.items():
        best = values.max() if points.goal == "maximize" else values.min()
        low, high = (None, None) if axis.labels else axis.edges(index)
        middle = axis.labels[index] if axis.labels else axis.middle(index)
        rows.append(
            {
                "arm": points.data["arm"].iloc[0],
                "bin": axis.bin_text(index),
                "low": low,
                "high": high,
                "middle": middle,
                "value": float(best),
                "fair": _fair(values, fair, points),
                "trials": len(values),
            }
        )
    caption = f"{counted(len(done), 'completed trial')}: the best of each bin."
    if fair:
        caption += (
            f" The thin mark is fairer to bins with few trials: the best of {fair} of a bin's "
            "trials, on average."
        )
    else:
        caption += " Too few trials in most bins to compare the bins at an equal number."
    data = pd.DataFrame(rows, columns=BINNED)
    data = data.join(points.axis.placed(data["value"].astype(float)))
    data = with_room(data, [axis.position(middle) for middle in data["middle"]])
    if said := beyond_note(data, points.metric):
        caption += f" {said}"
    return IsolationInfo(
        data=data,
        caption=caption,
        alt=f"Best {points.metric} in each of {counted(len(rows), 'bin')} of {axis.name}",
        axis=axis,
        y=points.axis,
        arms=tuple(arms),
        fair=fair,
    )


def _fair(values: pd.Series, count: int, points: Points) -> float | None:
    if not count or len(values) < count:
        return None
    return float(expected_best_unbiased(np.asarray(values), count, points.goal)[0])


def draw_isolation(info: IsolationInfo) -> Picture:
    """A step for each bin of a range, a tick for each choice."""
    written = number_format(info.y.metric)
    base = alt.Chart(info.data).encode(
        tooltip=[
            alt.Tooltip("bin:N", title=info.axis.name),
            alt.Tooltip("value:Q", format=written, title="best"),
            alt.Tooltip("fair:Q", format=written, title=f"best of {info.fair}"),
            alt.Tooltip("trials:Q"),
        ],
    )
    coloured = base.encode(color=paint(info.arms, alt.Color))
    layers = []
    for field, width in (("fair", 1.5), ("value", 4.0)):
        y = info.y.encoding(alt.Y, field)
        if info.axis.labels:
            tick = coloured.mark_tick(thickness=width, size=36, opacity=1, clip=True)
            layers.append(tick.encode(x=parameter_encoding(info.axis, alt.X, "middle"), y=y))
        else:
            rule = coloured.mark_rule(strokeWidth=width, clip=True)
            x = parameter_encoding(info.axis, alt.X, "low")
            layers.append(rule.encode(x=x, x2=alt.X2("high:Q"), y=y))
    if info.data["beyond"].any():
        middle = base.encode(
            fill=paint(info.arms), x=parameter_encoding(info.axis, alt.X, "middle")
        )
        layers += arrows(middle, info.y)
    return alt.layer(*layers).properties(height=260)
