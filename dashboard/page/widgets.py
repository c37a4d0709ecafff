"""Figures and links on a page."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

import streamlit as st

from dashboard.page import address
from dashboard.page.messages import escape, marked
from dashboard.page.selection import Selection
from dashboard.rendering import RenderedFigure, SomeInfo, render_figure
from studies.reporting.figures.common import Picture
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
    show_figure(figure, name, nothing, small=small)
    return figure.info


def show_figure(
    figure: RenderedFigure[SomeInfo], name: str, nothing: str, *, small: bool = False
) -> None:
    """A figure with its caption and its data; `nothing` is said where there is none to draw.

    `name` is the figure's, once on a page: the file of its data is called so.
    """
    info = figure.info
    if info.empty:
        st.caption(marked(nothing))
        return
    spec = figure.shown(dark=st.context.theme.type == "dark")
    st.vega_lite_chart(spec=spec, alt=info.alt, key=f"figure {name}")
    words, download = st.columns([9, 1], gap="small")
    if small:
        words.caption("", help=marked(info.caption))
    else:
        words.caption(marked(info.caption))
    with download:
        st.download_button(
            ":material/download:",
            lambda: csv_text(info.data),
            f"{name}.csv",
            "text/csv",
            key=f"csv {name}",
            help="The data of this figure, as CSV",
            on_click="ignore",
            type="tertiary",
        )


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
