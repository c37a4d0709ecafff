"""What the winners do on rows that they have not seen: training beside validation, and the gap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import altair as alt
import pandas as pd

from studies.analysis.configuration_comparison import goal_for
from studies.analysis.curves import learning_curve
from studies.records import Histories
from studies.reporting.figures.axes import MetricAxis, metric_axis, whole_axis
from studies.reporting.figures.common import (
    Info,
    Picture,
    arm_axis,
    counted,
    height,
    number_format,
    paint,
    shape,
)
from studies.reporting.figures.curves import leaving, leaving_note
from studies.reporting.figures.points import (
    arrows,
    arrows_across,
    beyond_note,
    values_by_arm,
    with_room_in_rows,
)
from studies.reporting.figures.theme import named
from studies.reporting.figures.training.winners import curve_of, whose_trainings, winner_trainings
from studies.results import StudyResults, amount, value_of
from studies.results.wording import unit

PARTS = ("training", "validation")
SMALL = 220
"""Pixels of the width of one of several pictures, of which a phone has room for one."""


@dataclass(frozen=True)
class OverfittingInfo(Info):
    """Training beside validation, epoch by epoch, a small picture for each arm."""

    name: str
    """The metric without its part, such as `accuracy`."""
    shown: tuple[str, ...]
    axis: MetricAxis


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
    data = pd.DataFrame(rows, columns=["arm", "part", "epoch", "median"])
    lines = data.astype({"median": float}).groupby(["arm", "part"])["median"]
    axis = metric_axis([list(line) for _, line in lines], name, goal_for(results, metric))
    left = leaving(data, axis, "median", ["arm", "part"])
    every = data.merge(left, "left", ["arm", "part", "epoch"])
    return OverfittingInfo(
        data=every.assign(beyond=every["beyond"].eq(True)),
        caption=f"{whose}: medians. Dropout and other noise act on the training part only, which "
        f"may then look worse than validation.{leaving_note(left, name)}",
        alt=f"{name} on training and validation data by epoch, one picture for each arm",
        name=name,
        shown=tuple(arm or results.study for arm in shown),
        axis=axis,
    )


def draw_overfitting(info: OverfittingInfo) -> Picture:
    """One small picture for each arm on common axes."""
    legend = alt.Legend(title=None, orient="top")
    parts = alt.Color(
        "part:N",
        scale=alt.Scale(domain=list(PARTS), range=[named(part) for part in PARTS]),
        legend=legend,
    )
    dashes = alt.Scale(domain=list(PARTS), range=[[4, 3], [1, 0]])
    written = number_format(info.name)
    x = whole_axis("epoch", "epoch", info.data["epoch"], ticks=5)
    base = alt.Chart().encode(x=x)
    lines = base.mark_line(strokeWidth=2, clip=True).encode(
        color=parts,
        y=info.axis.encoding(alt.Y, "median"),
        strokeDash=alt.StrokeDash("part:N", scale=dashes, legend=legend),
        tooltip=[
            alt.Tooltip("arm:N"),
            alt.Tooltip("part:N"),
            alt.Tooltip("epoch:Q"),
            alt.Tooltip("median:Q", format=written),
        ],
    )
    fill = alt.Fill("part:N", scale=parts["scale"], legend=None)
    beyond = arrows(base.encode(fill=fill), info.axis) if info.data["beyond"].any() else []
    small = alt.layer(lines, *beyond, data=info.data).properties(width=SMALL, height=140)
    header = alt.Header(title=None, labelLimit=SMALL)
    facet = alt.Facet("arm:N", sort=list(info.shown), header=header)
    return small.facet(facet=facet, columns=3)


@dataclass(frozen=True)
class GapInfo(Info):
    """How much better each arm is on what it has seen."""

    name: str
    arms: tuple[str, ...]
    order: tuple[str, ...]
    axis: MetricAxis


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
    # what is better on validation than on training is no overfitting
    bad = "minimize" if goal_for(results, metric) == "maximize" else "maximize"
    gaps = data.assign(value=data["gap"])
    axis = metric_axis([*values_by_arm(gaps), [0.0]], "gap", bad)  # type: ignore[arg-type]
    placed = with_room_in_rows(gaps.join(axis.placed(gaps["value"])), axis, "arm")
    caption = (
        f"Training minus validation at the best epoch, {counted(len(data), 'training')} of the "
        "winners: the line goes to the mean, a point is one of them."
    )
    if said := beyond_note(placed, "gap"):
        caption += f" {said}"
    return GapInfo(
        data=placed.drop(columns="value"),
        caption=caption,
        alt=f"Overfitting gap in {name} of {counted(len(order), 'arm')}",
        name=name,
        arms=tuple(arm or results.study for arm in results.arms),
        order=tuple(arm or results.study for arm in order),
        axis=replace(axis, metric=name, title=f"training − validation {name}"),
    )


def draw_gap(info: GapInfo) -> Picture:
    """A line to the mean of each arm, and a point for each seed."""
    rows = alt.Chart(info.data).encode(y=arm_axis(info.order))
    base = rows.encode(color=paint(info.arms, alt.Color))
    bars = base.mark_rule(strokeWidth=2, clip=True).encode(
        x=info.axis.encoding(alt.X, "mean"), x2=alt.X2(datum=0)
    )
    means = base.mark_tick(thickness=3, size=20, opacity=1, clip=True).encode(
        x=info.axis.encoding(alt.X, "mean")
    )
    there = base.transform_filter("!datum.beyond")
    points = there.mark_point(size=30, filled=True, opacity=1).encode(
        x=info.axis.encoding(alt.X, "gap"),
        yOffset=alt.YOffset("seed:N"),
        shape=shape(info.arms),
        tooltip=[
            alt.Tooltip("arm:N"),
            alt.Tooltip("seed:N"),
            alt.Tooltip("written:N", title="gap"),
        ],
    )
    beyond = (
        arrows_across(rows.encode(fill=paint(info.arms)), info.axis)
        if info.data["beyond"].any()
        else []
    )
    return alt.layer(bars, means, points, *beyond).properties(height=height(info.order))
