"""The columns of a table that its reader chose: in the address, and kept for the visit."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboard.page import address

NAME, WIDGET = "column", "columns"


def chosen_columns(names: Sequence[str], usual: Sequence[str]) -> list[str]:
    """The columns of the address, else those that were chosen last, on whatever study; else the
    usual ones."""
    wanted = address.wanted(NAME, always=True)
    chosen = [name for name in wanted if name in names] or list(usual)
    st.session_state[WIDGET] = chosen
    if wanted:
        address.keep(NAME, chosen, usual)
    with st.popover("Columns", icon=":material/view_column:"):
        st.multiselect("Columns of the table and of the files", names, key=WIDGET, on_change=_keep)
        st.button("Usual columns", on_click=_forget, disabled=chosen == list(usual))
    return chosen


def _keep() -> None:
    address.write(NAME, st.session_state[WIDGET])


def _forget() -> None:
    address.forget(NAME)
