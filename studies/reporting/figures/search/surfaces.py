"""Two parameters of one arm at once: every trial, and the middle value of each cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import pandas as pd

from studies.reporting.figures.axes import Axis, parameter_encoding
from studies.reporting.figures.common import Info, Picture, counted, number_format
from studies.reporting.figures.points import CROSS, Points, thinned_small
from studies.reporting.figures.search.parallel import GOOD
from studies.reporting.figures.theme import named

SPARSE = 3
"""Completed trials below which a cell stays empty."""


@dataclass(frozen=True)
class SurfaceInfo(Info):
    """Trials over two axes; cells where there are enough of them."""

    x: Axis
    y: Axis
    metric: str
    cells: pd.DataFrame
    domain: tuple[float, float]
    """The worst and the best value of the colours."""


def surface_info(points: Points, x: Axis, y: Axis) -> SurfaceInfo:
    """The trials that have both parameters."""
    places = [(x.value(trial), y.value(trial)) for trial in points.trials]
    known = [across is not None and up is not None for across, up in places]
    kept = [(across, up) for across, up in places if across is not None and up is not None]
    data = points.data.loc[known, ["trial", "value", "shown", "outcome"]].assign(
        x=[across for across, _ in kept],
        y=[up for _, up in kept],
        cell=[x.bin(across) * y.bins + y.bin(up) for across, up in kept],
    )
    done = data[data["value"].notna()]
    counts = done["cell"].value_counts()
    cells = [
        _cell(x, y, index, done["shown"][done["cell"] == index])
        for index in sorted(counts.index[counts >= SPARSE].tolist())
    ]
    worst, best = (
        (done["shown"].min(), done["shown"].max())
        if points.goal == "maximize"
        else (done["shown"].max(), done["shown"].min())
    )
    met, whole = done["cell"].nunique(), x.bins * y.bins
    drawn = thinned_small(data, points.goal)
    of = f"{len(drawn):,} of " if len(drawn) < len(data) else ""
    among = ", the best among them," if of else ""
    return SurfaceInfo(
        data=drawn.drop(columns="cell") if len(done) else drawn.iloc[:0],
        caption=(
            f"{of}{counted(len(data), 'trial')}{among} over {whole} cells: {met} hold a "
            f"completed trial; those with at least {SPARSE}, {len(cells)}, are filled with "
            "their median. "
            "Where a cell is empty, nobody looked or too few completed. × did not complete."
        ),
        alt=f"{points.metric} over {x.name} and {y.name}, {counted(len(data), 'trial')}",
        x=x,
        y=y,
        metric=points.metric,
        cells=pd.DataFrame(cells, columns=CELL),
        domain=(float(worst), float(best)),
    )


CELL = ["x", "x_high", "y", "y_high", "median", "trials"]


def _cell(x: Axis, y: Axis, index: int, values: pd.Series) -> Sequence[Any]:
    across, up = (
        (axis.labels[at], None) if axis.labels else axis.edges(at)
        for axis, at in ((x, index // y.bins), (y, index % y.bins))
    )
    return [*across, *up, float(values.median()), len(values)]


def draw_surface(info: SurfaceInfo) -> Picture:
    """Cells under points with an edge, in the same colours."""
    scale = alt.Scale(
        domain=list(info.domain), range=[named(GOOD[0]), named(GOOD[-1])], interpolate="lab"
    )
    written = number_format(info.metric)
    legend = alt.Legend(title=info.metric, format=written, orient="right")
    x, y = parameter_encoding(info.x, alt.X, "x"), parameter_encoding(info.y, alt.Y, "y")
    about: list[str | alt.Tooltip] = [
        alt.Tooltip("median:Q", format=written, title="median of the cell"),
        alt.Tooltip("trials:Q", title="completed trials"),
    ]
    cells = (
        alt.Chart(info.cells)
        .mark_rect()
        .encode(x=x, y=y, color=alt.Color("median:Q", scale=scale, legend=legend), tooltip=about)
    )
    if not info.x.labels:
        cells = cells.encode(x2=alt.X2("x_high:Q"))
    if not info.y.labels:
        cells = cells.encode(y2=alt.Y2("y_high:Q"))
    base = alt.Chart(info.data).encode(
        x=x,
        y=y,
        tooltip=[
            alt.Tooltip("trial:N"),
            alt.Tooltip("x", title=info.x.name),
            alt.Tooltip("y", title=info.y.name),
            alt.Tooltip("value:Q", format=written, title=info.metric),
            alt.Tooltip("outcome:N"),
        ],
    )
    done = base.transform_filter("isValid(datum.value)").mark_circle(
        size=46, opacity=1, stroke=named("point_edge"), strokeWidth=1.2
    )
    rest = base.transform_filter("!isValid(datum.value)").mark_point(
        shape=CROSS, size=28, opacity=1, color=named("neutral")
    )
    marks = done.encode(color=alt.Color("shown:Q", scale=scale, legend=legend))
    return alt.layer(cells, rest, marks).properties(height=400)
