"""What all figures share: colours, axes, and the record that a figure is made from."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

import altair as alt
import pandas as pd

from studies.records import Outcome
from studies.reporting.figures.theme import arm_colours
from studies.reporting.palette import ARMS
from studies.results.wording import SHARES

DASHES = ((1, 0), (6, 3), (2, 2), (8, 3, 2, 3), (12, 3), (4, 6))
"""More arms than colours: the colours come again with another dash."""
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
    legend: bool = True,
    shown: Collection[str] | None = None,
    symbol: Symbol = "stroke",
) -> alt.Color:
    """The encoding of `arm` by colour, the same in every figure of a study.

    `shown`: the arms that are in the figure, where those are not all. `symbol`: how the legend
    shows them, a line or an area.
    """
    scale = alt.Scale(domain=list(arms), range=arm_colours(arms))
    return alt.Color("arm:N", scale=scale, legend=_legend(arms, shown, symbol) if legend else None)


def dash(arms: Sequence[str], *, shown: Collection[str] | None = None) -> alt.StrokeDash:
    """The encoding of `arm` by dash: plain while the colours suffice."""
    dashes = [list(DASHES[i // len(ARMS) % len(DASHES)]) for i in range(len(arms))]
    scale = alt.Scale(domain=list(arms), range=dashes)
    return alt.StrokeDash("arm:N", scale=scale, legend=_legend(arms, shown))


def _legend(
    arms: Sequence[str], shown: Collection[str] | None, symbol: Symbol = "stroke"
) -> alt.Legend:
    """Of the colours and the dashes, which Vega makes one where they are told alike."""
    return alt.Legend(
        title=None,
        orient="top",
        columns=6,
        labelLimit=220,
        symbolOpacity=1,
        symbolType=symbol,
        symbolStrokeWidth=3 if symbol == "stroke" else 0,
        values=[arm for arm in arms if shown is None or arm in shown],
    )


def arm_axis(order: Sequence[str]) -> alt.Y:
    """One row for each arm."""
    axis = alt.Axis(title=None, labelLimit=150, ticks=False, domain=False)
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
