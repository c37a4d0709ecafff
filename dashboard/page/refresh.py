"""A page that follows its study while that runs."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from dashboard.page.messages import show_errors
from dashboard.page.picked_panel import picked_panel
from dashboard.page.selection import Selection

SHORTEST_PAUSE, TRIALS_PER_SECOND, ARMS_PER_SECOND = 3.0, 200, 4
"""A running study is read again after so many seconds; a large one, which takes longer, later: the
study needs the processor more."""


def live(selection: Selection, page: Callable[[Selection], None]) -> None:
    """Draws a page; while its study runs, draws it again with what was found since."""
    running = selection.state == "running"
    trials, arms = len(selection.results.trials), len(selection.results.arms)
    pause = max(SHORTEST_PAUSE, trials / TRIALS_PER_SECOND, arms / ARMS_PER_SECOND)

    @st.fragment(run_every=pause if running else None)
    def body() -> None:
        with show_errors():
            now = selection.refreshed()
            if running and now.state != "running":
                st.rerun()  # a whole run of the page, which ends the refreshing
            page(now)
            picked_panel(now)

    body()
