"""The table of trials, to look through and to take away; and the study's report."""

import streamlit as st

from dashboard import data
from dashboard.page import address
from dashboard.page.live import Section
from dashboard.page.messages import escape
from dashboard.page.selection import Selection, selected_study
from dashboard.page.study_page import show_study
from dashboard.page.tables import as_parquet, filtered, outcomes, usual_columns
from lightning_modules.data.preparation.summary import summary_lines
from studies.home import slug
from studies.reporting.render import FILES, render
from studies.reporting.spreadsheet import csv_text
from studies.sentences.description import PHASES

FEW = 12  # rows that need no scrolling


def page(selection: Selection) -> None:
    table = data.trials(selection.home, selection.study, selection.entry.token)
    if table.empty:
        st.info("No trial of this study has started yet.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        text = st.text_input(
            "Text", **address.text("text"), type="search", width=260,
            placeholder="anywhere in a row",
        )  # fmt: skip
        phase = st.pills(
            "Phase", PHASES, selection_mode="multi", **address.several("phase", PHASES)
        )
        met = sorted(set(outcomes(table)))
        outcome = st.pills(
            "Outcome", met, selection_mode="multi", **address.several("outcome", met)
        )
        usual = usual_columns(selection.results, table)
        with st.popover("Columns", icon=":material/view_column:"):
            names = list(table.columns)
            asked = st.multiselect(
                "Columns of the table and of the files", names,
                **address.several("columns", names, usual),
            )  # fmt: skip
    columns = asked or usual
    found = filtered(
        table, arm=selection.selected_arms, phase=phase, outcome=outcome, text=text or ""
    )
    st.caption(f"{len(found):,} of {len(table):,} trials. Pick a row to open its trial.")
    shown = found[columns]
    figures = shown.select_dtypes("float").columns
    picked = st.dataframe(
        shown,
        hide_index=True,
        key="trials",
        on_select="rerun",
        selection_mode="single-row",
        height=460 if len(shown) > FEW else "content",
        placeholder="–",
        column_config={name: st.column_config.NumberColumn(format="%.4g") for name in figures},
    ).selection.rows
    if picked and picked[0] < len(found):
        key = str(found["trial"].iloc[picked[0]])
        st.page_link(
            "views/trial.py", label=f"Open {escape(key)}", icon=":material/science:",
            query_params={"study": selection.study, "trial": key},
        )  # fmt: skip
    if selection.results.data:
        with st.expander("What the data became"):
            for summary in selection.results.data:
                st.text("\n".join(summary_lines(summary)))
    name = slug(selection.study)
    with st.container(horizontal=True):
        st.download_button(
            "These rows as CSV", lambda: csv_text(shown), FILES["csv"].format(name), "text/csv",
            key="csv", on_click="ignore", icon=":material/download:",
        )  # fmt: skip
        st.download_button(
            "As Parquet", lambda: as_parquet(shown), f"{name}-trials.parquet",
            "application/vnd.apache.parquet",
            key="parquet", on_click="ignore", icon=":material/download:",
        )  # fmt: skip
        st.download_button(
            "The study's report", lambda: render(selection.results, "html"),
            FILES["html"].format(name), "text/html",
            key="report", on_click="ignore", icon=":material/description:",
            help="One page that needs no network; it is made when you press this",
        )  # fmt: skip


show_study(selected_study(metric=False, arms=True), lambda _: [Section("table", "", page)])
