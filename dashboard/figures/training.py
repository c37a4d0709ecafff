"""What happened inside the trainings of the winners: learning, overfitting, learning rates."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import altair as alt
import pandas as pd

from dashboard.figures.common import (
    Info,
    Picture,
    arm_axis,
    colour,
    counted,
    dash,
    epoch_axis,
    height,
    number_format,
    value_axis,
)
from studies.analysis.curves import learning_curve, winners
from studies.records import Histories, Outcome, Trial
from studies.results import StudyResults, amount, value_of
from studies.results.wording import unit

PARTS = ("training", "validation")


def learners(results: StudyResults, arm: str) -> list[Trial]:
    """The trainings that stand for an arm: the winners of its searches on fresh seeds, or in the
    searches."""
    found = winners(results, arm)
    completed = [run for _, runs in found for run in runs if run.outcome == Outcome.completed]
    return completed or [winner for winner, _ in found]


def _whose(results: StudyResults, few: int, many: int) -> str:
    """Whose trainings are drawn."""
    runs = f"{few} to {many} trainings" if few != many else counted(many, "training")
    if results.spec.repeats == 1:
        return f"The winner of each arm, {runs.replace('training', 'seed')}"
    return f"The winners of all searches of each arm, each on its own split, {runs}"


@dataclass(frozen=True)
class LearningInfo(Info):
    """A metric after every epoch of the winners' trainings."""

    metric: str
    arms: tuple[str, ...]
    axis: tuple[float, float]
    """From the lowest to the highest value after the first quarter of the epochs."""


def learning_info(
    results: StudyResults, metric: str, histories: Histories, shown: Sequence[str]
) -> LearningInfo:
    """Median and range over the seeds of each arm in `shown`; `histories` are of other metrics
    than the objective."""
    rows = []
    seeds, late = set(), []
    for arm in shown:
        curve = learning_curve(
            arm, [_curve(results, t, metric, histories) for t in learners(results, arm)]
        )
        if curve is None:
            continue
        seeds.add(curve.seeds)
        quarter = len(curve.epochs) // 4
        late += [float(value) for value in (*curve.low[quarter:], *curve.high[quarter:])]
        name = arm or results.study
        for epoch, low, middle, high in zip(
            curve.epochs, curve.low, curve.median, curve.high, strict=True
        ):
            rows.append(
                {"arm": name, "epoch": epoch, "median": middle, "low": low, "high": high}
                | {"seeds": curve.seeds}
            )
    few, many = min(seeds, default=0), max(seeds, default=0)
    return LearningInfo(
        data=pd.DataFrame(rows),
        caption=f"{_whose(results, few, many)}: the line is the median, the band goes from the "
        "lowest to the highest. A line ends where fewer than half of them still train; "
        "the axis holds all but the first quarter of the epochs.",
        alt=f"{metric} by epoch of the winners of {counted(len(shown), 'arm')}",
        metric=metric,
        arms=tuple(arm or results.study for arm in results.arms),
        axis=_around([value for value in late if math.isfinite(value)]),
    )


def _around(values: Sequence[float]) -> tuple[float, float]:
    """An axis that holds the values and a little more."""
    low, high = min(values, default=0.0), max(values, default=1.0)
    pad = 0.06 * (high - low) or 0.05 * abs(high) or 1.0
    return low - pad, high + pad


def _curve(
    results: StudyResults, trial: Trial, metric: str, histories: Histories
) -> Mapping[int, float]:
    if metric == results.spec.objective.metric and trial.curve:
        return trial.curve
    return histories.get(trial.key, {}).get(metric, {})


def draw_learning(info: LearningInfo) -> Picture:
    """Lines with bands."""
    shown = set(info.data["arm"])
    base = alt.Chart(info.data).encode(
        x=epoch_axis(),
        color=colour(info.arms, shown=shown),
    )
    scale = alt.Scale(domain=list(info.axis), nice=False)
    y = alt.Y("median:Q", scale=scale, axis=value_axis(info.metric))
    written = number_format(info.metric)
    band = base.mark_area(opacity=0.12, clip=True).encode(
        y=alt.Y("low:Q", scale=scale, axis=value_axis(info.metric)), y2=alt.Y2("high:Q")
    )
    points = alt.OverlayMarkDef(size=14, clip=True)
    line = base.mark_line(strokeWidth=2, clip=True, point=points).encode(
        y=y,
        strokeDash=dash(info.arms, shown=shown),
        tooltip=[
            alt.Tooltip("arm:N"),
            alt.Tooltip("epoch:Q"),
            *(alt.Tooltip(f"{name}:Q", format=written) for name in ("median", "low", "high")),
            alt.Tooltip("seeds:Q"),
        ],
    )
    return alt.layer(band, line).properties(height=320)


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
            runs = learners(results, arm)
            curve = learning_curve(
                arm, [_curve(results, run, f"{prefix}/{name}", histories) for run in runs]
            )
            if curve is not None:
                rows += [
                    {"arm": arm or results.study, "part": part, "epoch": e, "median": m}
                    for e, m in zip(curve.epochs, curve.median, strict=True)
                ]
    counts = [len(learners(results, arm)) for arm in shown]
    whose = _whose(results, min(counts, default=0), max(counts, default=0))
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
        scale=alt.Scale(domain=list(PARTS), range=["#8A8A8A", "#0072B2"]),
        legend=alt.Legend(title=None, orient="top"),
    )
    chart: alt.Chart = (
        alt.Chart(info.data)
        .mark_line(strokeWidth=2)
        .encode(
            x=alt.X(
                "epoch:Q", axis=alt.Axis(title="epoch", tickMinStep=1, tickCount=5, grid=False)
            ),
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
        for run in learners(results, arm):
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
