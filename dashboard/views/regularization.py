"""Regularization: what it does to overfitting, and how strong it should be."""

from functools import partial

import streamlit as st

from dashboard.page import sections
from dashboard.page.messages import marked, show_errors
from dashboard.page.refresh import live
from dashboard.page.selection import Selection, selected_study
from dashboard.page.widgets import show
from studies.reporting.figures.training.overfitting import (
    OverfittingInfo,
    draw_gap,
    draw_overfitting,
    gap_info,
    overfitting_info,
)
from studies.reporting.figures.training.winners import winner_trainings


def overfitting(selection: Selection) -> None:
    st.subheader("Training against validation")
    name = selection.metric.rpartition("/")[2]

    def curves() -> OverfittingInfo:
        trials = [
            trial for arm in selection.arms for trial in winner_trainings(selection.results, arm)
        ]
        found = selection.histories(trials, [f"train/{name}", f"val/{name}"])
        return overfitting_info(selection.results, selection.metric, found, selection.arms)

    with show_errors():
        every = curves()
        columns = st.columns(3)
        for index, arm in enumerate(dict.fromkeys(every.data["arm"])):
            with columns[index % len(columns)]:
                one = partial(every.of, arm)
                show(selection, one, draw_overfitting, f"overfitting of {arm}", "")
        st.caption(
            marked("No curve is known of a completed trial." if every.empty else every.caption)
        )
    st.subheader("Overfitting gap", help="How much better an arm is on what it has seen.")
    nothing = f"{name} of the training part was not logged by any completed trial."
    gaps = partial(gap_info, selection.results, selection.metric, selection.arms)
    show(selection, gaps, draw_gap, "gap", nothing)
    sections.few_shown(selection)


def page(selection: Selection) -> None:
    sections.heading(selection)
    sections.answer(selection)
    sections.verdict(selection)
    sections.ranking(selection)
    overfitting(selection)
    sections.effect(selection, "regularization", "Strength")
    sections.pairs(selection)
    sections.learning(selection)
    sections.spending(selection)
    sections.tables(selection)


live(selected_study("regularization", arms=True), page)
