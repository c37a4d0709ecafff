"""The figures of a report: curve records in, SVG text out. All arithmetic is in `curves`.

The SVG has no network reference, no date and no random name: equal records give equal bytes. Its
colours are variables of the page, so that it follows the page into the dark.
"""

from __future__ import annotations

import io
import itertools
import math
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from studies.analysis import ArmResult, ArmTuning
from studies.analysis.curves import ArmSearches, BestSoFar, LearningCurve
from studies.reporting.paired import PairDifferences
from studies.reporting.palette import COLOURS
from studies.results import is_share
from studies.results.wording import within

MARKERS, DASHES = "osD^v", ("-", "--", "-.", ":")
INK, FAINT, PAIRED = "#1a1b1c", "#b5b6b7", "#5b5f63"
PAGE_COLOURS = {
    **{colour.lower(): f"var(--arm-{index})" for index, colour in enumerate(COLOURS)},
    INK: "var(--ink)",
    FAINT: "var(--faint)",
    PAIRED: "var(--soft)",
}
WIDTH = 7.2
PER_ROW = 3
LONGEST_LABEL = 28

STYLE: dict[Any, object] = {
    "axes.edgecolor": FAINT,
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 8.5,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "font.family": "sans-serif",
    "font.size": 8.0,
    "grid.alpha": 0.35,
    "grid.color": FAINT,
    "grid.linewidth": 0.5,
    "legend.frameon": False,
    "svg.fonttype": "none",
    "text.color": INK,
    "text.parse_math": False,  # a `$` in a name is a `$`
    "xtick.color": INK,
    "ytick.color": INK,
}


