"""What a search of so many trials may be expected to find, and which parameters decided it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import altair as alt
import numpy as np
import pandas as pd

from studies.analysis import ArmTuning
from studies.analysis.importance import Importances
from studies.reporting.figures.axes import MetricAxis, metric_axis, whole_axis
from studies.reporting.figures.common import (
    Info,
    Picture,
    colour,
    counted,
    dash,
    number_format,
    paint,
)
from studies.reporting.figures.curves import leaving, leaving_marks, leaving_note
from studies.reporting.figures.theme import named
from studies.results import StudyResults

POINTS = 120
"""Points of a curve; of more trials, so many in equal ratios."""


@dataclass(frozen=True)
class TuningInfo(Info):
    """The median best value of n random trials with its band."""

    axis: MetricAxis
    arms: tuple[str, ...]
    leaving: pd.DataFrame
    """Where medians leave the axis."""


def tuning_info(
    results: StudyResults, curves: Sequence[ArmTuning], shown: Sequence[str]
) -> TuningInfo:
    """The curve of one search of every arm; empty where the trials are no independent draws."""
    objective = results.spec.objective
    tuning = [curve for curve in curves if curve.arm in shown]
    rows = [row for curve in tuning for row in _rows(curve, curve.arm or results.study)]
    count = sum(curve.trials for curve in tuning)
    confidence = next((curve.curve.confidence for curve in tuning), 0.0)
    until = sorted({curve.curve.valid_until for curve in tuning})
    reach = " to ".join(str(n) for n in dict.fromkeys((until[0], until[-1]))) if until else ""
    data = pd.DataFrame(rows, columns=["arm", "trials", "median", "low", "high", "known"])
    axis = metric_axis([_known(curve) for curve in tuning], objective.metric, objective.goal)
    left = leaving(data, axis, "median", ["arm"], "trials")
    return TuningInfo(
        data=data,
        caption=(
            f"{counted(count, 'random trial')}: the median of the best of n, in a band of fine "
            f"lines that holds for all n with {confidence:.0%} confidence. Thick up to n = "
            f"{reach}, by arm; thinner where the good side of the band is beyond everything seen. "
            "A failed trial counts as worse than any value; the defaults are left out."
            f"{leaving_note(left, objective.metric)}"
        ),
        alt=f"Best {objective.metric} of n random trials, {counted(count, 'trial')}",
        axis=axis,
        arms=tuple(arm or results.study for arm in results.arms),
        leaving=left,
    )


def _known(found: ArmTuning) -> list[float]:
    """What the axis holds: every median, and the band where it is known."""
    curve, until = found.curve, found.curve.valid_until
    return [float(value) for value in (*curve.median, *curve.low[:until], *curve.high[:until])]


def _rows(found: ArmTuning, name: str) -> Iterator[tuple[str, int, float, float, float, bool]]:
    """Infinite ends of a band are left out: nothing is known there."""
    curve, count = found.curve, len(found.curve.ns)
    for i in np.unique(np.geomspace(1, count, min(count, POINTS)).round().astype(int)) - 1:
        middle, low, high = (
            float(side[i]) if np.isfinite(side[i]) else math.nan
            for side in (curve.median, curve.low, curve.high)
        )
        yield name, int(curve.ns[i]), middle, low, high, bool(curve.ns[i] <= curve.valid_until)


def draw_tuning(info: TuningInfo) -> Picture:
    """Lines with bands."""
    written = number_format(info.axis.metric)
    about: list[str | alt.Tooltip] = [
        alt.Tooltip("arm:N"),
        alt.Tooltip("trials:Q"),
        alt.Tooltip("median:Q", format=written),
        alt.Tooltip("low:Q", format=written),
        alt.Tooltip("high:Q", format=written),
    ]
    shown = set(info.data["arm"])
    x = whole_axis("trials", "random trials (n)", info.data["trials"])
    coloured = colour(info.arms, shown=shown)
    base = alt.Chart(info.data).encode(x=x, color=coloured, tooltip=about)
    edges = [
        base.mark_line(strokeWidth=0.7, clip=True).encode(y=info.axis.encoding(alt.Y, edge))
        for edge in ("low", "high")
    ]
    median = base.encode(
        y=info.axis.encoding(alt.Y, "median"), strokeDash=dash(info.arms, shown=shown)
    )
    known = median.transform_filter("datum.known").mark_line(strokeWidth=3, clip=True)
    guessed = median.mark_line(strokeWidth=1.5, clip=True)
    marks = leaving_marks(info.leaving, info.axis, x, paint(info.arms))
    return alt.layer(*edges, guessed, known, *marks).properties(height=330)


@dataclass(frozen=True)
class ImportanceInfo(Info):
    """Every parameter's share, and what chance reaches."""


def importance_info(found: Importances, searches: int = 1) -> ImportanceInfo:
    """A row for each parameter of an arm; of several searches every trial counts by its rank in
    its own one."""
    rows = [
        (row.parameter, row.share, row.by_chance, row.share > row.by_chance)
        for row in found.parameters
    ]
    clear = [row.parameter for row in found.parameters if row.share > row.by_chance]
    said = f"clearer than chance: {', '.join(clear)}" if clear else "none is clearer than chance"
    return ImportanceInfo(
        data=pd.DataFrame(rows, columns=["parameter", "share", "by_chance", "clear"]),
        caption=(
            f"How differently each parameter's values are spread among the best tenth of "
            f"{counted(found.trials, 'completed training')} of this arm (PED-ANOVA). The tick is "
            "what a parameter without any effect reaches once in 20 times; grey bars stay below it."
            + (f" All {searches} searches; a trial counts by its rank in its own." * (searches > 1))
        ),
        alt=f"Importance of {counted(len(rows), 'parameter')}; {said}",
    )


def draw_importance(info: ImportanceInfo) -> Picture:
    """A bar for each parameter and a tick for chance."""
    order = list(info.data["parameter"])
    axis = alt.Axis(title=None, labelLimit=260, ticks=False, domain=False)
    base = alt.Chart(info.data).encode(
        y=alt.Y("parameter:N", sort=order, axis=axis),
        tooltip=[
            alt.Tooltip("parameter:N"),
            alt.Tooltip("share:Q", format=".1%"),
            alt.Tooltip("by_chance:Q", format=".1%", title="by chance"),
        ],
    )
    x = alt.X("share:Q", axis=alt.Axis(title="share of the importance", format="%", tickCount=6))
    bars = base.mark_bar(size=14).encode(
        x=x,
        color=alt.condition("datum.clear", alt.value(named("accent")), alt.value(named("neutral"))),
    )
    ticks = base.mark_tick(thickness=3, size=20, opacity=1, color=named("chance")).encode(
        x=alt.X("by_chance:Q")
    )
    return alt.layer(bars, ticks).properties(height=26 * len(order) + 70)
