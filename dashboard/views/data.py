"""What a study learned from, what it ran on, and its file; with its report to take away."""

import pandas as pd
import streamlit as st

from dashboard.page.live import Section
from dashboard.page.messages import escape, marked
from dashboard.page.selection import Selection, selected_study
from dashboard.page.study_page import show_study
from lightning_modules.data.preparation.summary import DataSummary
from studies.home import slug
from studies.reporting.render import FILES, render
from studies.reporting.tables.data import classes_table, columns_table, parts_table, seen_rows
from studies.results import StudyResults, plural

SHARE = {"share": st.column_config.NumberColumn(format="percent")}


def show_data(selection: Selection) -> None:
    """Every data set that the study read, or the rows that its trials saw."""
    results = selection.results
    for summary in results.data:
        show_summary(summary)
    if not results.data:
        show_parts(results)


def show_summary(summary: DataSummary) -> None:
    """The parts, classes and columns of one data set."""
    st.markdown(f"**{escape(summary.name)}**")
    facts = [plural(sum(summary.rows.values()), "row")]
    if summary.shape:
        shape = " × ".join(map(str, summary.shape))
        facts.append(f"inputs of {shape} numbers, {summary.megabytes:.3g} MB in memory")
    kinds = "labels" if summary.several else "classes"
    facts.append(
        plural(summary.outputs, kinds[:-1] if not summary.several else "label", kinds)
        if summary.classes
        else plural(summary.outputs, "value to predict", "values to predict")
    )
    st.caption(escape(" · ".join(facts)))
    for warning in summary.warnings:
        st.warning(marked(warning))
    left, right = st.columns(2, gap="large")
    with left:
        table(parts_table(summary.rows), "Rows of the parts")
        if summary.classes:
            table(classes_table(summary), "Rows of the classes in each part")
    with right:
        if summary.columns:
            table(columns_table(summary), "Columns of the file")
        if summary.values:
            table(pd.DataFrame({"value to predict": list(summary.values)}), "Values to predict")
    if summary.notices:
        st.markdown("\n".join(f"- {marked(notice)}" for notice in summary.notices))


def show_parts(results: StudyResults) -> None:
    """The rows that trials saw, where no file was read whose content could be told."""
    rows = seen_rows(results)
    if not rows:
        st.caption("Nothing is known of the data yet: no trial has told its rows.")
        return
    st.caption("The rows as the first trial saw them.")
    table(parts_table(rows), "Rows of the parts")


def show_environment(selection: Selection) -> None:
    """What the last run ran on, with which packages, and the identities of the files."""
    results = selection.results
    if not results.versions and not results.hardware:
        st.caption("They are recorded when a run ends; none has ended yet.")
    left, right = st.columns(2, gap="large")
    for column, name, facts in (
        (left, "machine", results.hardware),
        (left, "file", results.files),
        (right, "package", results.versions),
    ):
        if facts:
            with column:
                told = "identity" if name == "file" else "version" if name == "package" else "is"
                table(pd.DataFrame({name: list(facts), told: list(facts.values())}), name)


def show_file(selection: Selection) -> None:
    """The study file, to copy and to take away, and the report."""
    results, name = selection.results, slug(selection.study)
    with st.container(horizontal=True):
        st.download_button(
            "The study file", results.spec.text, f"{name}.yaml", "application/yaml",
            key="file", on_click="ignore", icon=":material/download:",
        )  # fmt: skip
        st.download_button(
            "The study's report", lambda: render(results, "html"), FILES["html"].format(name),
            "text/html", key="report", on_click="ignore", icon=":material/description:",
            help="One page that needs no network; it is made when you press this",
        )  # fmt: skip
    st.code(results.spec.text, language="yaml")


def table(frame: pd.DataFrame, name: str) -> None:
    """A table of facts."""
    st.dataframe(frame, hide_index=True, column_config=SHARE, alt=name)


SECTIONS = (
    Section("data", "What the data became", show_data),
    Section("environment", "Versions and machine", show_environment),
    Section("file", "The study file", show_file),
)
show_study(selected_study(metric=False), lambda _: SECTIONS)
