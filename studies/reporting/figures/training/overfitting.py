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
    PHONE,
    Info,
    Picture,
    arm_axis,
    counted,
    height,
    layered,
    number_format,
    paint,
    shape,
)
from studies.reporting.figures.curves import leaving, leaving_marks, leaving_note
from studies.reporting.figures.points import (
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


@dataclass(frozen=True)
class OverfittingInfo(Info):
    """Training beside validation, epoch by epoch, of some arms on common axes."""

    name: str
    """The metric without its part, such as `accuracy`."""
    shown: tuple[str, ...]
    axis: MetricAxis
    leaving: pd.DataFrame
    """Where lines leave the axis."""

    def of(self, arm: str) -> OverfittingInfo:
        """The picture of one arm on the axes of all, whose caption is for all."""
        data = self.data[self.data["arm"] == arm]
        return replace(
            self,
            data=data,
            leaving=leaving(data, self.axis, "median", ["arm", "part"]),
            shown=(arm,),
            caption="",
            alt=f"{self.name} on training and validation data by epoch under {arm}",
        )


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
    return OverfittingInfo(
        data=data,
        caption=f"{whose}: medians. Dropout and other noise act on the training part only, which "
        f"may then look worse than validation.{leaving_note(left, name)}",
        alt=f"{name} on training and validation data by epoch, one picture for each arm",
        name=name,
        shown=tuple(arm or results.study for arm in shown),
        axis=axis,
        leaving=left,
    )


def draw_overfitting(info: OverfittingInfo) -> Picture:
    """A line for each part of one arm."""
    legend = alt.Legend(title=None, orient="top")
    colours = alt.Scale(domain=list(PARTS), range=[named(part) for part in PARTS])
    dashes = alt.Scale(domain=list(PARTS), range=[[4, 3], [1, 0]])
    x = whole_axis("epoch", "epoch", info.data["epoch"], ticks=5)
    base = alt.Chart(info.data).encode(x=x)
    lines = base.mark_line(strokeWidth=2, clip=True).encode(
        y=info.axis.encoding(alt.Y, "median"),
        color=alt.Color("part:N", scale=colours, legend=legend),
        strokeDash=alt.StrokeDash("part:N", scale=dashes, legend=legend),
        tooltip=[
            alt.Tooltip("arm:N"),
            alt.Tooltip("part:N"),
            alt.Tooltip("epoch:Q"),
            alt.Tooltip("median:Q", format=number_format(info.name)),
        ],
    )
    fill = alt.Fill("part:N", scale=colours, legend=None)
    marks = leaving_marks(info.leaving, info.axis, x, fill)
    title = alt.Title(info.shown[0], fontSize=13, limit=PHONE)
    return layered(lines, *marks).properties(height=350, title=title)


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
