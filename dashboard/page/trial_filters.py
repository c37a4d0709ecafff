"""Which trials a page lists: by text, phase, outcome and repeat, all of them in the address."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard import data
from dashboard.page import address
from dashboard.page.selection import Selection
from dashboard.page.tables import Filters, filtered, outcomes

PHASE, OUTCOME, REPEAT = "phase", "outcome", "repeat"
CHANGED = "filters changed"


def trial_filters(selection: Selection, table: pd.DataFrame) -> Filters:
    """Inputs for the filters beside the arms, which are picked in the sidebar."""
    text = st.text_input(
        "Text", **address.text("text"), type="search", width=220,
        placeholder="anywhere in a row",
    )  # fmt: skip
    chosen: dict[str, tuple[str, ...]] = {}
    for name, options in (
        (PHASE, list(dict.fromkeys(table["phase"]))),
        (OUTCOME, sorted(set(outcomes(table)))),
    ):
        chosen[name] = tuple(
            st.pills(
                name.capitalize(), options, selection_mode="multi",
                **address.several(name, options),
                format_func=lambda option: option.replace("_", " "),
            )
        )  # fmt: skip
    if selection.results.spec.repeats > 1:
        repeats = [str(repeat) for repeat in sorted(set(table["repeat"]))]
        chosen[REPEAT] = tuple(
            st.multiselect(
                "Repeat", repeats, **address.several(REPEAT, repeats), placeholder="all", width=160
            )
        )
    return Filters(arm=selection.selected_arms, text=text or "", **chosen)


def list_failed(arm: str, outcome: str) -> None:
    """Lists the trials of an arm's searches that ended so, alone."""
    address.write(PHASE, ["search"])
    address.write(OUTCOME, [outcome])
    st.session_state[CHANGED] = True
    if arm:
        filter_arms([arm])


def filter_arms(arms: list[str]) -> None:
    """Lists the trials of these arms alone, of all where there are none."""
    address.write("arm", arms)
    st.session_state[CHANGED] = True


def draw_all_again() -> None:
    """Where filters were changed in a part of the page that is drawn again on its own: the others
    and the sidebar, which has the arms, follow."""
    if st.session_state.pop(CHANGED, False):
        st.rerun()


def fitting(selection: Selection, table: pd.DataFrame, filters: Filters) -> pd.DataFrame:
    """The rows of the study's table of trials that fit the filters."""
    study = (selection.home, selection.study, selection.entry.token)
    return data.filtered(*study, filters, lambda: filtered(table, filters))
