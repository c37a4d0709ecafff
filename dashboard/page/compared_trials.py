"""The picked trials: one can be opened, and several are compared."""

from __future__ import annotations

import streamlit as st

from dashboard.page import address
from dashboard.page.messages import escape
from dashboard.page.picks import MOST, picked
from dashboard.page.selection import Selection
from dashboard.page.trial_curves import show_curves
from dashboard.page.trial_table import clear
from dashboard.page.widgets import link
from lightning_modules.components import suggestion
from studies.reporting.tables.trials import beside_each_other
from studies.results import plural
from studies.results.ranking import in_order


def show_picked(selection: Selection) -> None:
    """What is to be seen of the trials that the address picks."""
    known = {trial.key: trial for trial in selection.results.trials}
    for key in picked():
        if key not in known:
            told = f"The address names the trial {key}, which is not there"
            st.warning(escape(f"{told}{suggestion(key, list(known))}."))
    trials = in_order((known[key] for key in picked() if key in known), selection.results.spec)
    if not picked():
        st.caption(
            f"Click the name of a trial to open it. Tick 2 to {MOST} trials to compare them."
        )
        return
    if len(trials) > 1:
        st.subheader(f"Comparison of {plural(len(trials), 'trial')}")
    with st.container(horizontal=True, vertical_alignment="center"):
        for trial in trials:
            link("trial", f"Open {trial.key}", study=selection.study, trial=trial.key)
        st.button("Clear", on_click=clear, type="tertiary", icon=":material/close:")
    if len(trials) == 1:
        st.caption("Tick another trial to compare both.")
    if len(trials) > 1:
        show_curves(selection, trials)
        only = st.toggle("Only what differs", **address.switch("only", usual=True))
        table = beside_each_other(selection.results, trials, only=only)
        st.dataframe(
            table,
            hide_index=True,
            height="content",
            column_config={"": st.column_config.TextColumn(pinned=True)},
            alt="Values and configurations of the compared trials",
        )
        st.caption("The best trial first. Below its values and times stands its configuration.")
