"""One trial: how it ended, its curves, and its configuration beside others."""

from urllib.parse import quote, urlsplit

import streamlit as st

from dashboard import data
from dashboard.figures.trials import (
    curve_names,
    curves_info,
    defaults_of,
    difference,
    draw_curves,
    study_file,
)
from dashboard.pictures import drawn
from dashboard.selectors import LISTED, choose
from dashboard.shared import Chosen, chosen_study, live, plain, show_drawn
from studies.records import Outcome, Trial
from studies.results import duration, level, plural

PHASES = {
    "search": "search",
    "confirm": "confirmation on a fresh seed",
    "cross": "a winner of another repeat on this split",
}
NOBODY = "no other trial"
SERVER = "http://127.0.0.1:5000"


def page(chosen: Chosen) -> None:
    trials = {trial.key: trial for trial in chosen.results.trials}
    if key not in trials:
        st.info("No trial of this study has started yet.")
        return
    trial = trials[key]
    other = trials.get(beside)
    show_outcome(chosen, trial)
    show_curves(chosen, [trial, *([other] if other else [])])
    show_configuration(chosen, trial, other)


def show_outcome(chosen: Chosen, trial: Trial) -> None:
    objective = chosen.results.spec.objective
    st.header(plain(trial.key))
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
            st.metric(plain(label), value, width="content")
    about = [f"arm {trial.arm}"] if trial.arm else []
    about += [PHASES[trial.phase]]
    repeats = chosen.results.spec.repeats
    if repeats > 1:
        about += [f"repeat {trial.repeat} of {repeats}"]
    if trial.split_seed is not None:
        about += [f"split {trial.split_seed}"]
    about += ["the defaults"] if trial.default else []
    about += [f"trained on {trial.device}"] if trial.device else []
    st.caption(plain(", ".join(about)))
    if trial.reason:
        bad = trial.outcome not in (Outcome.completed, Outcome.pruned, Outcome.interrupted)
        (st.error if bad else st.info)(plain(trial.reason))
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


def show_curves(chosen: Chosen, shown: list[Trial]) -> None:
    st.subheader("Curves")
    logged = dict.fromkeys(name for trial in shown for name in trial.best)
    known = data.metrics(chosen.home, chosen.study, chosen.listed.token)
    metrics = tuple(dict.fromkeys((*known, *logged, "optim/lr", "time/epoch_s")))
    found = chosen.histories(shown, metrics)
    objective = chosen.results.spec.objective.metric
    of_trials = [(trial, {objective: trial.curve, **found.get(trial.key, {})}) for trial in shown]
    names = curve_names([curves for _, curves in of_trials])
    columns = st.columns(2)
    for index, name in enumerate(names):
        with columns[index % 2]:
            figure = drawn(curves_info(name, of_trials), draw_curves)
            show_drawn(figure, f"{name} by epoch", "No epoch yet.")
    if not names:
        st.caption("No epoch was reported: there are no curves.")


def show_configuration(chosen: Chosen, trial: Trial, other: Trial | None) -> None:
    st.subheader("Configuration")
    default = defaults_of(chosen.results, trial)
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
    st.code(study_file(chosen.study, trial), language="yaml")
    with st.expander("Versions and machine of the last run"):
        made = {**chosen.results.versions, **chosen.results.hardware}
        st.dataframe({"what": list(made), "is": list(made.values())}, hide_index=True)


chosen = chosen_study(metric=False)
keys = data.keys(chosen.home, chosen.study, chosen.listed.token) or [""]
asked = st.query_params.get("trial", "")
key = choose("trial", "Trial", keys, listed=LISTED)
if asked and asked != key:
    st.caption(f"{plain(asked)} is no trial of this study: this is {plain(key)}.")
others = [each for each in keys if each != key]
beside = choose("beside", "Beside it", [NOBODY, *others], usual=NOBODY, listed=LISTED)
live(chosen, page)
