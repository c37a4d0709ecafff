"""Arms beside each other: ranking, what tuning brought, and who beats whom."""

from __future__ import annotations

from dataclasses import dataclass

import altair as alt
import pandas as pd

from dashboard.figures.common import (
    NARROW,
    Info,
    Picture,
    arm_axis,
    colour,
    counted,
    finite,
    height,
    number_format,
    value_axis,
)
from studies.comparison import Comparison
from studies.results import StudyResults
from studies.wording import amount, level, unit


@dataclass(frozen=True)
class RankingInfo(Info):
    """Every confirmed run of every arm, the mean and its interval."""

    metric: str
    arms: tuple[str, ...]
    """In the order of the file."""
    order: tuple[str, ...]
    """The best first."""
    confirmed: bool


def ranking_info(results: StudyResults, comparison: Comparison) -> RankingInfo:
    """The arms by their confirmed mean; by the best of the search where nothing is confirmed."""
    rows = []
    for arm in comparison.arms:
        shared = {
            "arm": arm.arm or results.study,
            "mean": finite(arm.mean.estimate),
            "low": finite(arm.mean.low),
            "high": finite(arm.mean.high),
            "search_best": arm.search_best,
            "failed": arm.failures,
        }
        runs = [{**shared, "seed": s, "value": v} for s, v in arm.confirmed.items()]
        rows += runs or [{**shared, "seed": None, "value": None}]
    seeds = max((len(arm.confirmed) for arm in comparison.arms), default=0)
    order = tuple(arm.arm or results.study for arm in comparison.arms)
    known = [arm for arm in comparison.arms if arm.confirmed or arm.search_best is not None]
    if seeds:
        caption = (
            f"Small points: {counted(seeds, 'fresh seed')} for each of "
            f"{counted(len(order), 'arm')}. Large points: their mean with its 95 % interval."
        )
    else:
        caption = (
            "Not confirmed on fresh seeds: each diamond is the best trial of its arm, of "
            f"{counted(len(results.search), 'trial')} in all, and better than it would be again."
        )
    best = order[0] if known else ""
    data = pd.DataFrame(rows).astype({"value": float, "mean": float, "search_best": float})
    return RankingInfo(
        data=data if known else data.iloc[:0],
        caption=caption,
        alt=f"Ranking of {counted(len(order), 'arm')} by {comparison.metric}; first is {best}",
        metric=comparison.metric,
        arms=tuple(arm or results.study for arm in results.arms),
        order=order,
        confirmed=seeds > 0,
    )


def draw_ranking(info: RankingInfo) -> Picture:
    """Points, means and intervals."""
    x = alt.X("value:Q", scale=alt.Scale(zero=False), axis=value_axis(info.metric))
    base = alt.Chart(info.data).encode(
        y=arm_axis(info.order), color=colour(info.arms, legend=False)
    )
    written = number_format(info.metric)
    about = [
        alt.Tooltip("arm:N"),
        alt.Tooltip("mean:Q", format=written),
        alt.Tooltip("low:Q", format=written, title="95 % from"),
        alt.Tooltip("high:Q", format=written, title="to"),
    ]
    if not info.confirmed:
        best = base.mark_point(shape="diamond", size=120, strokeWidth=2).encode(
            x=alt.X(
                "search_best:Q",
                scale=alt.Scale(zero=False),
                axis=value_axis(info.metric, f"{info.metric}, best of the search"),
            ),
            tooltip=["arm:N", alt.Tooltip("search_best:Q", format=written)],
        )
        return alt.layer(best).properties(height=height(info.order))
    runs = base.mark_circle(size=36, opacity=0.45).encode(
        x=x,
        yOffset=alt.YOffset("seed:N", sort=None),
        tooltip=["arm:N", "seed:N", alt.Tooltip("value:Q", format=written)],
    )
    interval = base.mark_rule(strokeWidth=3).encode(x="low:Q", x2="high:Q", tooltip=about)
    mean = base.mark_circle(size=170, opacity=1).encode(x="mean:Q", tooltip=about)
    return alt.layer(runs, interval, mean).properties(height=height(info.order))


