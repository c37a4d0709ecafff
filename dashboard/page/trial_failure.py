"""Why a trial failed, how far it is beyond what works, and what can be done."""

from __future__ import annotations

import streamlit as st

from dashboard import data
from dashboard.page.failures import list_link
from dashboard.page.messages import escape, marked, show_prose
from dashboard.page.selection import Selection
from dashboard.page.widgets import link
from studies.analysis.failure_causes import FAILURES, FailureCause, beyond_what_worked
from studies.records import Trial
from studies.sentences.failure_words import beyond_words, cause_words
from studies.sentences.trial_words import way_on


def show_failure(selection: Selection, trial: Trial) -> None:
    """Nothing for a trial that completed, and less for one that was pruned or interrupted."""
    if trial.reason:
        (st.error if trial.outcome in FAILURES else st.info)(marked(trial.reason))
    beyond = beyond_what_worked(selection.results, trial)
    cause, way = _cause(selection, trial), way_on(selection.results, trial)
    if beyond or cause or way:
        with st.container(border=True):
            for found in beyond:
                st.markdown(f"**{escape(beyond_words(found))}**")
            if cause:
                show_like(selection, trial, cause)
            if way:
                show_prose(way)
    if trial.traceback:
        with st.expander("Traceback"):
            st.code(trial.traceback, language=None)


def show_like(selection: Selection, trial: Trial, cause: FailureCause) -> None:
    """What the trials have in common that failed in the same way, with links to them."""
    whose = f" trials of {cause.arm}" if cause.arm else " trials"
    st.markdown(escape(f"Like this one: {cause_words(cause, whose)}."))
    best = next(iter(selection.results.ranking), None)
    with st.container(horizontal=True):
        list_link(selection, cause)
        if best is not None:
            link("trial", f"The best: {best.key}", study=selection.study, trial=best.key)


def _cause(selection: Selection, trial: Trial) -> FailureCause | None:
    causes = data.causes(selection.home, selection.study, selection.entry.token)
    return next((c for c in causes if any(each.key == trial.key for each in c.trials)), None)
