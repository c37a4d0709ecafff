"""What all figures share: colours, axes, and the record that a figure is made from."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import altair as alt
import pandas as pd

from studies.records import Outcome
from studies.reporting.figures.theme import arm_colours
from studies.results.wording import SHARES

ALIKE = 5
"""Arms in the order of the study file that share a dash and a shape; only colours tell them
apart."""
DASHES = ((1, 0), (6, 3), (2, 2), (8, 3, 2, 3), (12, 3), (4, 6))
STAR = "M0,-1L0.3,-0.35L1,-0.3L0.45,0.15L0.6,0.85L0,0.45L-0.6,0.85L-0.45,0.15L-1,-0.3L-0.3,-0.35Z"
SHAPES = ("circle", "square", "diamond", "triangle-right", "triangle-left", STAR)
"""Neither crosses nor arrows, which say something of a value."""
OUTCOMES = (
    Outcome.completed,
    Outcome.pruned,
    Outcome.diverged,
    Outcome.out_of_memory,
    Outcome.timeout,
    Outcome.error,
    Outcome.crashed,
    Outcome.interrupted,
)
"""In the order of a bar, what is meant to happen first."""
Picture = alt.Chart | alt.LayerChart | alt.FacetChart
"""What a `draw_*` function gives."""
Symbol = Literal["stroke", "square"]
WRAPPED = 20
"""Letters of an arm's name in a line of an axis."""
PHONE, LETTER, KEY = 330, 7, 40
"""Pixels: the width of a legend on a phone, of a letter in it, and of a symbol with its margins."""
ROW = 30
"""Pixels for an arm on an axis."""
NARROW = 12
"""Arms up to which every one of them gets words of its own in a figure."""


@dataclass(frozen=True)
class Info:
    """A figure's content, before it is drawn: all numbers are made, none is made in drawing."""

    data: pd.DataFrame
    """Everything that is drawn, a row for each mark."""
    caption: str
    """How many trials and seeds are seen, and how to read it."""
    alt: str
    """The picture in a sentence, for those who do not see it."""

    @property
    def empty(self) -> bool:
        """Whether there is nothing to draw."""
        return self.data.empty


def colour(
    arms: Sequence[str],
    *,
    shown: Collection[str] | None = None,
    symbol: Symbol = "stroke",
) -> alt.Color:
    """The encoding of `arm` by colour, the same in every figure of a study.

    `shown`: the arms that are in the figure, where those are not all. `symbol`: how the legend
    shows them, a line or an area.
    """
    scale = alt.Scale(domain=list(arms), range=arm_colours(arms))
    return alt.Color("arm:N", scale=scale, legend=_legend(arms, shown, symbol))


def paint(arms: Sequence[str], channel: type[alt.Color | alt.Fill | alt.Stroke] = alt.Fill) -> Any:
    """The same colours without a legend.

    Points beside lines are painted by `alt.Fill` or `alt.Stroke`: in the legend of `alt.Color`
    Vega-Lite would show them in place of the lines.
    """
    return channel("arm:N", scale=_apart(arms, arm_colours(arms)), legend=None)


def _apart(arms: Sequence[str], values: Sequence[Any]) -> alt.Scale:
    """A scale with an empty name more: Vega-Lite makes the legends of all scales with the same
    domain one, and leaves that out where one of them has none."""
    return alt.Scale(domain=[*arms, ""], range=[*values, values[0]])


def dash(arms: Sequence[str], *, shown: Collection[str] | None = None) -> alt.StrokeDash:
    """The encoding of `arm` by dash: plain for the first ones, which colours alone tell apart."""
    dashes = [list(DASHES[index // ALIKE % len(DASHES)]) for index in range(len(arms))]
    scale = alt.Scale(domain=list(arms), range=dashes)
    return alt.StrokeDash("arm:N", scale=scale, legend=_legend(arms, shown))


def shape(arms: Sequence[str]) -> alt.Shape:
    """The encoding of `arm` by the shape of its points, which goes with its dash."""
    shapes = [SHAPES[index // ALIKE % len(SHAPES)] for index in range(len(arms))]
    return alt.Shape("arm:N", scale=_apart(arms, shapes), legend=None)


def _legend(
    arms: Sequence[str], shown: Collection[str] | None, symbol: Symbol = "stroke"
) -> alt.Legend:
    """Of the colours and the dashes, which Vega makes one where they are told alike."""
    named = [arm for arm in arms if shown is None or arm in shown]
    return alt.Legend(
        title=None,
        orient="top",
        columns=legend_columns(named),
        labelLimit=PHONE - KEY,
        symbolOpacity=1,
        symbolType=symbol,
        symbolStrokeWidth=3 if symbol == "stroke" else 0,
        values=named,
    )


def legend_columns(names: Collection[str]) -> int:
    """As many names beside each other as a phone has room for."""
    longest = max((len(name) for name in names), default=1)
    return max(1, min(6, len(names), PHONE // (KEY + LETTER * longest)))


def arm_axis(order: Sequence[str]) -> alt.Y:
    """One row for each arm; long names have several lines."""
    parts = f"replace(datum.label, regexp('(.{{1,{WRAPPED}}})(?:\\\\s+|$)|(.{{{WRAPPED}}})', 'g'), "
    axis = alt.Axis(
        title=None,
        labelExpr=f"split(trim({parts}'$1$2\\n')), '\\n')",
        labelLimit=150,
        labelOverlap=False,
        ticks=False,
        domain=False,
    )
    return alt.Y("arm:N", sort=list(order), axis=axis)


def height(arms: Sequence[str], *, legend: bool = False) -> int:
    """Pixels for a figure with one row for each arm, its axis and a legend on top among them."""
    return ROW * max(2, len(arms)) + 70 + (50 if legend else 0)


def number_format(metric: str) -> str:
    """How values of a metric are written: shares in percent."""
    return ".2~%" if metric.rpartition("/")[2] in SHARES else ".4~g"


def finite(value: float | None) -> float | None:
    """None in place of what no axis has."""
    return value if value is not None and math.isfinite(value) else None


def counted(count: int, noun: str) -> str:
    """`1 trial`, `2 trials`."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")
