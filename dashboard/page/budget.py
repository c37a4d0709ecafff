"""What more of a study would show, and what it costs."""

from __future__ import annotations

from functools import partial

import streamlit as st

from dashboard.page.messages import marked
from dashboard.page.selection import Selection
from dashboard.page.widgets import show
from studies.reporting.figures.comparison.budget import budget_info, draw_budget
from studies.reporting.figures.comparison.sources import draw_sources, sources_info


def budget(selection: Selection) -> None:
    """What more repeats or fresh seeds would show, what that costs and the command for it, beside
    where the uncertainty comes from."""
    results, comparison = selection.results, selection.comparison
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.markdown("**Detectable difference**")
        nothing = "It is told of a finished study that compares arms by repeated searches."
        options = partial(budget_info, results, comparison)
        info = show(selection, options, draw_budget, "budget", nothing)
    with right:
        st.markdown("**Sources of variance**")
        nothing = "Nothing is told apart with one search of each arm."
        show(
            selection, partial(sources_info, results, comparison), draw_sources, "sources", nothing
        )
    more = info.data[~info.data["today"].astype(bool)]
    if len(more):
        words = (
            more["shown"] + " with " + more["repeats"].astype(str) + " repeats, " + more["seeds"]
        )
        said = (words + " (" + more["time"] + ")").tolist()
        picked = st.selectbox("What to buy", said, key="bought")
        st.code(more["command"].iloc[said.index(picked)], language="bash", wrap_lines=True)
        st.caption(marked(selection.report.budget.note))
