"""One trial: how it ended, its curves, and its configuration beside others."""

from urllib.parse import quote, urlsplit

import streamlit as st

from dashboard import data
from dashboard.page.messages import escape
from dashboard.page.refresh import live
from dashboard.page.selection import Selection, selected_study
from dashboard.page.selectors import LISTED, select
from dashboard.page.widgets import show_figure
from dashboard.rendering import render_figure
from studies.records import Outcome, Trial
from studies.reporting.figures.training.trials import (
    curve_names,
    curves_info,
    defaults_of,
    difference,
    draw_curves,
    study_file,
)
from studies.results import duration, level, plural, resource_words

PHASES = {
    "search": "search",
    "confirm": "confirmation on a fresh seed",
    "cross": "a winner of another repeat on this split",
}
NOBODY = "no other trial"
SERVER = "http://127.0.0.1:5000"


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
        "Seed": str(trial.seed),
    }
    with st.container(horizontal=True, gap="medium"):
        for label, value in facts.items():
            st.metric(escape(label), value, width="content")
    about = [f"arm {trial.arm}"] if trial.arm else []
    about += [PHASES[trial.phase]]
    repeats = selection.results.spec.repeats
    if repeats > 1:
        about += [f"repeat {trial.repeat} of {repeats}"]
    if trial.split_seed is not None:
        about += [f"split {trial.split_seed}"]
    about += ["the defaults"] if trial.default else []
    about += [f"trained on {trial.device}"] if trial.device else []
    st.caption(escape(", ".join(about)))
    if trial.system:
        st.caption(escape(resource_words(trial.system)))
    if trial.reason:
        bad = trial.outcome not in (Outcome.completed, Outcome.pruned, Outcome.interrupted)
        (st.error if bad else st.info)(escape(trial.reason))
    if trial.traceback:
        with st.expander("Traceback"):
            st.code(trial.traceback, language=None)
    show_link(trial)


def show_link(trial: Trial) -> None:
    """To the trial's run in the MLflow UI, which somebody has to start."""
    if trial.run_id is None:
        st.caption("MLflow has no run of this trial yet.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        server = st.text_input(
            "MLflow UI", SERVER, key="mlflow", persist_state="session", width=320,
            help="Where `fairtune ui` listens",
        )  # fmt: skip
        parts = urlsplit((server or "").strip())
        if parts.scheme in ("http", "https") and parts.netloc:
            address = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
            run = f"{address}/#/runs/{quote(trial.run_id, safe='')}"
            st.link_button("Open its MLflow run", run, icon=":material/open_in_new:")
        else:
            st.caption("An address begins with http:// or https://.")


def show_curves(selection: Selection, shown: list[Trial]) -> None:
    st.subheader("Curves")
    logged = dict.fromkeys(name for trial in shown for name in trial.best)
    known = data.metrics(selection.home, selection.study, selection.entry.token)
    metrics = tuple(dict.fromkeys((*known, *logged, "optim/lr", "time/epoch_s")))
    found = selection.histories(shown, metrics)
    objective = selection.results.spec.objective.metric
    of_trials = [(trial, {objective: trial.curve, **found.get(trial.key, {})}) for trial in shown]
    names = curve_names([curves for _, curves in of_trials])
    columns = st.columns(2)
    for index, name in enumerate(names):
        with columns[index % 2]:
            figure = render_figure(curves_info(name, of_trials), draw_curves)
            show_figure(figure, f"{name} by epoch", "No epoch yet.")
    if not names:
        st.caption("No epoch was reported: there are no curves.")


def show_configuration(selection: Selection, trial: Trial, other: Trial | None) -> None:
    st.subheader("Configuration")
    default = defaults_of(selection.results, trial)
    others = {"defaults": default} if default and not trial.default else {}
    others |= {other.key: other} if other else {}
    only = bool(others) and st.toggle("Only what differs", True, key="only", bind="query-params")
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
asked = st.query_params.get("trial", "")
key = select("trial", "Trial", keys, listed=LISTED)
if asked and asked != key:
    st.caption(f"{escape(asked)} is no trial of this study: this is {escape(key)}.")
others = [each for each in keys if each != key]
beside = select("beside", "Beside it", [NOBODY, *others], usual=NOBODY, listed=LISTED)
live(selection, page)