KINDS = ("untuned", "found", "confirmed")
GREY = "#8A8A8A"
SHAPES = ("cross", "diamond", "circle")


@dataclass(frozen=True)
class GainsInfo(Info):
    """What tuning brought to each arm, and how much of it was luck."""

    metric: str
    arms: tuple[str, ...]
    order: tuple[str, ...]


def gains_info(results: StudyResults, comparison: Comparison) -> GainsInfo:
    """Per arm: the untuned value, the chosen trial of the search, the mean on fresh seeds."""
    rows = [
        {"arm": arm.arm or results.study, "kind": kind, "value": value}
        for arm in comparison.arms
        for kind, value in zip(
            KINDS, (arm.default, arm.search_best, finite(arm.mean.estimate)), strict=True
        )
        if value is not None
    ]
    optimism = [arm.optimism for arm in comparison.arms if arm.optimism is not None]
    caption = (
        "Untuned: the framework's own defaults, moved into the ranges. Found: the best trial of "
        "the search. Confirmed: its mean on fresh seeds. "
    )
    if optimism:
        mean = sum(optimism) / len(optimism)
        caption += (
            f"What the search found looked {'better' if mean >= 0 else 'worse'} than it was by "
            f"{amount(comparison.metric, abs(mean))} {unit(comparison.metric)} on average"
            + (" (optimism)." if mean >= 0 else ".")
        )
    else:
        caption += "Without fresh seeds nobody knows how much of the search's best is luck."
    return GainsInfo(
        data=pd.DataFrame(rows, columns=["arm", "kind", "value"]),
        caption=caption,
        alt=f"{comparison.metric} of each arm untuned, in the search and on fresh seeds",
        metric=comparison.metric,
        arms=tuple(arm or results.study for arm in results.arms),
        order=tuple(arm.arm or results.study for arm in comparison.arms),
    )


def draw_gains(info: GainsInfo) -> Picture:
    """One row for each arm, three marks on it."""
    base = alt.Chart(info.data).encode(y=arm_axis(info.order))
    x = alt.X("value:Q", scale=alt.Scale(zero=False), axis=value_axis(info.metric))
    way = base.mark_line(strokeWidth=2, opacity=0.5).encode(
        x=x, detail="arm:N", color=colour(info.arms, legend=False)
    )
    marks = base.mark_point(size=110, filled=True, opacity=1).encode(
        x=x,
        color=colour(info.arms, legend=False),
        shape=alt.Shape(
            "kind:N",
            scale=alt.Scale(domain=list(KINDS), range=list(SHAPES)),
            legend=alt.Legend(
                title=None, orient="top", symbolFillColor=GREY, symbolStrokeColor=GREY
            ),
        ),
        tooltip=["arm:N", "kind:N", alt.Tooltip("value:Q", format=number_format(info.metric))],
    )
    return alt.layer(way, marks).properties(height=height(info.order, legend=True))


@dataclass(frozen=True)
class PairsInfo(Info):
    """Every arm against every other."""

    order: tuple[str, ...]
    unit: str
    written: bool
    """Whether the cells have room for their numbers."""
    level: bool
    """Whether the columns have room for their names."""


LINE = 90
"""Letters that fit over the matrix, side by side."""
WORDS = ("better", "no detectable difference", "worse")


