"""Arms, or the configurations found for them, beside each other: means, gains, and pairs."""

from __future__ import annotations

import math
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
from studies.analysis import ArmResult, Comparison, PairResult
from studies.analysis.comparison import Basis
from studies.results import StudyResults, amount, in_unit
from studies.results.wording import unit, within
from studies.sentences import signed
from studies.sentences.claim_words import NO_DIFFERENCE, NO_VERDICT, claim_words, dots_caption


@dataclass(frozen=True)
class RankingInfo(Info):
    """Every confirmed value of every arm, the mean and its interval."""

    metric: str
    arms: tuple[str, ...]
    """In the order of the file."""
    order: tuple[str, ...]
    """The best first."""
    confirmed: bool
    unit: str
    """What a point is."""


def ranking_info(results: StudyResults, comparison: Comparison) -> RankingInfo:
    """The arms by their confirmed mean; by the best of the search where nothing is confirmed."""
    rows, words, metric = [], claim_words(comparison), comparison.metric
    for arm in comparison.arms:
        low, high = within(metric, arm.mean.low, arm.mean.high)
        shared = {
            "arm": arm.arm or results.study,
            "mean": finite(arm.mean.estimate),
            "low": finite(low) if math.isfinite(arm.mean.low) else None,
            "high": finite(high) if math.isfinite(arm.mean.high) else None,
            "search_best": arm.search_best,
            "failed": arm.failures,
            "lost": len(arm.lost),
        }
        runs = [{**shared, "unit": s, "value": v} for s, v in arm.confirmed.items()]
        rows += runs or [{**shared, "unit": None, "value": None}]
    units = max((len(arm.confirmed) for arm in comparison.arms), default=0)
    order = tuple(arm.arm or results.study for arm in comparison.arms)
    known = [arm for arm in comparison.arms if arm.confirmed or arm.search_best is not None]
    if units:
        caption = (
            f"Small points: {counted(units, words.unit)} for each of "
            f"{counted(len(order), 'arm')}. {dots_caption(comparison.design)}"
        )
    else:
        caption = (
            "Not confirmed on fresh seeds: each diamond is the best trial of its arm, of "
            f"{counted(len(results.search), 'trial')} in all, and better than it would be again."
        )
    means = [arm for arm in comparison.arms if arm.confirmed] or known
    sign = 1 if comparison.goal == "maximize" else -1
    best = max(means, key=lambda arm: _leads(arm, sign)).arm if means else ""
    data = pd.DataFrame(rows).astype({"value": float, "mean": float, "search_best": float})
    return RankingInfo(
        data=data if known else data.iloc[:0],
        caption=caption,
        alt=f"{words.ranking}: {comparison.metric} of {counted(len(order), 'arm')}; the best mean "
        f"is that of {best}. {words.about}",
        metric=comparison.metric,
        arms=tuple(arm or results.study for arm in results.arms),
        order=order,
        confirmed=units > 0,
        unit=words.unit,
    )


def _leads(arm: ArmResult, sign: int) -> float:
    return sign * (arm.mean.estimate if arm.confirmed else float(arm.search_best or 0.0))


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
            tooltip=[alt.Tooltip("arm:N"), alt.Tooltip("search_best:Q", format=written)],
        )
        return alt.layer(best).properties(height=height(info.order))
    runs = base.mark_circle(size=36, opacity=0.45).encode(
        x=x,
        yOffset=alt.YOffset("unit:N", sort=None),
        tooltip=[
            alt.Tooltip("arm:N"),
            alt.Tooltip("unit:N", title=info.unit),
            alt.Tooltip("value:Q", format=written),
        ],
    )
    interval = base.mark_rule(strokeWidth=3).encode(
        x=alt.X("low:Q"), x2=alt.X2("high:Q"), tooltip=about
    )
    mean = base.mark_circle(size=170, opacity=1).encode(x=alt.X("mean:Q"), tooltip=about)
    return alt.layer(runs, interval, mean).properties(height=height(info.order))


