"""One trial: how it ended, its curves, and its configuration beside the defaults."""

from collections.abc import Hashable

import streamlit as st

from dashboard import data
from dashboard.page import address
from dashboard.page.annotations import show_annotation
from dashboard.page.live import Section, with_ended, with_epochs
from dashboard.page.messages import escape
from dashboard.page.mlflow_link import show_link
from dashboard.page.selection import Selection, selected_study
from dashboard.page.selectors import LISTED, select
from dashboard.page.study_page import show_study
from dashboard.page.trial_curves import show_curves
from dashboard.page.trial_failure import show_failure
from dashboard.page.widgets import link
from studies.records import Outcome, Trial
from studies.reporting.figures.training.trials import defaults_of, difference, study_file
from studies.results import duration, level, plural, resource_words
from studies.sentences.trial_words import same_configuration, standing

PHASES = {
    "search": "search",
    "confirm": "confirmation on a fresh seed",
    "cross": "a winner of another repeat on this split",
}
COLOURS = {Outcome.completed: "green", Outcome.pruned: "blue", Outcome.interrupted: "orange"}
LINKED = 12  # runs on fresh seeds that get a link each


def page(selection: Selection) -> None:
    trials = {trial.key: trial for trial in selection.results.trials}
    if key not in trials:
        st.info("No trial of this study has started yet.")
        return
    trial = trials[key]
    show_outcome(selection, trial)
    show_actions(selection, trial)
    show_failure(selection, trial)
    show_relatives(selection, trial)
    show_facts(selection, trial)
    show_annotation(selection.home, f"{selection.study}/{trial.key}", trial.annotation)
    st.subheader("Curves")
    show_curves(selection, [trial])
    show_configuration(selection, trial)


def show_outcome(selection: Selection, trial: Trial) -> None:
    """The objective, large, and how the trial ended."""
    metric = selection.results.spec.objective.metric
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header(escape(trial.key), width="content")
        colour = COLOURS.get(trial.outcome, "red") if trial.outcome else "green"
        st.badge(str(trial.outcome or "running").replace("_", " "), color=colour)  # type: ignore[arg-type]
    reached = trial.best.get(metric) if trial.value is None else trial.value
    if reached is None:
        st.metric("Outcome", str(trial.outcome or "running").replace("_", " "))
        return
    label = metric if trial.value is not None else f"{metric} at its best epoch"
    st.metric(escape(label), level(metric, reached))


def show_actions(selection: Selection, trial: Trial) -> None:
    """The configuration to copy, the run in MLflow, and the way to the other trials."""
    best = next(iter(selection.results.ranking), None)
    with st.container(horizontal=True, vertical_alignment="center"):
        with st.popover("Copy YAML", icon=":material/content_copy:"):
            st.caption("Trains this configuration once; add ranges to search around it.")
            st.code(study_file(selection.study, trial), language="yaml")
        show_link(selection.home, trial)
        if best is not None and best.key != trial.key:
            both = [trial.key, best.key]
            link("trials", "Compare with the best", study=selection.study, picked=both)
        link("trials", "All trials", study=selection.study)


def show_facts(selection: Selection, trial: Trial) -> None:
    """What else is known of it, small."""
    results = selection.results
    others = {
        name: value
        for name, value in {**trial.best, **trial.test}.items()
        if name != results.spec.objective.metric and not name.startswith(("optim/", "time/"))
    }
    about = [f"best epoch {trial.best_epoch}"] if trial.best_epoch else []
    about += [plural(trial.epochs, "epoch")] if trial.epochs else []
    about += [duration(trial.seconds)] if trial.outcome else []
    about += [f"{name} {level(name, value)}" for name, value in others.items()]
    if about:
        st.caption(escape(" · ".join(about)))
    about = [f"arm {trial.arm}"] if trial.arm else []
    about += [PHASES[trial.phase]]
    if results.spec.repeats > 1:
        about += [f"repeat {trial.repeat} of {results.spec.repeats}"]
    if trial.split_seed is not None:
        about += [f"split {trial.split_seed}"]
    about += [f"seed {trial.seed}"]
    about += ["the defaults"] if trial.default else []
    about += [f"trained on {trial.device}"] if trial.device else []
    st.caption(escape(", ".join(about)))
    if trial.system:
        st.caption(escape(resource_words(trial.system)))


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


def show_configuration(selection: Selection, trial: Trial) -> None:
    """The configuration beside the defaults of its search."""
    st.subheader("Configuration")
    default = defaults_of(selection.results, trial)
    others = {"defaults": default} if default and not trial.default else {}
    only = bool(others) and st.toggle("Only what differs", **address.switch("only", usual=True))
    found = difference(trial, others, only=only)
    if others:
        places = plural(found.differing, "place differs", "places differ")
        st.caption(f"{places} from the defaults.")
    st.dataframe(found.table, hide_index=True, height="content")


def numbers(selection: Selection) -> Hashable:
    """Changes with every epoch of a trial that runs, else when any trial ends."""
    runs = any(trial.key == key and trial.outcome is None for trial in selection.results.trials)
    return with_epochs(selection) if runs else with_ended(selection)


selection = selected_study(metric=False)
keys = data.keys(selection.home, selection.study, selection.entry.token) or [""]
key = select("trial", "Trial", keys, listed=LISTED)
show_study(selection, lambda _: [Section("trial", "", page, numbers)])
