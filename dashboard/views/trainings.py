"""Trainings: every training by epoch, and how the winners learn."""

from functools import partial

import streamlit as st

from dashboard import data
from dashboard.page import sections
from dashboard.page.live import Section, with_started, with_winners
from dashboard.page.selection import Selection, about_search, one_search, selected_study
from dashboard.page.study_page import show_study
from dashboard.page.widgets import curve_options, log_axis, show
from studies.reporting.figures.search.intermediate import draw_intermediate, intermediate_info


def every_training(selection: Selection) -> None:
    objective = selection.results.spec.objective.metric
    options, log = curve_options(), log_axis(objective)
    results = one_search(selection)
    curves = partial(intermediate_info, results, selection.arms, options, log_metric=log)
    nothing = "No training has reported an epoch yet."
    by = (selection.repeat, options, log)
    show(selection, curves, draw_intermediate, "intermediate values", nothing, by=by)
    about_search(selection)
    report = data.report(selection.home, selection.study, selection.entry.token, objective)
    pruned = [a for a in report.design_warnings if a.kind == "pruning" and a.arm in selection.arms]
    if pruned:
        st.caption("  \n".join(map(sections.warning_text, pruned)))


SECTIONS = (
    Section("trainings", "Every training by epoch", every_training, with_started),
    Section("learning", "Learning curves of the winners", sections.learning, with_winners),
)
show_study(selected_study(arms=True, searches=True), lambda _: SECTIONS)
