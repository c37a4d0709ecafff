"""The picked trials beside a page: in the sidebar, so that nothing of the page moves."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboard.page import address
from dashboard.page.messages import escape
from dashboard.page.picks import PICKED, pick, picked
from dashboard.page.selection import Selection
from dashboard.page.widgets import link
from dashboard.rendering import render_figure
from studies.records import Trial
from studies.reporting.figures.training.sparkline import draw_sparkline, sparkline_info
from studies.results import level, plural, value_of, value_text

NAMED = 6
"""Searched values that are named."""


def keep_picked(selection: Selection) -> None:
    """The picked trials of the study stay picked on the next page."""
    address.keep(PICKED, [trial.key for trial in _trials(selection)])


def _trials(selection: Selection) -> list[Trial]:
    keys = picked()
    known = {trial.key: trial for trial in selection.results.trials if trial.key in keys}
    return [known[key] for key in keys if key in known]


def picked_panel(selection: Selection) -> None:
    """The picked trials in the sidebar; nothing where none is picked."""
    trials = _trials(selection)
    missing = len(set(address.read(PICKED)) - {trial.key for trial in trials})
    if not trials and not missing:
        return
    with st.sidebar.container(key="picked-panel"):
        st.subheader("Picked trials")
        if len(trials) == 1:
            _one(selection, trials[0])
        elif trials:
            _several(selection, trials)
        if missing:
            st.caption(f"This study does not have {plural(missing, 'trial')} of the address.")
        st.button("Clear", key="clear picked trials", on_click=pick, args=((),))


def _one(selection: Selection, trial: Trial) -> None:
    st.markdown(f"**{escape(trial.key)}**")
    facts = [(selection.metric, _value(selection, trial)), ("outcome", _outcome(trial))]
    facts += [("arm", trial.arm)] if trial.arm else []
    facts += [(name, value_text(value)) for name, value in list(trial.params.items())[:NAMED]]
    st.dataframe(
        {"what": [name for name, _ in facts], "is": [value for _, value in facts]},
        hide_index=True,
        key="picked trial",
    )
    if (left := len(trial.params) - NAMED) > 0:
        st.caption(f"and {plural(left, 'more searched value')}")
    curve = render_figure(sparkline_info(selection.results, trial), draw_sparkline)
    if not curve.info.empty:
        shown = curve.shown(dark=st.context.theme.type == "dark")
        st.vega_lite_chart(spec=shown, alt=curve.info.alt, key="picked curve")
    link("trial", "Open the trial", study=selection.study, trial=trial.key)


def _several(selection: Selection, trials: Sequence[Trial]) -> None:
    st.dataframe(
        {
            "trial": [trial.key for trial in trials],
            selection.metric: [_value(selection, trial) for trial in trials],
        },
        hide_index=True,
        key="picked trials",
    )
    keys = [trial.key for trial in trials]
    link("trials", "Compare them", study=selection.study, picked=keys)


def _value(selection: Selection, trial: Trial) -> str:
    value = value_of(trial, selection.metric)
    return _outcome(trial) if value is None else level(selection.metric, value)


def _outcome(trial: Trial) -> str:
    return str(trial.outcome or "running").replace("_", " ")
