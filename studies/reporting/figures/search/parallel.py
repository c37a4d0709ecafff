"""All searched parameters of one arm beside each other: a line is a trial."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import pandas as pd

from studies.reporting.figures.axes import Axis
from studies.reporting.figures.common import Info, Picture, counted, number_format
from studies.reporting.figures.points import Points, thinned
from studies.reporting.figures.theme import named
from studies.results import level

GOOD = ("standing_0", "standing_1", "standing_2", "standing_3")
"""From the worst to the best value: from a greyish blue over yellow to red on light pages, to a
light orange on dark ones; the lightness goes one way."""
LINES = 250
ABREAST = 6
"""Axes whose names have room beside each other."""


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
            f"{of}{counted(len(done), 'completed trial')}; a line is a trial, grey blue the worst, "
            "red or orange the best. Parameters searched in log have a logarithmic axis. A line "
            "has a gap where the trial does not have the parameter."
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
    rules = alt.Chart(info.ticks).mark_rule(color=named("neutral")).encode(x=x)
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
    dots = marks.mark_tick(orient="horizontal", color=named("neutral"), size=8, opacity=1)
    return alt.layer(lines, rules, dots, texts).properties(height=360)
