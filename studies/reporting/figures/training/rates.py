"""Learning-rate schedules: as planned, and as logged while training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import altair as alt
import pandas as pd

from lightning_modules.components import resolve_component
from lightning_modules.configuration.trainer import reports_of
from lightning_modules.optimization import SCHEDULES
from lightning_modules.optimization.rates import simulate
from studies.records import Trial
from studies.reporting.figures.axes import whole_axis
from studies.reporting.figures.common import Info, Picture, colour, counted, dash, paint, shape
from studies.results import StudyResults

STEPS, POINTS = 20, 2000
"""A plan is drawn with so many steps for each epoch, but no more than so many in all."""


@dataclass(frozen=True)
class Rates:
    """The learning rate of one training: planned at every step, logged at every epoch's first."""

    arm: str
    lr: float
    """The optimizer's own learning rate, which the schedule scales."""
    planned: Sequence[float]
    epochs: int
    logged: Mapping[int, float]


@dataclass(frozen=True)
class RatesInfo(Info):
    """Planned rates as lines, logged ones as points, in shares of the optimizer's rate."""

    arms: tuple[str, ...]
    log: bool


def planned(arm: str, node: Mapping[str, Any], epochs: int, lr: float = 1.0, **known: Any) -> Rates:
    """The plan of a schedule, `{name: ..., parameters}`, before anything is trained.

    `known` are `values`, the objective after each epoch, and its `goal`: `plateau` listens to them;
    without them nothing ever improves. Raises UserError for a parameter that it does not take.
    """
    _, parameters = resolve_component(SCHEDULES, node, "schedule")
    steps = max(1, min(STEPS, POINTS // epochs))
    rates = simulate(str(node["name"]), parameters, epochs, steps, lr, **known)
    return Rates(arm, lr, [float(rate) for rate in rates], epochs, {})


def rates_of(results: StudyResults, trial: Trial, logged: Mapping[int, float]) -> Rates:
    """The plan of one training, with the rates that it logged."""
    part, trained = trial.configuration, list(trial.curve.values())
    schedule, epochs = part["schedule"], int(part["trainer"]["epochs"])
    known: dict[str, Any] = {}
    every = epochs // reports_of(part["trainer"])
    if schedule["name"] == "plateau" and trained:
        epochs = len(trained)  # nobody knows what it would have done after the end
        known = {"values": trained, "goal": results.spec.objective.goal}
        schedule = {**schedule, "warmup": schedule["warmup"] / every}  # counted as it listens
    else:
        logged = {epoch * every: rate for epoch, rate in logged.items()}  # of each one's last pass
    lr = float(part["optimizer"]["lr"])
    plan = planned(trial.arm or results.study, schedule, epochs, lr, **known)
    return replace(plan, logged=logged)


def rates_info(rates: Sequence[Rates], arms: Sequence[str], *, log: bool = False) -> RatesInfo:
    """Epoch 1 begins at 1 on the axis; `log` leaves out what has fallen to zero."""
    rows = []
    for each in rates:
        steps = len(each.planned) / each.epochs
        points = [("planned", 1 + i / steps, rate) for i, rate in enumerate(each.planned)]
        points += [("logged", float(epoch), rate) for epoch, rate in each.logged.items()]
        rows += [
            {"arm": each.arm, "kind": kind, "epoch": at, "rate": rate, "share": rate / each.lr}
            for kind, at, rate in points
            if rate > 0 or not log
        ]
    logged = sum(bool(each.logged) for each in rates)
    steps_drawn = {len(each.planned) // each.epochs for each in rates}
    caption = "Lines: the planned rate"
    if len(steps_drawn) == 1:
        caption += f", drawn with {counted(steps_drawn.pop(), 'step')} for each epoch"
    if logged:
        caption += f". Points: what {counted(logged, 'training')} logged at each epoch's first step"
    return RatesInfo(
        data=pd.DataFrame(rows),
        caption=f"{caption}. Rates are shares of the optimizer's own learning rate.",
        alt=f"Learning rate by epoch under {counted(len(rates), 'schedule')}",
        arms=tuple(arms),
        log=log,
    )


def draw_rates(info: RatesInfo) -> Picture:
    """Lines with points."""
    scale = alt.Scale(type="log") if info.log else alt.Scale(zero=True)
    shown = set(info.data["arm"])
    base = alt.Chart(info.data).encode(
        x=whole_axis("epoch", "epoch", info.data["epoch"]),
        y=alt.Y(
            "share:Q",
            scale=scale,
            axis=alt.Axis(title="learning rate ÷ optimizer.lr", format=".3~g", tickCount=6),
        ),
        tooltip=[
            alt.Tooltip("arm:N"),
            alt.Tooltip("kind:N"),
            alt.Tooltip("epoch:Q", format=".2~f"),
            alt.Tooltip("rate:Q", format=".3~e", title="learning rate"),
            alt.Tooltip("share:Q", format=".3~g"),
        ],
    )
    lines = base.transform_filter("datum.kind === 'planned'").mark_line(
        strokeWidth=2, interpolate="step-after"
    )
    layers = [
        lines.encode(color=colour(info.arms, shown=shown), strokeDash=dash(info.arms, shown=shown))
    ]
    if (info.data["kind"] == "logged").any():
        logged = base.transform_filter("datum.kind === 'logged'")
        points = logged.encode(fill=paint(info.arms)).mark_point(size=40, filled=True, opacity=1)
        layers.append(points.encode(shape=shape(info.arms)))
    return alt.layer(*layers).properties(height=320)
