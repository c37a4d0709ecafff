"""Which arms a figure shows that cannot show many."""

from __future__ import annotations

import streamlit as st

from dashboard.page.selection import Selection


def few_shown(selection: Selection) -> None:
    """Says so where not all arms are in the figures."""
    if len(selection.arms) < len(selection.comparison.arms):
        which = "the picked" if selection.selected_arms else "the best"
        every = len(selection.comparison.arms)
        shown = f"Shown are {which} {len(selection.arms)} of {every} arms"
        st.caption(f"{shown}; pick others on the left.")
