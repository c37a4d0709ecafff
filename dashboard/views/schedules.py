"""Learning-rate schedules: which is better, what each plans, and a preview of any of them."""

import streamlit as st

from dashboard import sections
from dashboard.figures.rates import RatesInfo, draw_rates, planned, rates_info, rates_of
from dashboard.figures.training import learners
from dashboard.parameters import ask, shown_as_yaml
from dashboard.pictures import drawn
from dashboard.shared import (
    Chosen,
    available,
    chosen_study,
    live,
    polite,
    say_what_to_run,
    show,
    show_drawn,
)
from lightning_modules.optimization import SCHEDULES

FIRST = ["cosine", "one_cycle", "step"]


def plans(chosen: Chosen) -> None:
    st.subheader("Learning rate, planned and logged")
    results = chosen.results
    log = st.toggle("Logarithmic", key="log of plans")

    def plans_info() -> RatesInfo:
        found = {arm: learners(results, arm)[:1] for arm in chosen.arms}
        trainings = [
            trial
            for trials in found.values()
            for trial in trials
            if {"optimizer", "schedule"} <= trial.configuration.keys()  # a class may bring its own
        ]
        logged = chosen.histories(trainings, ["optim/lr"])
        rates = [
            rates_of(results, trial, logged.get(trial.key, {}).get("optim/lr", {}))
            for trial in trainings
        ]
        names = [arm or results.study for arm in results.arms]
        return rates_info(rates, names, log=log)

    with polite():
        nothing = "No trial has completed whose rate could be shown."
        show(chosen, plans_info, draw_rates, "rates", nothing, by=(log,))


def page(chosen: Chosen) -> None:
    sections.heading(chosen)
    sections.verdict(chosen)
    sections.ranking(chosen)
    plans(chosen)
    sections.effect(chosen, "schedule", "Parameters")
    sections.pairs(chosen)
    sections.learning(chosen)
    sections.spending(chosen)
    sections.tables(chosen)


@st.fragment
def preview() -> None:
    st.header("Preview", help="The rate of every epoch, before anything is trained.")
    left, right = st.columns([1, 2], gap="large")
    with left:
        names = st.multiselect("Schedules", list(SCHEDULES), FIRST, key="previewed")
        epochs = st.number_input("Epochs", 1, 1000, 20, key="epochs of the preview")
        nodes = {name: ask(SCHEDULES[name], name) for name in names}
    with right, polite():
        log = st.toggle("Logarithmic", key="log of the preview")
        rates = [planned(name, nodes[name], epochs) for name in names]
        info = rates_info(rates, names, log=log)
        show_drawn(drawn(info, draw_rates), "preview", "Choose a schedule.")
        if "plateau" in names:
            st.caption("plateau is drawn as if the objective never improved after the first epoch.")
        st.code(shown_as_yaml("schedule", list(nodes.values())), language="yaml")


if available("schedule"):
    live(chosen_study("schedule", arms=True), page)
else:
    say_what_to_run("schedule")
preview()
