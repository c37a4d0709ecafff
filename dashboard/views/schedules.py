"""Learning-rate schedules: which is better, what each plans, and a preview of any of them."""

import streamlit as st

from dashboard.page import sections
from dashboard.page.messages import say_what_to_run, show_errors
from dashboard.page.parameters import as_yaml, component_inputs
from dashboard.page.refresh import live
from dashboard.page.selection import Selection, available, selected_study
from dashboard.page.widgets import show, show_figure
from dashboard.rendering import render_figure
from lightning_modules.optimization import SCHEDULES
from studies.reporting.figures.training.rates import (
    RatesInfo,
    draw_rates,
    planned,
    rates_info,
    rates_of,
)
from studies.reporting.figures.training.winners import winner_trainings

FIRST = ["cosine", "one_cycle", "step"]


def plans(selection: Selection) -> None:
    st.subheader("Learning rate, planned and logged")
    results = selection.results
    log = st.toggle("Logarithmic", key="log of plans")

    def plans_info() -> RatesInfo:
        found = {arm: winner_trainings(results, arm)[:1] for arm in selection.arms}
        trainings = [
            trial
            for trials in found.values()
            for trial in trials
            if {"optimizer", "schedule"} <= trial.configuration.keys()  # a class may bring its own
        ]
        logged = selection.histories(trainings, ["optim/lr"])
        rates = [
            rates_of(results, trial, logged.get(trial.key, {}).get("optim/lr", {}))
            for trial in trainings
        ]
        names = [arm or results.study for arm in results.arms]
        return rates_info(rates, names, log=log)

    with show_errors():
        nothing = "No trial has completed whose rate could be shown."
        show(selection, plans_info, draw_rates, "rates", nothing, by=(log,))


def page(selection: Selection) -> None:
    sections.heading(selection)
    sections.answer(selection)
    sections.verdict(selection)
    sections.ranking(selection)
    plans(selection)
    sections.effect(selection, "schedule", "Parameters")
    sections.pairs(selection)
    sections.learning(selection)
    sections.spending(selection)
    sections.tables(selection)


@st.fragment
def preview() -> None:
    st.header("Preview", help="The rate of every epoch, before anything is trained.")
    left, right = st.columns([1, 2], gap="large")
    with left:
        names = st.multiselect("Schedules", list(SCHEDULES), FIRST, key="previewed")
        epochs = st.number_input("Epochs", 1, 1000, 20, key="epochs of the preview")
        nodes = {name: component_inputs(SCHEDULES[name], name) for name in names}
    with right, show_errors():
        log = st.toggle("Logarithmic", key="log of the preview")
        rates = [planned(name, nodes[name], epochs) for name in names]
        info = rates_info(rates, names, log=log)
        show_figure(render_figure(info, draw_rates), "preview", "Choose a schedule.")
        if "plateau" in names:
            st.caption("plateau is drawn as if the objective never improved after the first epoch.")
        st.code(as_yaml("schedule", list(nodes.values())), language="yaml")


if available("schedule"):
    live(selected_study("schedule", arms=True), page)
else:
    say_what_to_run("schedule")
preview()
