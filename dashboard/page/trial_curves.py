"""The curves of one trial, or of several beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import streamlit as st

from dashboard import data
from dashboard.page.selection import Selection
from dashboard.page.widgets import curve_options, show
from studies.records import Trial
from studies.reporting.figures.curves import PLAIN
from studies.reporting.figures.training.trials import curve_names, curves_info, draw_curves


def show_curves(selection: Selection, trials: Sequence[Trial]) -> None:
    """A small figure for each metric, the objective first, with all of the trials."""
    logged = dict.fromkeys(name for trial in trials for name in trial.best)
    known = data.metrics(selection.home, selection.study, selection.entry.token)
    metrics = tuple(dict.fromkeys((*known, *logged, "optim/lr", "time/epoch_s")))
    found = selection.histories(trials, metrics)
    objective = selection.results.spec.objective.metric
    of_trials = [(trial, {objective: trial.curve, **found.get(trial.key, {})}) for trial in trials]
    names = curve_names([curves for _, curves in of_trials])
    options = curve_options() if names else PLAIN
    by = (options, *(trial.key for trial in trials))
    columns = st.columns(2)
    for index, name in enumerate(names):
        with columns[index % 2]:
            info = partial(curves_info, name, of_trials, options)
            figure = f"{name} by epoch"
            show(selection, info, draw_curves, figure, "No epoch yet.", by=by)
    if not names:
        st.caption("No epoch was reported: there are no curves.")
