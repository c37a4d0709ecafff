"""Figures, links and switches on a page."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Sequence

import streamlit as st

from dashboard.page import address
from dashboard.page.messages import escape, marked
from dashboard.page.picks import picked, touch_figure
from dashboard.page.selection import Selection
from dashboard.rendering import RenderedFigure, SomeInfo, render_figure
from studies.home import slug
from studies.reporting.figures.common import Picture
from studies.reporting.figures.curves import MOST, CurveOptions
from studies.reporting.spreadsheet import csv_text
from studies.results import is_share


def show(
    selection: Selection,
    make: Callable[[], SomeInfo],
    draw: Callable[[SomeInfo], Picture],
    name: str,
    nothing: str,
    *,
    by: tuple[Hashable, ...] = (),
    small: bool = False,
) -> SomeInfo:
    """A figure of a study, see `show_figure`; it is kept until the study changes, or, while that
    runs, made anew. `by` has all that it depends on beside the study, the metric, the picked arms
    and its name. One of small multiples says its caption only where the pointer asks for it."""

    def drawing() -> RenderedFigure[SomeInfo]:
        return render_figure(make(), draw)

    figure = (
        drawing() if selection.state == "running" else selection.kept_figure((name, *by), drawing)
    )
    show_figure(figure, name, nothing, study=selection.study, small=small)
    return figure.info


def show_figure(
    figure: RenderedFigure[SomeInfo],
    name: str,
    nothing: str,
    *,
    study: str = "",
    small: bool = False,
) -> None:
    """A figure with its caption and its files; `nothing` is said where there is none to draw.

    `name` is the figure's, once on a page; its files are called so, after the name of the study.
    """
    info = figure.info
    if info.empty:
        st.caption(marked(nothing))
        return
    dark = st.context.theme.type == "dark"
    if figure.touchable:
        touch_figure(figure.shown(dark=dark, picked=picked()), info.alt, f"figure {name}")
    else:
        st.vega_lite_chart(spec=figure.shown(dark=dark), alt=info.alt, key=f"figure {name}")
    with st.container(horizontal=True, gap="small"):
        if small:
            st.caption("", help=marked(info.caption), width="stretch")
        else:
            st.caption(marked(info.caption), width="stretch")
        downloads(figure, name, study)


def downloads(figure: RenderedFigure[SomeInfo], name: str, study: str) -> None:
    """A menu of the files of a figure, each made when it is asked for."""
    title = f"{study} {name}".strip()
    file_name = slug(re.sub(r"[\s/]+", "-", title))
    files: dict[str, tuple[str, Callable[[], str | bytes]]] = {
        "CSV": ("text/csv", lambda: csv_text(figure.info.data)),
        "SVG": ("image/svg+xml", lambda: figure.svg(title)),
        "PNG": ("image/png", figure.png),
    }
    with st.popover(
        "Download", icon=":material/download:", type="tertiary", key=f"download {name}"
    ):
        for form, (kind, make) in files.items():
            st.download_button(
                form,
                make,
                f"{file_name}.{form.lower()}",
                kind,
                key=f"{form.lower()} {name}",
                on_click="ignore",
                type="tertiary",
            )


def curve_options(name: str = "") -> CurveOptions:
    """Switches for curves: how much they are smoothed, and whether outliers are on their axis.

    Both are in the address; `name` tells them apart where a page has them more than once.
    """
    after = f" {name}" if name else ""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        smoothing = st.slider(
            "Smoothing",
            0.0,
            MOST,
            step=0.01,
            **address.number(f"smoothing{after}", 0.0, MOST, 0.0),
            width=220,
            help="The weight of the past in an exponential moving average; the values themselves "
            "stay visible.",
        )
        ignored = st.toggle(
            "Ignore outliers",
            **address.switch(f"ignore outliers{after}", usual=True),
            help="Values far beyond the others are arrows at the edge, with their number.",
        )
    return CurveOptions(smoothing, outliers=not ignored)


def log_axis(metric: str, name: str = "log") -> bool:
    """A switch for a logarithmic axis of a metric; shares have none."""
    if is_share(metric):
        return False
    return st.toggle(
        "Logarithmic axis",
        **address.switch(name),
        help=f"For {escape(metric)}, where all of its values are positive: none lies beyond then.",
    )


def link(page: str, label: str, **shown: str | Sequence[str]) -> None:
    """A link to a page, such as `trial`, with what it shall show."""
    st.page_link(f"views/{page}.py", label=escape(label), query_params=shown)
