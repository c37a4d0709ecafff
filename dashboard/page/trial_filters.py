"""Which trials a page lists: by text, phase, outcome and repeat, all of them in the address."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard import data
from dashboard.page import address
from dashboard.page.selection import Selection, kept_keys
from dashboard.page.tables import Filters, filtered, outcomes

REPEAT = "repeat"
CHANGED = "sidebar follows"


def trial_filters(selection: Selection, table: pd.DataFrame) -> Filters:
    """Inputs for the filters beside the arms, which are picked in the sidebar."""
    text = st.text_input(
        "Text", **address.text("text"), type="search", width=220, placeholder="anywhere in a row"
    )
    chosen: dict[str, tuple[str, ...]] = {}
    for name, options in (
        ("phase", list(dict.fromkeys(table["phase"]))),
        ("outcome", sorted(set(outcomes(table)))),
    ):
        picked = st.pills(
            name.capitalize(), options, selection_mode="multi",
            **address.several(name, options),
            format_func=lambda option: option.replace("_", " "),
        )  # fmt: skip
        chosen[name] = tuple(picked)
    if selection.results.spec.repeats > 1:
        repeats = [str(repeat) for repeat in sorted(set(table["repeat"]))]
        bound = address.several(REPEAT, repeats)
        chosen[REPEAT] = tuple(
            st.multiselect("Repeat", repeats, **bound, placeholder="all", width=160)
        )
    return Filters(arm=selection.selected_arms, text=text or "", **chosen)


def only_groups(name: str, groups: list[str]) -> None:
    """Lists the trials of these arms or repeats alone, of all where there are none."""
    address.write(name, groups)
    sidebar_follows()


def sidebar_follows() -> None:
    """Lets the sidebar, which has arms and picked trials, be drawn again with the list."""
    st.session_state[CHANGED] = True


def draw_all_again() -> None:
    """Where the sidebar shall follow: it is no part of what is drawn again on its own."""
    if st.session_state.pop(CHANGED, False):
        st.rerun()


def fitting(selection: Selection, table: pd.DataFrame, filters: Filters) -> pd.DataFrame:
    """The rows of the study's table of trials that fit the filters and the brushed ranges."""

    def rows() -> pd.DataFrame:
        found, kept = filtered(table, filters), kept_keys(selection)
        return found if kept is None else found[found["trial"].isin(kept)]

    study = (selection.home, selection.study, selection.entry.token)
    return data.filtered(*study, (filters, selection.within), rows)
