"""All trials of a study: the best first, filtered, grouped, compared, and to take away."""

from collections.abc import Iterator

import streamlit as st

from dashboard import data
from dashboard.page.columns import chosen_columns
from dashboard.page.compared_trials import show_picked
from dashboard.page.failures import has_failures, show_failures
from dashboard.page.live import Row, Section, with_started
from dashboard.page.selection import Selection, selected_study
from dashboard.page.study_page import show_study
from dashboard.page.tables import as_parquet, for_file, named_columns, usual_columns
from dashboard.page.trial_filters import draw_all_again, fitting, trial_filters
from dashboard.page.trial_groups import grouping, show_groups
from dashboard.page.trial_table import LISTED, show_trials
from studies.home import slug
from studies.reporting.render import FILES
from studies.reporting.spreadsheet import csv_text


def trials(selection: Selection) -> None:
    draw_all_again()
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
    name, files = slug(selection.study), for_file(found, columns)
    with st.container(horizontal=True):
        st.download_button(
            "These rows as CSV", lambda: csv_text(files), FILES["csv"].format(name), "text/csv",
            key="csv", on_click="ignore", icon=":material/download:",
        )  # fmt: skip
        st.download_button(
            "As Parquet", lambda: as_parquet(files), f"{name}-trials.parquet",
            "application/vnd.apache.parquet",
            key="parquet", on_click="ignore", icon=":material/download:",
        )  # fmt: skip


def failures(selection: Selection) -> None:
    show_failures(selection, here=True)


def rows(selection: Selection) -> Iterator[Row]:
    yield Section("trials", "", trials, with_started)
    if has_failures(selection):
        yield Section("failures", "Why trials failed", failures)


show_study(selected_study(metric=False, arms=True), rows)
