"""From a figure of matplotlib to SVG text for the page, and the axes that figures share.

The SVG has no network reference, no date and no random name: equal records give equal bytes. Its
colours are variables of the page, so that it follows the page into the dark.
"""

from __future__ import annotations

import io
import math
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from studies.reporting.palette import COLOURS
from studies.results import is_share

INK, FAINT, PAIRED = "#1a1b1c", "#b5b6b7", "#5b5f63"
PAGE_COLOURS = {
    **{colour.lower(): f"var(--arm-{index})" for index, colour in enumerate(COLOURS)},
    INK: "var(--ink)",
    FAINT: "var(--faint)",
    PAIRED: "var(--soft)",
}
WIDTH = 7.2

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


@contextmanager
def svg_figure(name: str, height: float) -> Iterator[tuple[Figure, Callable[[], str]]]:
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


def focused_limits(focus: Sequence[float]) -> tuple[float, float]:
    """An axis on which what matters is large: the first, bad values may lie outside."""
    finite = [value for value in focus if math.isfinite(value)] or [0.0, 1.0]
    low, high = min(finite), max(finite)
    pad = 0.12 * (high - low) or 0.05 * abs(high) or 1.0
    return low - pad, high + pad


def metric_axis(axes: Axes, metric: str, way: str, *, label: bool = True) -> None:
    """Values of a metric on an axis, `x` or `y`: shares in percent."""
    axis = axes.xaxis if way == "x" else axes.yaxis
    shown = (
        (lambda value, _: f"{100 * value:g}")
        if is_share(metric)
        else (lambda value, _: f"{value:g}")
    )
    axis.set_major_formatter(FuncFormatter(shown))
    if label:
        axis.set_label_text(axis_label(metric))


def axis_label(metric: str) -> str:
    """The name of a metric with its unit."""
    return f"{metric} (%)" if is_share(metric) else metric
