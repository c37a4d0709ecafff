"""All trials of a study: the best first, filtered, grouped, compared, and to take away."""

import streamlit as st

from dashboard import data
from dashboard.page.columns import chosen_columns
from dashboard.page.compared_trials import show_picked
from dashboard.page.failures import show_failures
from dashboard.page.refresh import live
from dashboard.page.selection import Selection, selected_study
from dashboard.page.tables import as_parquet, for_file, named_columns, usual_columns
from dashboard.page.trial_filters import draw_sidebar_again, fitting, trial_filters
from dashboard.page.trial_groups import grouping, show_groups
from dashboard.page.trial_table import LISTED, show_trials
from studies.home import slug
from studies.reporting.render import FILES
from studies.reporting.spreadsheet import csv_text


def page(selection: Selection) -> None:
    draw_sidebar_again()
    table = data.trials(selection.home, selection.study, selection.entry.token)
    if table.empty:
        st.info("No trial of this study has started yet.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        filters = trial_filters(selection, table)
        by = grouping(selection)
        columns = chosen_columns(named_columns(table), usual_columns(selection.results, table))
    if by:
        show_groups(selection, table, by, filters)
    found = fitting(selection, table, filters)
    best = f"the best {LISTED:,} are listed" if len(found) > LISTED else "the best first"
    st.caption(f"{len(found):,} of {len(table):,} trials, {best}.")
    show_trials(selection, found, columns)
    show_picked(selection)
    name, rows = slug(selection.study), for_file(found, columns)
    with st.container(horizontal=True):
        st.download_button(
            "These rows as CSV", lambda: csv_text(rows), FILES["csv"].format(name), "text/csv",
            key="csv", on_click="ignore", icon=":material/download:",
        )  # fmt: skip
        st.download_button(
            "As Parquet", lambda: as_parquet(rows), f"{name}-trials.parquet",
            "application/vnd.apache.parquet",
            key="parquet", on_click="ignore", icon=":material/download:",
        )  # fmt: skip
    show_failures(selection, here=True)


live(selected_study(metric=False, arms=True), page)
