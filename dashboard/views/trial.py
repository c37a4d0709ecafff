"""One trial: how it ended, its curves, and its configuration beside others."""

import streamlit as st

from dashboard import data
from dashboard.page import address
from dashboard.page.annotations import show_annotation
from dashboard.page.live import Section
from dashboard.page.messages import escape, marked, show_prose
from dashboard.page.mlflow_link import show_link
from dashboard.page.selection import Selection, selected_study
from dashboard.page.selectors import LISTED, select
from dashboard.page.study_page import show_study
from dashboard.page.widgets import curve_options, link, show_figure
from dashboard.rendering import render_figure
from studies.records import Outcome, Trial
from studies.reporting.figures.curves import PLAIN
from studies.reporting.figures.training.trials import (
    curve_names,
    curves_info,
    defaults_of,
    difference,
    draw_curves,
    study_file,
)
from studies.results import duration, level, plural, resource_words
from studies.sentences.trial_words import same_configuration, standing, way_on

PHASES = {
    "search": "search",
    "confirm": "confirmation on a fresh seed",
    "cross": "a winner of another repeat on this split",
}
NOBODY = "no other trial"
LINKED = 12  # runs on fresh seeds that get a link each


def page(selection: Selection) -> None:
    trials = {trial.key: trial for trial in selection.results.trials}
    if key not in trials:
        st.info("No trial of this study has started yet.")
        return
    trial = trials[key]
    other = trials.get(beside)
    show_outcome(selection, trial)
    show_curves(selection, [trial, *([other] if other else [])])
    show_configuration(selection, trial, other)


def show_outcome(selection: Selection, trial: Trial) -> None:
    objective = selection.results.spec.objective
    st.header(escape(trial.key))
    facts = {
        "Outcome": str(trial.outcome or "running").replace("_", " "),
        objective.metric: level(objective.metric, trial.value),
        "Best epoch": str(trial.best_epoch or "–"),
        "Epochs": str(trial.epochs or "–"),
        "Time": duration(trial.seconds) if trial.outcome else "–",
    }
    with st.container(horizontal=True, gap="medium"):
        for label, value in facts.items():
            st.metric(escape(label), value, width="content")
    show_relatives(selection, trial)
    about = [f"arm {trial.arm}"] if trial.arm else []
    about += [PHASES[trial.phase]]
    repeats = selection.results.spec.repeats
    if repeats > 1:
        about += [f"repeat {trial.repeat} of {repeats}"]
    if trial.split_seed is not None:
        about += [f"split {trial.split_seed}"]
    about += [f"seed {trial.seed}"]
    about += ["the defaults"] if trial.default else []
    about += [f"trained on {trial.device}"] if trial.device else []
    st.caption(escape(", ".join(about)))
    if trial.system:
        st.caption(escape(resource_words(trial.system)))
    run = f"{selection.study}/{trial.key}"
    show_annotation(selection.home, run, trial.annotation)
    if trial.reason:
        bad = trial.outcome not in (Outcome.completed, Outcome.pruned, Outcome.interrupted)
        (st.error if bad else st.info)(marked(trial.reason))
    if said := way_on(selection.results, trial):
        with st.container(border=True):
            show_prose(said)
    if trial.traceback:
        with st.expander("Traceback"):
            st.code(trial.traceback, language=None)
    show_link(selection.home, trial)


def show_relatives(selection: Selection, trial: Trial) -> None:
    """Its rank, with links to the trials beside it, and to those of its configuration."""
    results = selection.results
    place, same = standing(results, trial), same_configuration(results, trial)
    of_search = trial.phase == "search"
    groups = [
        (place.words, [place.better, place.worse]),
        ("The same on fresh seeds:" if of_search else "Found by", same[:LINKED]),
    ]
    for words, keys in groups:
        linked = [key for key in keys if key]
        if words and (linked or words == place.words):
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                st.caption(escape(words), width="content")
                for key in linked:
                    arrow = {place.better: "better: ", place.worse: "worse: "}.get(key, "")
                    link("trial", f"{arrow}{key}", study=selection.study, trial=key)
    if len(same) > LINKED:
        st.caption(f"and {len(same) - LINKED} more")


def show_curves(selection: Selection, shown: list[Trial]) -> None:
    st.subheader("Curves")
    logged = dict.fromkeys(name for trial in shown for name in trial.best)
    known = data.metrics(selection.home, selection.study, selection.entry.token)
    metrics = tuple(dict.fromkeys((*known, *logged, "optim/lr", "time/epoch_s")))
    found = selection.histories(shown, metrics)
    objective = selection.results.spec.objective.metric
    of_trials = [(trial, {objective: trial.curve, **found.get(trial.key, {})}) for trial in shown]
    names = curve_names([curves for _, curves in of_trials])
    options = curve_options() if names else PLAIN
    columns = st.columns(2)
    for index, name in enumerate(names):
        with columns[index % 2]:
            figure = render_figure(curves_info(name, of_trials, options), draw_curves)
            about = f"{shown[0].key} {name} by epoch"
            show_figure(figure, about, "No epoch yet.", study=selection.study)
    if not names:
        st.caption("No epoch was reported: there are no curves.")


def show_configuration(selection: Selection, trial: Trial, other: Trial | None) -> None:
    st.subheader("Configuration")
    default = defaults_of(selection.results, trial)
    others = {"defaults": default} if default and not trial.default else {}
    others |= {other.key: other} if other else {}
    only = bool(others) and st.toggle("Only what differs", **address.switch("only", usual=True))
    found = difference(trial, others, only=only)
    if others:
        places = plural(found.differing, "place differs", "places differ")
        st.caption(f"{places}.")
    st.dataframe(found.table, hide_index=True, height="content")
    st.subheader("As a study file")
    st.caption("Trains this configuration once; add ranges to search around it.")
    st.code(study_file(selection.study, trial), language="yaml")
    with st.expander("Versions and machine of the last run"):
        made = {**selection.results.versions, **selection.results.hardware}
        st.dataframe({"what": list(made), "is": list(made.values())}, hide_index=True)


selection = selected_study(metric=False)
keys = data.keys(selection.home, selection.study, selection.entry.token) or [""]
key = select("trial", "Trial", keys, listed=LISTED)
others = [each for each in keys if each != key]
beside = select("beside", "Beside it", [NOBODY, *others], usual=NOBODY, listed=LISTED)
show_study(selection, lambda _: [Section("trial", "", page)])
