"""The searched parameters of one arm: all beside each other, and each against the metric."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from studies.reporting.figures.axes import Axis, parameter_encoding
from studies.reporting.figures.common import Info, Picture, counted, number_format, value_axis
from studies.reporting.figures.points import CROSS, Points, point_notes, thinned, thinned_small
from studies.reporting.figures.theme import arm_colours, named
from studies.results import level
from studies.statistics.tuning_curves import expected_best_unbiased

GOOD = ("standing_0", "standing_1", "standing_2", "standing_3")
"""From the worst to the best value: pale blue to vermilion, on light and dark pages."""
LINES = 250
ABREAST = 6
"""Axes whose names have room beside each other."""
FAIR = 3
"""Trials that a bin needs to be compared with others at an equal number."""


@dataclass(frozen=True)
class ParallelInfo(Info):
    """Completed trials as lines over all parameters, each on its own scale from 0 to 1."""

    metric: str
    axes: tuple[str, ...]
    """In order; the metric is the last one."""
    ticks: pd.DataFrame
    """What the ends of every axis, or its choices, mean."""


def parallel_info(points: Points, axes: Sequence[Axis]) -> ParallelInfo:
    """The best trials of one arm in front of a selection of the others."""
    done = points.completed
    standing = done["value"].rank(ascending=points.goal == "maximize", pct=True)
    best = standing > standing.nlargest(LINES // 3).min() if len(done) > LINES else standing > 0
    chosen = thinned(done.assign(standing=standing), LINES, best)
    names = [*(axis.name for axis in axes), points.metric]
    low, high = _ends(chosen["shown"])
    rows: list[dict[Any, Any]] = []
    ordered = chosen.sort_values("standing")
    for index, value_shown, shared in zip(
        ordered.index,
        ordered["shown"].tolist(),
        ordered[["trial", "value", "standing"]].to_dict("records"),
        strict=True,
    ):
        places = [(axis, axis.value(points.trials[index])) for axis in axes]
        rows += [
            shared | {"axis": axis.name, "position": axis.position(value), "written": _text(value)}
            for axis, value in places
            if value is not None
        ]
        end = (value_shown - low) / (high - low)
        written = level(points.metric, float(shared["value"]))
        rows.append(shared | {"axis": points.metric, "position": end, "written": written})
    ticks = [tick for axis in axes for tick in _ticks(axis)]
    ticks += [
        (points.metric, place, level(points.metric, low + (high - low) * place))
        for place in (0.0, 0.5, 1.0)
    ]
    of = f"{len(chosen):,} of " if len(chosen) < len(done) else ""
    return ParallelInfo(
        data=pd.DataFrame(rows),
        caption=(
            f"{of}{counted(len(done), 'completed trial')}; a line is a trial, vermilion the best, "
            "pale blue the worst. Parameters searched in log have a logarithmic axis. A line has "
            "a gap where the trial does not have the parameter."
        ),
        alt=f"Parallel coordinates of {counted(len(axes), 'parameter')} and {points.metric}",
        metric=points.metric,
        axes=tuple(names),
        ticks=pd.DataFrame(ticks, columns=["axis", "position", "written"]),
    )


def _ends(values: pd.Series) -> tuple[float, float]:
    low, high = (values.min(), values.max()) if len(values) else (0.0, 1.0)
    return (float(low), float(high)) if low < high else (float(low) - 0.5, float(low) + 0.5)


def _text(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.4g}"


def _ticks(axis: Axis) -> list[tuple[str, float, str]]:
    if axis.labels:
        return [(axis.name, axis.position(label), label) for label in axis.labels]
    middle = axis.edges(axis.bins // 2)[0] if axis.bins == 8 else (axis.low + axis.high) / 2
    return [(axis.name, axis.position(v), f"{v:.3g}") for v in (axis.low, middle, axis.high)]


def draw_parallel(info: ParallelInfo) -> Picture:
    """Lines over vertical rules."""
    order = list(info.axes)
    angle = 0 if len(order) <= ABREAST else -20
    shown = alt.Axis(title=None, labelAngle=angle, labelLimit=190, ticks=False, domain=False)
    x = alt.X("axis:N", sort=order, axis=shown, scale=alt.Scale(type="point", padding=0.35))
    y = alt.Y("position:Q", axis=None, scale=alt.Scale(domain=[-0.03, 1.03]))
    rules = alt.Chart(info.ticks).mark_rule(color=named("neutral"), opacity=0.6).encode(x=x)
    lines = (
        alt.Chart(info.data)
        .mark_line(strokeWidth=1.2)
        .encode(
            x=x,
            y=y,
            detail=alt.Detail("trial:N"),
            color=alt.Color(
                "standing:Q",
                scale=alt.Scale(range=[named(colour) for colour in GOOD], domain=[0, 1]),
                legend=None,
            ),
            opacity=alt.Opacity(
                "standing:Q", scale=alt.Scale(domain=[0, 1], range=[0.35, 0.95]), legend=None
            ),
            tooltip=[
                alt.Tooltip("trial:N"),
                alt.Tooltip("value:Q", format=number_format(info.metric), title=info.metric),
                alt.Tooltip("axis:N", title="parameter"),
                alt.Tooltip("written:N", title="is"),
            ],
        )
    )
    marks = alt.Chart(info.ticks).encode(x=x, y=y)
    texts = marks.mark_text(align="left", dx=5, fontSize=11, color=named("neutral")).encode(
        text=alt.Text("written:N")
    )
    dots = marks.mark_tick(orient="horizontal", color=named("neutral"), size=8)
    return alt.layer(lines, rules, dots, texts).properties(height=360)


@dataclass(frozen=True)
class SliceInfo(Info):
    """Trials of one arm by the value of one parameter."""

    axis: Axis
    metric: str
    colour: alt.ExprRef


def slice_info(points: Points, axis: Axis, arms: Sequence[str]) -> SliceInfo:
    """Every trial that has the parameter; the later, the stronger."""
    data = _with_axis(points, axis)
    drawn = thinned_small(data, points.goal)
    caption = [
        f"{counted(len(data), 'trial')}, later ones stronger.",
        *point_notes(points, len(points.data)),
    ]
    if len(drawn) < len(data):
        caption.insert(1, f"{len(drawn):,} of them are drawn, in equal steps and the best.")
    return SliceInfo(
        data=drawn if drawn["value"].notna().any() else drawn.iloc[:0],
        caption=" ".join(caption),
        alt=f"{points.metric} of {counted(len(data), 'trial')} against {axis.name}",
        axis=axis,
        metric=points.metric,
        colour=_colour(points, arms),
    )


def _with_axis(points: Points, axis: Axis) -> pd.DataFrame:
    """The points that have a place on an axis, with it and its bin."""
    places = [axis.value(trial) for trial in points.trials]
    known = [place is not None for place in places]
    data = points.data[known]
    kept = [place for place in places if place is not None]
    return data.assign(parameter=kept, bin=[axis.bin(place) for place in kept])


def _colour(points: Points, arms: Sequence[str]) -> alt.ExprRef:
    """The colour of the arm that all points are of."""
    name = points.data["arm"].iloc[0] if len(points.data) else ""
    return dict(zip(arms, arm_colours(arms), strict=True)).get(name, named("arm_0"))


def draw_slice(info: SliceInfo) -> Picture:
    """Points; crosses at the edge for what has no value."""
    y = alt.Y("shown:Q", scale=alt.Scale(zero=False), axis=value_axis(info.metric))
    base = alt.Chart(info.data).encode(
        x=parameter_encoding(info.axis, alt.X, "parameter"),
        y=y,
        opacity=alt.Opacity("at:Q", scale=alt.Scale(range=[0.15, 0.85]), legend=None),
        tooltip=[
            alt.Tooltip("trial:N"),
            alt.Tooltip("parameter", title=info.axis.name),
            alt.Tooltip("value:Q", format=number_format(info.metric)),
            alt.Tooltip("outcome:N"),
        ],
    )
    done = base.transform_filter("datum.outcome === 'completed'").mark_circle(
        size=36, color=info.colour
    )
    rest = base.transform_filter("datum.outcome !== 'completed'").mark_point(
        shape=CROSS, size=30, color=info.colour
    )
    return alt.layer(rest, done).properties(height=240)


@dataclass(frozen=True)
class IsolationInfo(Info):
    """The best that was found in each bin of one parameter, all others being free."""

    axis: Axis
    metric: str
    colour: alt.ExprRef
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
        rows.append(
            {
                "bin": axis.bin_text(index),
                "low": low,
                "high": high,
                "best": float(best),
                "fair": _fair(values, fair, points),
                "trials": len(values),
            }
        )
    caption = f"{counted(len(done), 'completed trial')}: the best of each bin."
    if fair:
        caption += (
            f" The paler mark is fairer to bins with few trials: the best of {fair} of a bin's "
            "trials, on average."
        )
    else:
        caption += " Too few trials in most bins to compare the bins at an equal number."
    return IsolationInfo(
        data=pd.DataFrame(rows),
        caption=caption,
        alt=f"Best {points.metric} in each of {counted(len(rows), 'bin')} of {axis.name}",
        axis=axis,
        metric=points.metric,
        colour=_colour(points, arms),
        fair=fair,
    )


def _fair(values: pd.Series, count: int, points: Points) -> float | None:
    if not count or len(values) < count:
        return None
    return float(expected_best_unbiased(np.asarray(values), count, points.goal)[0])


def draw_isolation(info: IsolationInfo) -> Picture:
    """A step for each bin of a range, a tick for each choice."""
    written = number_format(info.metric)
    base = alt.Chart(info.data).encode(
        tooltip=[
            alt.Tooltip("bin:N", title=info.axis.name),
            alt.Tooltip("best:Q", format=written),
            alt.Tooltip("fair:Q", format=written, title=f"best of {info.fair}"),
            alt.Tooltip("trials:Q"),
        ]
    )
    layers = []
    for field, size, opacity in (("fair", 4, 0.4), ("best", 4, 1.0)):
        y = alt.Y(f"{field}:Q", scale=alt.Scale(zero=False), axis=value_axis(info.metric))
        if info.axis.labels:
            mark = base.mark_tick(thickness=size, color=info.colour, opacity=opacity, size=36)
            layers.append(mark.encode(x=parameter_encoding(info.axis, alt.X, "bin"), y=y))
        else:
            mark = base.mark_rule(strokeWidth=size, color=info.colour, opacity=opacity)
            layers.append(
                mark.encode(x=parameter_encoding(info.axis, alt.X, "low"), x2=alt.X2("high:Q"), y=y)
            )
    return alt.layer(*layers).properties(height=240)
