"""Which trials a page lists: by text, phase, outcome and repeat, all of them in the address."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard import data
from dashboard.page.selection import Selection
from dashboard.page.tables import Filters, filtered, outcomes

REPEAT = "repeat"


def trial_filters(selection: Selection, table: pd.DataFrame) -> Filters:
    """Inputs for the filters beside the arms, which are picked in the sidebar."""
    text = st.text_input(
        "Text", key="text", type="search", bind="query-params", width=220,
        placeholder="anywhere in a row",
    )  # fmt: skip
    chosen: dict[str, tuple[str, ...]] = {}
    for name, options in (
        ("phase", list(dict.fromkeys(table["phase"]))),
        ("outcome", sorted(set(outcomes(table)))),
    ):
        chosen[name] = tuple(
            st.pills(
                name.capitalize(), options, selection_mode="multi", key=name, bind="query-params",
                format_func=lambda option: option.replace("_", " "),
            )
        )  # fmt: skip
    if selection.results.spec.repeats > 1:
        repeats = [str(repeat) for repeat in sorted(set(table["repeat"]))]
        chosen[REPEAT] = tuple(
            st.multiselect(
                "Repeat", repeats, key=REPEAT, bind="query-params", placeholder="all", width=160
            )
        )
    return Filters(arm=selection.selected_arms, text=text or "", **chosen)


def fitting(selection: Selection, table: pd.DataFrame, filters: Filters) -> pd.DataFrame:
    """The rows of the study's table of trials that fit the filters."""
    study = (selection.home, selection.study, selection.entry.token)
    return data.filtered(*study, filters, lambda: filtered(table, filters))
