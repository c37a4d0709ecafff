"""Means and differences with their intervals, a row for each arm or pair."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from studies.analysis import ArmResult
from studies.reporting.figures.arm_style import LONGEST_LABEL, ArmStyle, shortened
from studies.reporting.figures.svg import INK, PAIRED, metric_axis, svg_figure
from studies.reporting.paired import PairDifferences
from studies.results.wording import within


def dots(arms: Sequence[ArmResult], metric: str, style: ArmStyle) -> str:
    """Every confirmed value as a point, with the mean and its interval; best mean on top."""
    shown = [arm for arm in arms if arm.confirmed]
    units = sorted({unit for arm in shown for unit in arm.confirmed})
    shift = {unit: _spread(i, len(units)) for i, unit in enumerate(units)}
    with svg_figure("dots", 0.75 + 0.42 * len(shown)) as (figure, finish):
        axes = figure.add_subplot()
        for row, arm in enumerate(shown):
            colour = style.colour(arm.arm)
            ys = [row - 0.12 + 0.36 * shift[unit] for unit in arm.confirmed]
            axes.plot(
                list(arm.confirmed.values()),
                ys,
                style.marker(arm.arm),
                color=colour,
                alpha=0.55,
                markersize=4,
                markeredgewidth=0,
            )
            _mean(axes, arm, metric, row + 0.28, colour)
        axes.set_yticks(range(len(shown)), [style.label(arm.arm) for arm in shown])
        axes.set_ylim(len(shown) - 0.5, -0.5)
        axes.grid(axis="y", visible=False)
        axes.tick_params(axis="y", length=0)
        metric_axis(axes, metric, "x")
        return finish()


def differences(found: Sequence[PairDifferences], label: str, *, ratios: bool) -> str:
    """A row per pair: its differences as points, their mean and the interval; a line at none."""
    units = sorted({unit for each in found for unit in each.points})
    shift = {unit: _spread(i, len(units)) for i, unit in enumerate(units)}
    with svg_figure("differences", 0.75 + 0.42 * len(found)) as (figure, finish):
        axes = figure.add_subplot()
        if ratios:
            axes.set_xscale("log", base=2)
        axes.axvline(1 if ratios else 0, color=INK, linewidth=0.8)
        for row, each in enumerate(found):
            ys = [row - 0.12 + 0.36 * shift[unit] for unit in each.points]
            axes.plot(
                list(each.points.values()),
                ys,
                "o",
                color=PAIRED,
                alpha=0.6,
                markersize=4,
                markeredgewidth=0,
            )
            y = row + 0.28
            if math.isfinite(each.low):
                axes.plot([each.low, each.high], [y, y], "-", color=INK, linewidth=1.6)
            axes.plot([each.mean], [y], "d", color=INK, markersize=5, markeredgewidth=0)
        axes.set_yticks(
            range(len(found)), [shortened(each.label, 2 * LONGEST_LABEL) for each in found]
        )
        axes.set_ylim(len(found) - 0.5, -0.5)
        axes.grid(axis="y", visible=False)
        axes.tick_params(axis="y", length=0)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.set_xlabel(label)
        return finish()


def _mean(axes: Axes, arm: ArmResult, metric: str, y: float, colour: str) -> None:
    if math.isfinite(arm.mean.low):
        ends = within(metric, arm.mean.low, arm.mean.high)
        axes.plot(ends, [y, y], "-", color=colour, linewidth=2)
    axes.plot([arm.mean.estimate], [y], "d", color=INK, markersize=5, markeredgewidth=0)


def _spread(index: int, count: int) -> float:
    """Where a point lies in the row of an arm, -0.5 to 0.5: neighbours far apart."""
    return (index * 0.618034) % 1.0 - 0.5 if count > 1 else 0.0
