"""Every arm, or the configuration found for it, against every other: a matrix of verdicts."""

from __future__ import annotations

from dataclasses import dataclass

import altair as alt
import pandas as pd

from studies.analysis import Comparison, PairResult
from studies.analysis.comparison import Basis
from studies.reporting.figures.common import (
    NARROW,
    Info,
    Picture,
    counted,
    finite,
    legend_columns,
)
from studies.reporting.figures.theme import named
from studies.results import in_unit
from studies.results.wording import unit
from studies.sentences import signed
from studies.sentences.claim_words import NO_DIFFERENCE, NO_VERDICT, claim_words


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
    "better": "better",
    NO_DIFFERENCE: "undecided",
    "worse": "worse",
    NO_VERDICT: "no_verdict",
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
        result = "no verdict is given of any pair"
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
    cells = base.mark_rect(stroke=named("cell_edge")).encode(
        color=alt.Color(
            "verdict:N",
            scale=alt.Scale(domain=shown, range=[named(VERDICTS[word]) for word in shown]),
            legend=alt.Legend(
                title=title,
                orient="bottom",
                columns=legend_columns(shown),
                labelLimit=200,
                titleLimit=300,
                symbolStrokeColor=named("cell_edge"),
                symbolStrokeWidth=1,
            ),
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
        undecided = f"datum.verdict === '{NO_DIFFERENCE}' || datum.verdict === '{NO_VERDICT}'"
        for wanted, ink in ((f"!({undecided})", "on_verdict"), (undecided, "neutral")):
            layers.append(
                base.transform_filter(wanted)
                .mark_text(fontSize=12, color=named(ink))
                .encode(text=alt.Text("written:N"))
            )
    return alt.layer(*layers).properties(height=(34 if info.written else 16) * len(order) + 190)
