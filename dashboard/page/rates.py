"""Learning-rate schedules: what each plans and what was logged, and a preview of any of them."""

from __future__ import annotations

import streamlit as st

from dashboard.page import address
from dashboard.page.messages import show_errors
from dashboard.page.parameters import as_yaml, component_inputs
from dashboard.page.selection import Selection
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
    """The rate of every epoch of the winners, as planned and as logged."""
    results = selection.results
    log = st.toggle("Logarithmic", **address.switch("log of plans"))

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

    nothing = "No trial has completed whose rate could be shown."
    show(selection, plans_info, draw_rates, "rates", nothing, by=(log,))


def preview() -> None:
    """The rate that any schedule would have, before anything is trained."""
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
