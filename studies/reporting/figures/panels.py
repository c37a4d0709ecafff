"""A panel for each arm, on equal axes."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import TypeVar

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from studies.analysis import ArmTuning
from studies.analysis.curves import ArmSearches, LearningCurve
from studies.reporting.figures.arm_style import ArmStyle
from studies.reporting.figures.svg import axis_label, focused_limits, metric_axis, svg_figure

PER_ROW = 3
Panel = TypeVar("Panel", ArmTuning, ArmSearches, LearningCurve)


def panels(
    name: str,
    found: Sequence[Panel],
    metric: str,
    style: ArmStyle,
    across: str,
    focus: Sequence[float],
    others: Callable[[Axes, Panel], None],
    own: Callable[[Axes, Panel], None],
) -> str:
    """A panel for each arm: `own` draws what it is about, `others` the other arms behind it.

    `across` is the label of the horizontal axis; the vertical one holds the values in `focus`.
    """
    columns = min(PER_ROW, len(found))
    rows = math.ceil(len(found) / columns)
    with svg_figure(name, (1.75 if columns > 1 else 2.6) * rows + 0.3) as (figure, finish):
        grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        places = list(itertools.chain.from_iterable(grid))
        for axes, each in zip(places, found, strict=False):
            axes.set_ylim(*focused_limits(focus))
            for other in found:
                if other is not each:
                    others(axes, other)
            own(axes, each)
            axes.set_title(style.label(each.arm), loc="left")
            axes.tick_params(labelbottom=True)
            axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
            metric_axis(axes, metric, "y", label=False)
        for axes in places[len(found) :]:
            axes.set_visible(False)
        figure.supxlabel(across, fontsize=8)
        figure.supylabel(axis_label(metric), fontsize=8)
        return finish()
