"""Regularization: what it does to overfitting, and how strong it should be."""

from functools import partial

import streamlit as st

from dashboard import sections
from dashboard.figures.training import (
    OverfittingInfo,
    draw_gap,
    draw_overfitting,
    gap_info,
    learners,
    overfitting_info,
)
from dashboard.shared import Chosen, chosen_study, live, polite, show


def overfitting(chosen: Chosen) -> None:
    st.subheader("Training against validation")
    name = chosen.metric.rpartition("/")[2]

    def curves() -> OverfittingInfo:
        trials = [trial for arm in chosen.arms for trial in learners(chosen.results, arm)]
        found = chosen.histories(trials, [f"train/{name}", f"val/{name}"])
        return overfitting_info(chosen.results, chosen.metric, found, chosen.arms)

    with polite():
        nothing = "No curve is known of a completed trial."
        show(chosen, curves, draw_overfitting, "overfitting", nothing)
    st.subheader("Overfitting gap", help="How much better an arm is on what it has seen.")
    nothing = f"{name} of the training part was not logged by any completed trial."
    gaps = partial(gap_info, chosen.results, chosen.metric, chosen.arms)
    show(chosen, gaps, draw_gap, "gap", nothing)
    sections.few_shown(chosen)


def page(chosen: Chosen) -> None:
    sections.heading(chosen)
    sections.verdict(chosen)
    sections.ranking(chosen)
    overfitting(chosen)
    sections.effect(chosen, "regularization", "Strength")
    sections.pairs(chosen)
    sections.learning(chosen)
    sections.spending(chosen)
    sections.tables(chosen)


live(chosen_study("regularization", arms=True), page)