def pairs_info(comparison: Comparison) -> PairsInfo:
    """Row minus column for every pair, and the verdict from the row's side."""
    rows = []
    for pair in comparison.pairs:
        found, verdict = pair.result, pair.result.verdict.better
        for arm, other, side, sign in ((pair.a, pair.b, "a", 1), (pair.b, pair.a, "b", -1)):
            word = WORDS[1] if verdict == "none" else WORDS[0] if verdict == side else WORDS[2]
            wins = found.probability_a_better.estimate
            bounds = sorted((sign * found.difference.low, sign * found.difference.high))
            rows.append(
                {
                    "arm": arm,
                    "other": other,
                    "verdict": word,
                    "difference": sign * found.difference.estimate,
                    "low": bounds[0],
                    "high": bounds[1],
                    "written": amount(
                        comparison.metric, sign * found.difference.estimate, signed=True
                    ),
                    "p_holm": found.p_holm,
                    "probability_better": wins if sign == 1 else 1 - wins,
                    "seeds": found.seeds,
                    "why": "; ".join(found.verdict.reasons),
                }
            )
    order = tuple(arm.arm for arm in comparison.arms if arm.confirmed)
    decided = sum(pair.result.verdict.better != "none" for pair in comparison.pairs)
    count = len(comparison.pairs)
    return PairsInfo(
        data=pd.DataFrame(rows),
        caption=(
            f"Row minus column, in {unit(comparison.metric).removeprefix('of ')}; {decided} of "
            f"{counted(count, 'pair')} decided at 5 % after Holm's correction for all of them."
        ),
        alt=f"Matrix of {counted(count, 'pair')} of arms, {decided} of them decided",
        order=order,
        unit=unit(comparison.metric),
        written=len(order) <= NARROW,
        level=len(order) * max(map(len, order), default=0) <= LINE,
    )


def draw_pairs(info: PairsInfo) -> Picture:
    """A coloured matrix."""
    order = list(info.order)
    angle = 0 if info.level else -35
    base = alt.Chart(info.data).encode(
        x=alt.X(
            "other:N",
            sort=order,
            axis=alt.Axis(title="compared with", orient="top", labelAngle=angle, labelLimit=110),
        ),
        y=alt.Y("arm:N", sort=order, axis=alt.Axis(title=None, labelLimit=150)),
    )
    cells = base.mark_rect(stroke="#88888866").encode(
        color=alt.Color(
            "verdict:N",
            scale=alt.Scale(domain=list(WORDS), range=["#56B4E9", "#88888822", "#E69F00"]),
            legend=alt.Legend(title="row is", orient="bottom", labelLimit=200),
        ),
        tooltip=[
            alt.Tooltip("arm:N"),
            alt.Tooltip("other:N", title="against"),
            alt.Tooltip("verdict:N"),
            alt.Tooltip("written:N", title=f"difference ({info.unit})"),
            alt.Tooltip("p_holm:Q", format=".3~g", title="p after Holm"),
            alt.Tooltip("probability_better:Q", format=".0%", title="better in seeds"),
            alt.Tooltip("seeds:Q"),
            alt.Tooltip("why:N"),
        ],
    )
    layers: list[alt.Chart] = [cells]
    if info.written:
        # dark on the colours of a verdict, the page's own colour where there is none
        plain = "datum.verdict === 'no detectable difference'"
        for wanted, ink in ((f"!({plain})", "#111111"), (plain, GREY)):
            layers.append(
                base.transform_filter(wanted)
                .mark_text(fontSize=12, color=ink)
                .encode(text="written:N")
            )
    return alt.layer(*layers).properties(height=(34 if info.written else 16) * len(order) + 190)


def numbers(results: StudyResults, comparison: Comparison) -> pd.DataFrame:
    """The comparison as a table for people, a row for each arm."""
    metric = comparison.metric
    return pd.DataFrame(
        {
            "arm": arm.arm or results.study,
            "confirmed mean": level(metric, finite(arm.mean.estimate)),
            "95 % from": level(metric, finite(arm.mean.low)),
            "to": level(metric, finite(arm.mean.high)),
            "seeds": len(arm.confirmed),
            "failed": arm.failures,
            "test mean": level(metric, arm.test_mean),
            "best of search": level(metric, arm.search_best),
            f"optimism ({unit(metric)})": (
                "–" if arm.optimism is None else amount(metric, arm.optimism, signed=True)
            ),
            "untuned": level(metric, arm.default),
            "epochs": arm.epochs,
            "minutes": round(arm.seconds / 60, 1),
        }
        for arm in comparison.arms
    )