GREY = "#8A8A8A"
SHAPES = ("cross", "diamond", "circle")


@dataclass(frozen=True)
class GainsInfo(Info):
    """What tuning brought to each arm, and how much of it was luck."""

    metric: str
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
    biases = [arm.selection_bias for arm in comparison.arms if arm.selection_bias is not None]
    caption = (
        "Defaults: the components' own ones, moved into the ranges. Found: the best trial of "
        "the search. "
    )
    caption += "Tested: the winners on the test part. " if tested else "Confirmed: on fresh seeds. "
    if several:
        caption += "All are means over the searches. "
    if tested:
        caption += "Defaults and found are of the validation part, tested of other rows. "
    if biases:
        mean = sum(biases) / len(biases)
        caption += (
            f"What the search found looked {'better' if mean >= 0 else 'worse'} than it was "
            f"on fresh seeds{' of the same part' if tested else ''} by "
            f"{amount(comparison.metric, abs(mean))} {unit(comparison.metric)} on average"
            + (": selection bias." if mean >= 0 else ".")
        )
    else:
        caption += "Without fresh seeds nobody knows how much of the search's best is luck."
    return GainsInfo(
        data=pd.DataFrame(rows, columns=["arm", "kind", "value"]),
        caption=caption,
        alt=f"{comparison.metric} of each arm: {', '.join(kinds)}",
        metric=comparison.metric.rpartition("/")[2] if tested else comparison.metric,
        arms=tuple(arm or results.study for arm in results.arms),
        order=tuple(arm.arm or results.study for arm in comparison.arms),
        kinds=kinds,
    )


def draw_gains(info: GainsInfo) -> Picture:
    """One row for each arm, three marks on it."""
    base = alt.Chart(info.data).encode(y=arm_axis(info.order))
    x = alt.X("value:Q", scale=alt.Scale(zero=False), axis=value_axis(info.metric))
    way = base.mark_line(strokeWidth=2, opacity=0.5).encode(
        x=x, detail=alt.Detail("arm:N"), color=colour(info.arms, legend=False)
    )
    marks = base.mark_point(size=110, filled=True, opacity=1).encode(
        x=x,
        color=colour(info.arms, legend=False),
        shape=alt.Shape(
            "kind:N",
            scale=alt.Scale(domain=list(info.kinds), range=list(SHAPES)),
            legend=alt.Legend(
                title=None, orient="top", symbolFillColor=GREY, symbolStrokeColor=GREY
            ),
        ),
        tooltip=[
            alt.Tooltip("arm:N"),
            alt.Tooltip("kind:N"),
            alt.Tooltip("value:Q", format=number_format(info.metric)),
        ],
    )
    return alt.layer(way, marks).properties(height=height(info.order, legend=True))


@dataclass(frozen=True)
class PairsInfo(Info):
    """Every arm, or the configuration found for it, against every other."""

    order: tuple[str, ...]
    effect: str
    """What the numbers in the cells are."""
    row: str
    """What a row is that is better or worse."""
    units: str
    """What the pairs are compared over."""
    written: bool
    """Whether the cells have room for their numbers."""
    level: bool
    """Whether the columns have room for their names."""


LINE = 90
"""Letters that fit over the matrix, side by side."""
VERDICTS = {
    "better": "#56B4E9",
    NO_DIFFERENCE: "#88888822",
    "worse": "#E69F00",
    NO_VERDICT: "#88888811",
}
"""Every verdict with the colour of its cell."""


