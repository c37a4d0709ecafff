"""Curves of the arms: by trials, by epochs spent, by epoch of a training."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.axes import Axes

from studies.analysis import ArmTuning
from studies.analysis.curves import ArmSearches, BestSoFar, LearningCurve
from studies.reporting.figures.arm_style import ArmStyle
from studies.reporting.figures.panels import panels
from studies.reporting.figures.svg import FAINT, focused_limits, metric_axis, svg_figure


def tuning_curves(found: Sequence[ArmTuning], metric: str, style: ArmStyle) -> str:
    """A panel per arm: the median best of n trials with its band; the other arms in grey."""
    focus = [float(v) for each in found for v in each.curve.median[len(each.curve.median) // 4 :]]
    focus += [
        float(v)
        for each in found
        for v in (*each.curve.low, *each.curve.high)[: each.curve.valid_until]
        if math.isfinite(v)
    ]

    def others(axes: Axes, each: ArmTuning) -> None:
        axes.plot(each.curve.ns, each.curve.median, color=FAINT, linewidth=0.8)

    def own(axes: Axes, each: ArmTuning) -> None:
        curve, colour = each.curve, style.colour(each.arm)
        known = curve.ns <= curve.valid_until
        low, high = axes.get_ylim()
        lows, highs = curve.low.clip(low, high), curve.high.clip(low, high)
        for which, alpha in ((known, 0.28), (~known, 0.08)):
            axes.fill_between(
                curve.ns, lows, highs, where=which, alpha=alpha, color=colour, linewidth=0
            )
        axes.plot(curve.ns, curve.median, ":", color=colour, linewidth=1.2)
        axes.plot(curve.ns[known], curve.median[known], color=colour, linewidth=1.8)

    return panels("tuning", found, metric, style, "trials", focus, others, own)


def learning_curves(found: Sequence[LearningCurve], metric: str, style: ArmStyle) -> str:
    """A panel per arm: the median over the fresh runs and all that lies between them."""
    focus = []
    for each in found:
        late = len(each.epochs) // 4
        focus += [*each.low[late:], *each.high[late:]]

    def others(axes: Axes, each: LearningCurve) -> None:
        axes.plot(each.epochs, each.median, color=FAINT, linewidth=0.8)

    def own(axes: Axes, each: LearningCurve) -> None:
        colour = style.colour(each.arm)
        axes.fill_between(each.epochs, each.low, each.high, color=colour, alpha=0.22, linewidth=0)
        axes.plot(each.epochs, each.median, color=colour, linewidth=1.8)

    return panels("learning", found, metric, style, "epoch", focus, others, own)


def searches(found: Sequence[ArmSearches], metric: str, style: ArmStyle) -> str:
    """A panel per arm: a thin line for each search, the median thick; other medians in grey."""
    focus = []
    for each in found:
        for steps in each.searches.values():
            late = sorted(steps)
            focus += [steps[n] for n in late[len(late) // 4 :]]

    def others(axes: Axes, each: ArmSearches) -> None:
        axes.step(
            list(each.median), list(each.median.values()), where="post", color=FAINT, linewidth=0.8
        )

    def own(axes: Axes, each: ArmSearches) -> None:
        colour = style.colour(each.arm)
        for steps in each.searches.values():
            axes.step(
                list(steps),
                list(steps.values()),
                where="post",
                color=colour,
                alpha=0.45,
                linewidth=0.8,
            )
        axes.step(
            list(each.median), list(each.median.values()), where="post", color=colour, linewidth=2
        )

    return panels("searches", found, metric, style, "trials of a search", focus, others, own)


def best_so_far(found: Sequence[BestSoFar], metric: str, style: ArmStyle) -> str:
    """The best value of every arm against the epochs it has spent, as steps."""
    focus = []
    for each in found:
        half = [
            v for e, v in zip(each.epochs, each.values, strict=True) if 4 * e <= each.epochs[-1]
        ]
        focus += [*half[-1:], each.values[-1]]
    with svg_figure("progress", 3.2) as (figure, finish):
        axes = figure.add_subplot()
        for each in found:
            axes.step(
                each.epochs,
                each.values,
                style.dash(each.arm),
                where="post",
                color=style.colour(each.arm),
                linewidth=1.6,
                label=style.label(each.arm),
            )
        axes.set_xlim(left=0)
        axes.set_ylim(*focused_limits(focus))
        axes.set_xlabel("epochs spent in the search")
        metric_axis(axes, metric, "y")
        if len(found) > 1:
            axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
        return finish()
