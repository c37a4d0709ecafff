"""Where the uncertainty of a comparison comes from: the parts of one variance."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import altair as alt
import pandas as pd

from studies.analysis import Comparison
from studies.analysis.variance_sources import VarianceSources, variance_sources
from studies.reporting.figures.common import Info, Picture
from studies.reporting.figures.theme import named
from studies.results import StudyResults, plural
from studies.sentences.uncertainty import deviation_words

COLOURS = ("accent", "training", "neutral")


@dataclass(frozen=True)
class SourcesInfo(Info):
    """The parts of the variance of winners, by what makes them differ."""

    parts: tuple[str, ...]


def sources_info(results: StudyResults, comparison: Comparison) -> SourcesInfo:
    """The parts that the repeats tell apart; empty where nothing scatters or nothing is known."""
    found = variance_sources(results, comparison)
    parts = [] if found is None else list(_parts(found, comparison))
    total = sum(variance for _, variance in parts)
    rows = [
        {
            "part": part,
            "share": variance / total,
            "deviation": deviation_words(comparison, math.sqrt(variance)),
            "written": f"{variance / total:.0%}" if variance >= 0.08 * total else "",
            "rank": rank,
            "row": "variance",
        }
        for rank, (part, variance) in enumerate(parts)
        if total > 0
    ]
    told = ", ".join(f"{row['part']} {row['deviation']} ({row['share']:.0%})" for row in rows)
    whose = _whose(found) if found is not None else ""
    return SourcesInfo(
        data=pd.DataFrame(rows, columns=["part", "share", "deviation", "written", "rank", "row"]),
        caption=f"Shares of the variance of {whose}; standard deviations: {told}.",
        alt=f"Shares of the variance of {whose}: {told}",
        parts=tuple(part for part, _ in parts),
    )


def _parts(found: VarianceSources, comparison: Comparison) -> Iterator[tuple[str, float]]:
    """Names and variances; they add up."""
    parts = found.crossed.parts if found.crossed is not None else None
    if parts is not None and not math.isnan(parts.sd_configuration):
        yield "splits", parts.sd_split**2
        yield "winners of the searches", parts.sd_configuration**2
        yield "seed, and what suits one split", parts.residual**2
        return
    if math.isnan(found.winners):
        return
    search = "search and split" if comparison.design.splits > 1 else "search"
    whole = found.winners**2
    if math.isnan(found.seeds):
        yield f"{search} and seed together".replace(" and split and", ", split and"), whole
        return
    of_seeds = min(whole, found.seeds**2 / max(1, found.seeds_each))
    yield search, whole - of_seeds
    yield "seed", of_seeds


def _whose(found: VarianceSources) -> str:
    crossed = found.crossed
    if crossed is not None and crossed.parts is not None:
        parts = crossed.parts
        of = f" of {crossed.arm}" if crossed.arm else ""
        return f"the best {plural(parts.configurations, 'winner')}{of} on each other's splits"
    return "an arm's winners, from search to search"


def draw_sources(info: SourcesInfo) -> Picture:
    """One bar, cut by what makes winners differ."""
    range_ = [named(colour) for colour in COLOURS[: len(info.parts)]]
    base = alt.Chart(info.data).encode(
        x=alt.X(
            "share:Q",
            stack="zero",
            scale=alt.Scale(domain=[0, 1]),
            axis=alt.Axis(title="share of the variance", format="%", tickCount=5),
        ),
        y=alt.Y("row:N", axis=None),
        order=alt.Order("rank:Q"),
    )
    bar = base.mark_bar(size=36).encode(
        color=alt.Color(
            "part:N",
            scale=alt.Scale(domain=list(info.parts), range=range_),
            legend=alt.Legend(
                title=None, orient="top", columns=1, labelLimit=320, symbolType="square"
            ),
        ),
        tooltip=[
            alt.Tooltip("part:N"),
            alt.Tooltip("share:Q", format=".0%"),
            alt.Tooltip("deviation:N", title="standard deviation"),
        ],
    )
    return alt.layer(bar).properties(height=150)