def pairs_info(comparison: Comparison) -> PairsInfo:
    """Row minus column for every pair, or their ratio, and the verdict from the row's side."""
    rows, words, design = [], claim_words(comparison), comparison.design
    for pair in comparison.pairs:
        found = pair.result
        for arm, other, side, sign in ((pair.a, pair.b, "a", 1), (pair.b, pair.a, "b", -1)):
            wins = found.probability_a_better.estimate
            bounds = sorted((sign * found.difference.low, sign * found.difference.high))
            rows.append(
                {
                    "arm": arm,
                    "other": other,
                    "verdict": _verdict(design, pair, side),
                    "difference": sign * found.difference.estimate,
                    "low": bounds[0],
                    "high": bounds[1],
                    "written": signed(comparison, sign * found.difference.estimate),
                    "p_holm": None if pair.test == "none" else finite(found.p_holm),
                    "share_better": finite(wins if sign == 1 else 1 - wins),
                    "units": found.seeds if words.unit == "fresh seed" else pair.repeats,
                    "why": "; ".join(found.verdict.reasons),
                }
            )
    paired = {name for pair in comparison.pairs for name in (pair.a, pair.b)}
    order = tuple(arm.arm for arm in comparison.arms if arm.arm in paired)
    decided = sum(pair.result.verdict.better != "none" for pair in comparison.pairs)
    count = len(comparison.pairs)
    if design.logarithms:
        effect = "how many percent the row lies above the column"
    else:
        effect = f"row minus column, in {unit(comparison.metric).strip('()')}"
    if design.claim == "configurations":
        effect += ", of the configurations found"
    if design.why_none:
        result = f"no verdict is given of any pair: {design.why_none}"
    else:
        result = (
            f"{decided} of {counted(count, 'pair')} decided at {100 * design.level:g} % after "
            "Holm's correction for all of them"
        )
    return PairsInfo(
        data=pd.DataFrame(rows),
        caption=f"{effect[:1].upper()}{effect[1:]}; {result}.",
        alt=f"{words.pairs}, a matrix of {counted(count, 'pair')}: {effect}; "
        + ("no verdict" if design.why_none else f"{decided} of them decided"),
        order=order,
        effect="A above B (%)" if design.logarithms else f"difference{in_unit(comparison.metric)}",
        row=words.row,
        units=words.units,
        written=len(order) <= NARROW,
        level=len(order) * max(map(len, order), default=0) <= LINE,
    )


def _verdict(design: Basis, pair: PairResult, side: str) -> str:
    if design.why_none:
        return NO_VERDICT
    better = pair.result.verdict.better
    return NO_DIFFERENCE if better == "none" else "better" if better == side else "worse"


def draw_pairs(info: PairsInfo) -> Picture:
    """A coloured matrix."""
    order, met = list(info.order), set(info.data["verdict"])
    shown = [NO_VERDICT] if met == {NO_VERDICT} else [w for w in VERDICTS if w != NO_VERDICT]
    title = None if met == {NO_VERDICT} else info.row
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
            scale=alt.Scale(domain=shown, range=[VERDICTS[word] for word in shown]),
            legend=alt.Legend(title=title, orient="bottom", labelLimit=200, titleLimit=300),
        ),
        tooltip=[
            alt.Tooltip("arm:N"),
            alt.Tooltip("other:N", title="against"),
            alt.Tooltip("verdict:N"),
            alt.Tooltip("written:N", title=info.effect),
            alt.Tooltip("p_holm:Q", format=".3~g", title="p after Holm"),
            alt.Tooltip("share_better:Q", format=".0%", title=f"better in, of {info.units}"),
            alt.Tooltip("units:Q", title=info.units),
            alt.Tooltip("why:N"),
        ],
    )
    layers: list[alt.Chart] = [cells]
    if info.written:
        # dark on the colours of a verdict, the page's own colour where there is none
        plain = f"datum.verdict === '{NO_DIFFERENCE}' || datum.verdict === '{NO_VERDICT}'"
        for wanted, ink in ((f"!({plain})", "#111111"), (plain, GREY)):
            layers.append(
                base.transform_filter(wanted)
                .mark_text(fontSize=12, color=ink)
                .encode(text=alt.Text("written:N"))
            )
    return alt.layer(*layers).properties(height=(34 if info.written else 16) * len(order) + 190)