class Look:
    """One look for an arm in every figure and table: its index in the file decides."""

    def __init__(self, arms: Sequence[str], study: str) -> None:
        self.index = {arm: index for index, arm in enumerate(arms)}
        self.study = study

    def label(self, arm: str) -> str:
        return _cut(arm or self.study, LONGEST_LABEL)

    def colour(self, arm: str) -> str:
        return COLOURS[self.number(arm)]

    def number(self, arm: str) -> int:
        """Which of the page's colours."""
        return self.index[arm] % len(COLOURS)

    def marker(self, arm: str) -> str:
        return MARKERS[self.index[arm] // len(COLOURS) % len(MARKERS)]

    def dash(self, arm: str) -> str:
        return DASHES[self.index[arm] // len(COLOURS) % len(DASHES)]


def dots(arms: Sequence[ArmResult], metric: str, look: Look) -> str:
    """Every confirmed value as a point, with the mean and its interval; best mean on top."""
    shown = [arm for arm in arms if arm.confirmed]
    units = sorted({unit for arm in shown for unit in arm.confirmed})
    shift = {unit: _spread(i, len(units)) for i, unit in enumerate(units)}
    with _figure("dots", 0.75 + 0.42 * len(shown)) as (figure, finish):
        axes = figure.add_subplot()
        for row, arm in enumerate(shown):
            colour = look.colour(arm.arm)
            ys = [row - 0.12 + 0.36 * shift[unit] for unit in arm.confirmed]
            axes.plot(
                list(arm.confirmed.values()),
                ys,
                look.marker(arm.arm),
                color=colour,
                alpha=0.55,
                markersize=4,
                markeredgewidth=0,
            )
            _mean(axes, arm, metric, row + 0.28, colour)
        axes.set_yticks(range(len(shown)), [look.label(arm.arm) for arm in shown])
        axes.set_ylim(len(shown) - 0.5, -0.5)
        axes.grid(axis="y", visible=False)
        axes.tick_params(axis="y", length=0)
        _scale(axes, metric, "x")
        return finish()


def differences(found: Sequence[PairDifferences], label: str, *, ratios: bool) -> str:
    """A row per pair: its differences as points, their mean and the interval; a line at none."""
    units = sorted({unit for each in found for unit in each.points})
    shift = {unit: _spread(i, len(units)) for i, unit in enumerate(units)}
    with _figure("differences", 0.75 + 0.42 * len(found)) as (figure, finish):
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
        axes.set_yticks(range(len(found)), [_cut(each.label, 2 * LONGEST_LABEL) for each in found])
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


def tuning_curves(found: Sequence[ArmTuning], metric: str, look: Look) -> str:
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
        curve, colour = each.curve, look.colour(each.arm)
        known = curve.ns <= curve.valid_until
        low, high = axes.get_ylim()
        lows, highs = curve.low.clip(low, high), curve.high.clip(low, high)
        for which, alpha in ((known, 0.28), (~known, 0.08)):
            axes.fill_between(
                curve.ns, lows, highs, where=which, alpha=alpha, color=colour, linewidth=0
            )
        axes.plot(curve.ns, curve.median, ":", color=colour, linewidth=1.2)
        axes.plot(curve.ns[known], curve.median[known], color=colour, linewidth=1.8)

    return _panels("tuning", found, metric, look, "trials", focus, others, own)


def learning_curves(found: Sequence[LearningCurve], metric: str, look: Look) -> str:
    """A panel per arm: the median over the fresh runs and all that lies between them."""
    focus = []
    for each in found:
        late = len(each.epochs) // 4
        focus += [*each.low[late:], *each.high[late:]]

    def others(axes: Axes, each: LearningCurve) -> None:
        axes.plot(each.epochs, each.median, color=FAINT, linewidth=0.8)

    def own(axes: Axes, each: LearningCurve) -> None:
        colour = look.colour(each.arm)
        axes.fill_between(each.epochs, each.low, each.high, color=colour, alpha=0.22, linewidth=0)
        axes.plot(each.epochs, each.median, color=colour, linewidth=1.8)

    return _panels("learning", found, metric, look, "epoch", focus, others, own)


def best_so_far(found: Sequence[BestSoFar], metric: str, look: Look) -> str:
    """The best value of every arm against the epochs it has spent, as steps."""
    focus = []
    for each in found:
        half = [
            v for e, v in zip(each.epochs, each.values, strict=True) if 4 * e <= each.epochs[-1]
        ]
        focus += [*half[-1:], each.values[-1]]
    with _figure("progress", 3.2) as (figure, finish):
        axes = figure.add_subplot()
        for each in found:
            axes.step(
                each.epochs,
                each.values,
                look.dash(each.arm),
                where="post",
                color=look.colour(each.arm),
                linewidth=1.6,
                label=look.label(each.arm),
            )
        axes.set_xlim(left=0)
        axes.set_ylim(*_limits(focus))
        axes.set_xlabel("epochs spent in the search")
        _scale(axes, metric, "y")
        if len(found) > 1:
            axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
        return finish()


Panel = TypeVar("Panel", ArmTuning, ArmSearches, LearningCurve)


def _panels(
    name: str,
    found: Sequence[Panel],
    metric: str,
    look: Look,
    across: str,
    focus: Sequence[float],
    others: Callable[[Axes, Panel], None],
    own: Callable[[Axes, Panel], None],
) -> str:
    columns = min(PER_ROW, len(found))
    rows = math.ceil(len(found) / columns)
    with _figure(name, (1.75 if columns > 1 else 2.6) * rows + 0.3) as (figure, finish):
        grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        panels = list(itertools.chain.from_iterable(grid))
        for axes, each in zip(panels, found, strict=False):
            axes.set_ylim(*_limits(focus))
            for other in found:
                if other is not each:
                    others(axes, other)
            own(axes, each)
            axes.set_title(look.label(each.arm), loc="left")
            axes.tick_params(labelbottom=True)
            axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
            _scale(axes, metric, "y", label=False)
        for axes in panels[len(found) :]:
            axes.set_visible(False)
        figure.supxlabel(across, fontsize=8)
        figure.supylabel(_axis_label(metric), fontsize=8)
        return finish()


def searches(found: Sequence[ArmSearches], metric: str, look: Look) -> str:
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
        colour = look.colour(each.arm)
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

    return _panels("searches", found, metric, look, "trials of a search", focus, others, own)


def _cut(text: str, longest: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _spread(index: int, count: int) -> float:
    """Where a point lies in the row of an arm, -0.5 to 0.5: neighbours far apart."""
    return (index * 0.618034) % 1.0 - 0.5 if count > 1 else 0.0


def _limits(focus: Sequence[float]) -> tuple[float, float]:
    """An axis on which what matters is large: the first, bad values may lie outside."""
    low, high = min(focus), max(focus)
    pad = 0.12 * (high - low) or 0.05 * abs(high) or 1.0
    return low - pad, high + pad


def _scale(axes: Axes, metric: str, way: str, *, label: bool = True) -> None:
    axis = axes.xaxis if way == "x" else axes.yaxis
    shown = (
        (lambda value, _: f"{100 * value:g}")
        if is_share(metric)
        else (lambda value, _: f"{value:g}")
    )
    axis.set_major_formatter(FuncFormatter(shown))
    if label:
        axis.set_label_text(_axis_label(metric))


def _axis_label(metric: str) -> str:
    return f"{metric} (%)" if is_share(metric) else metric


@contextmanager
def _figure(name: str, height: float) -> Iterator[tuple[Figure, Callable[[], str]]]:
    """An empty figure and what makes it SVG; names in the SVG begin with that of the figure."""
    with matplotlib.rc_context({**STYLE, "svg.hashsalt": name}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)  # the page has it
        figure = Figure(figsize=(WIDTH, height), layout="constrained")

        def finish() -> str:
            buffer = io.StringIO()
            figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
            return _for_page(buffer.getvalue())

        yield figure, finish


def _for_page(svg: str) -> str:
    """The SVG element alone: no prologue, no metadata, no size, no name that nothing uses."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'<g id="[a-zA-Z]+[A-Za-z0-9]*_\d+"', "<g", svg)
    for colour, variable in PAGE_COLOURS.items():
        svg = svg.replace(colour, variable)
    return svg.strip()
