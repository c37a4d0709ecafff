"""The columns of a table that its reader chose: in the address, and kept for the visit."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboard.page import address

NAME, WIDGET, KEPT = "column", "columns", "last columns"


def chosen_columns(names: Sequence[str], usual: Sequence[str]) -> list[str]:
    """The columns of the address, else those that were chosen last, on whatever study; else the
    usual ones."""
    wanted = address.read(NAME) or st.session_state.get(KEPT, [])
    chosen = [name for name in wanted if name in names] or list(usual)
    st.session_state[WIDGET] = chosen
    address.write(NAME, [] if chosen == list(usual) else chosen)
    with st.popover("Columns", icon=":material/view_column:"):
        st.multiselect("Columns of the table and of the files", names, key=WIDGET, on_change=_keep)
        st.button("Usual columns", on_click=_forget, disabled=chosen == list(usual))
    return chosen


def _keep() -> None:
    st.session_state[KEPT] = list(st.session_state[WIDGET])
    address.write(NAME, st.session_state[KEPT])


def _forget() -> None:
    st.session_state.pop(KEPT, None)
    address.write(NAME, [])
