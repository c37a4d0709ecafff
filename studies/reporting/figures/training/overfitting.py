"""What the winners do on rows that they have not seen: training beside validation, and the gap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import altair as alt
import pandas as pd

from studies.analysis.curves import learning_curve
from studies.records import Histories
from studies.reporting.figures.axes import value_axis, whole_axis
from studies.reporting.figures.common import (
    Info,
    Picture,
    arm_axis,
    colour,
    counted,
    height,
    number_format,
)
from studies.reporting.figures.theme import named
from studies.reporting.figures.training.winners import curve_of, whose_trainings, winner_trainings
from studies.results import StudyResults, amount, value_of
from studies.results.wording import unit

PARTS = ("training", "validation")


@dataclass(frozen=True)
class OverfittingInfo(Info):
    """Training beside validation, epoch by epoch, a small picture for each arm."""

    name: str
    """The metric without its part, such as `accuracy`."""
    shown: tuple[str, ...]


def overfitting_info(
    results: StudyResults, metric: str, histories: Histories, shown: Sequence[str]
) -> OverfittingInfo:
    """Medians over seeds of a metric on the training and the validation part."""
    name = metric.rpartition("/")[2]
    rows = []
    for arm in shown:
        for part, prefix in zip(PARTS, ("train", "val"), strict=True):
            runs = winner_trainings(results, arm)
            curve = learning_curve(
                arm, [curve_of(results, run, f"{prefix}/{name}", histories) for run in runs]
            )
            if curve is not None:
                rows += [
                    {"arm": arm or results.study, "part": part, "epoch": e, "median": m}
                    for e, m in zip(curve.epochs, curve.median, strict=True)
                ]
    counts = [len(winner_trainings(results, arm)) for arm in shown]
    whose = whose_trainings(results, min(counts, default=0), max(counts, default=0))
    return OverfittingInfo(
        data=pd.DataFrame(rows),
        caption=f"{whose}: medians. Dropout and other "
        "noise act on the training part only, which may then look worse than validation.",
        alt=f"{name} on training and validation data by epoch, one picture for each arm",
        name=name,
        shown=tuple(arm or results.study for arm in shown),
    )


def draw_overfitting(info: OverfittingInfo) -> Picture:
    """One small picture for each arm on common axes."""
    parts = alt.Color(
        "part:N",
        scale=alt.Scale(domain=list(PARTS), range=[named(part) for part in PARTS]),
        legend=alt.Legend(title=None, orient="top"),
    )
    chart: alt.Chart = (
        alt.Chart(info.data)
        .mark_line(strokeWidth=2)
        .encode(
            x=whole_axis("epoch", "epoch", info.data["epoch"], ticks=5),
            y=alt.Y(
                "median:Q",
                scale=alt.Scale(zero=False),
                axis=alt.Axis(title=info.name, format=number_format(info.name), tickCount=5),
            ),
            color=parts,
            strokeDash=alt.StrokeDash(
                "part:N",
                scale=alt.Scale(domain=list(PARTS), range=[[4, 3], [1, 0]]),
                legend=alt.Legend(title=None, orient="top"),
            ),
            tooltip=[
                alt.Tooltip("arm:N"),
                alt.Tooltip("part:N"),
                alt.Tooltip("epoch:Q"),
                alt.Tooltip("median:Q", format=number_format(info.name)),
            ],
        )
        .properties(width=155, height=130)
    )
    header = alt.Header(title=None, labelLimit=180)
    return chart.facet(facet=alt.Facet("arm:N", sort=list(info.shown), header=header), columns=4)


@dataclass(frozen=True)
class GapInfo(Info):
    """How much better each arm is on what it has seen."""

    name: str
    arms: tuple[str, ...]
    order: tuple[str, ...]


def gap_info(results: StudyResults, metric: str, order: Sequence[str]) -> GapInfo:
    """Training minus validation at the best epoch, every training of each arm's winner."""
    name = metric.rpartition("/")[2]
    rows = []
    for arm in order:
        for run in winner_trainings(results, arm):
            seen, unseen = value_of(run, f"train/{name}"), value_of(run, f"val/{name}")
            if seen is not None and unseen is not None:
                rows.append(
                    {"arm": arm or results.study, "seed": run.seed, "training": seen}
                    | {"validation": unseen, "gap": seen - unseen}
                )
    data = pd.DataFrame(rows, columns=["arm", "seed", "training", "validation", "gap"])
    data["mean"] = data.groupby("arm")["gap"].transform("mean")
    data["written"] = [f"{amount(name, gap, signed=True)} {unit(name)}" for gap in data["gap"]]
    return GapInfo(
        data=data,
        caption=f"Training minus validation at the best epoch, {counted(len(data), 'training')} of "
        "the winners: the bar is the mean, a point is one of them.",
        alt=f"Overfitting gap in {name} of {counted(len(order), 'arm')}",
        name=name,
        arms=tuple(arm or results.study for arm in results.arms),
        order=tuple(arm or results.study for arm in order),
    )


def draw_gap(info: GapInfo) -> Picture:
    """A bar for each arm with a point for each seed."""
    base = alt.Chart(info.data).encode(
        y=arm_axis(info.order), color=colour(info.arms, legend=False)
    )
    title = f"training − validation {info.name}"
    bars = base.mark_bar(size=12, opacity=0.35).encode(
        x=alt.X("average(gap):Q", axis=value_axis(info.name, title))
    )
    points = base.mark_circle(size=36, opacity=0.8).encode(
        x=alt.X("gap:Q", axis=value_axis(info.name, title)),
        tooltip=[
            alt.Tooltip("arm:N"),
            alt.Tooltip("seed:N"),
            alt.Tooltip("written:N", title="gap"),
        ],
    )
    return alt.layer(bars, points).properties(height=height(info.order))
