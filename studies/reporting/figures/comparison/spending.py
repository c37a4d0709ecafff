"""What the search spent, and how its trials ended."""

from __future__ import annotations

from dataclasses import dataclass

import altair as alt
import pandas as pd

from studies.analysis import Comparison
from studies.records import Outcome
from studies.reporting.figures.common import (
    OUTCOMES,
    Info,
    Picture,
    arm_axis,
    counted,
    height,
    legend_columns,
    paint,
)
from studies.reporting.figures.theme import named
from studies.results import StudyResults, duration, level


@dataclass(frozen=True)
class OutcomesInfo(Info):
    """How the trials of each arm ended."""

    order: tuple[str, ...]


def outcomes_info(results: StudyResults, comparison: Comparison) -> OutcomesInfo:
    """The share of every outcome among the trials of the search."""
    rows = [
        {
            "arm": arm.arm or results.study,
            "outcome": outcome,
            "trials": count,
            "share": count / sum(arm.outcomes.values()),
            "rank": OUTCOMES.index(Outcome(outcome)),
        }
        for arm in comparison.arms
        for outcome, count in arm.outcomes.items()
    ]
    good = (Outcome.completed, Outcome.pruned, Outcome.interrupted)
    failed = sum(row["trials"] for row in rows if row["outcome"] not in good)  # type: ignore[misc]
    total = len(results.search)
    return OutcomesInfo(
        data=pd.DataFrame(rows),
        caption=f"{counted(total, 'trial')} of the search, {failed or 'none'} of them failed.",
        alt=f"How {counted(total, 'trial')} ended; {failed} failed",
        order=tuple(arm.arm or results.study for arm in comparison.arms),
    )


def draw_outcomes(info: OutcomesInfo) -> Picture:
    """A bar for each arm, cut by outcome."""
    seen = [outcome for outcome in OUTCOMES if outcome in set(info.data["outcome"])]
    scale = alt.Scale(domain=[str(o) for o in seen], range=[named(o) for o in seen])
    legend = alt.Legend(title=None, orient="top", columns=legend_columns(seen))
    bars: alt.Chart = (
        alt.Chart(info.data)
        .mark_bar(size=16, stroke=named("bar_edge"), strokeWidth=0.7)
        .encode(
            x=alt.X(
                "share:Q",
                stack="zero",
                scale=alt.Scale(domain=[0, 1]),
                axis=alt.Axis(title="share of trials", format="%", tickCount=5),
            ),
            y=arm_axis(info.order),
            color=alt.Color("outcome:N", scale=scale, legend=legend),
            order=alt.Order("rank:Q"),
            tooltip=[
                alt.Tooltip("arm:N"),
                alt.Tooltip("outcome:N"),
                alt.Tooltip("trials:Q"),
                alt.Tooltip("share:Q", format=".0%"),
            ],
        )
        .properties(height=height(info.order, legend=True))
    )
    return bars


@dataclass(frozen=True)
class CostInfo(Info):
    """What the search of each arm cost."""

    arms: tuple[str, ...]
    order: tuple[str, ...]


def cost_info(results: StudyResults, comparison: Comparison) -> CostInfo:
    """Epochs and minutes per arm, and the epochs until an arm was as good as the worst one."""
    several = comparison.design.planned > 1  # on splits of which none is like the other
    rows = [
        {
            "arm": arm.arm or results.study,
            "epochs": arm.epochs,
            "minutes": arm.seconds / 60,
            "epochs_to_reference": None if several else arm.epochs_to_reference,
        }
        for arm in comparison.arms
        if arm.outcomes
    ]
    epochs = sum(arm.epochs for arm in comparison.arms)
    spent = duration(sum(arm.seconds for arm in comparison.arms))
    searches = f"all {comparison.design.planned} searches of each arm" if several else "search only"
    caption = f"{epochs:,} epochs in {spent} of training, {searches}."
    if comparison.reference is not None and len(comparison.arms) > 1 and not several:
        caption += (
            f" The tick: epochs until an arm had {level(comparison.metric, comparison.reference)}, "
            "the best value of the arm whose search found least."
        )
    return CostInfo(
        data=pd.DataFrame(rows),
        caption=caption,
        alt=f"Epochs that the search of each arm trained, {epochs:,} in all",
        arms=tuple(arm or results.study for arm in results.arms),
        order=tuple(arm.arm or results.study for arm in comparison.arms),
    )


def draw_cost(info: CostInfo) -> Picture:
    """A bar for each arm, with a tick where it had reached the reference."""
    base = alt.Chart(info.data).encode(
        y=arm_axis(info.order),
        tooltip=[
            alt.Tooltip("arm:N"),
            alt.Tooltip("epochs:Q", format=","),
            alt.Tooltip("minutes:Q", format=".1f"),
            alt.Tooltip("epochs_to_reference:Q", title="epochs to reference"),
        ],
    )
    bars = base.mark_bar(size=16).encode(
        x=alt.X("epochs:Q", axis=alt.Axis(title="epochs trained", tickCount=6)),
        color=paint(info.arms, alt.Color),
    )
    ticks = base.mark_tick(thickness=3, size=22, opacity=1, color=named("reference")).encode(
        x=alt.X("epochs_to_reference:Q")
    )
    return alt.layer(bars, ticks).properties(height=height(info.order))
