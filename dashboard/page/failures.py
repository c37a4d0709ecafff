"""In which ways trials failed, with what those have in common and the way to them."""

from __future__ import annotations

import streamlit as st

from dashboard import data
from dashboard.page.messages import escape
from dashboard.page.selection import Selection
from dashboard.page.widgets import link
from studies.analysis.failure_causes import FailureCause
from studies.results import plural
from studies.sentences.failure_words import cause_words

SHOWN = 10
"""Ways of failing that are listed; the others are counted."""
WIDTHS = (5, 4, 3)


def has_failures(selection: Selection) -> bool:
    """Whether there is anything to say of failures: while a study runs there may be soon."""
    if selection.state == "running":
        return True
    return bool(data.causes(selection.home, selection.study, selection.entry.token))


def show_failures(selection: Selection) -> None:
    """A row for each way of failing, the most frequent first."""
    causes = data.causes(selection.home, selection.study, selection.entry.token)
    if not causes:
        st.caption("No trial has failed.")
    for cause in causes[:SHOWN]:
        with st.container(border=True):
            show_cause(selection, cause)
    if (rest := len(causes) - SHOWN) > 0:
        st.caption(f"{plural(rest, 'more way')} of failing, met less often, not shown.")
    if any(cause.parameters for cause in causes[:SHOWN]):
        st.caption(
            "A parameter is named where its values set all trials that failed apart from all that "
            "worked, which chance would do in less than 5 % of cases."
        )


def show_cause(selection: Selection, cause: FailureCause) -> None:
    """How many failed so and what they have in common, the reason, and links to them."""
    common, reason, links = st.columns(WIDTHS, vertical_alignment="center")
    whose = f"{cause.arm}: " if cause.arm else ""
    common.markdown(f"**{escape(whose + cause_words(cause))}**")
    reason.caption(escape(cause.reason or "no reason was recorded"))
    with links:
        list_link(selection, cause)
        first = cause.trials[0].key
        link("trial", f"Open the first, {first}", study=selection.study, trial=first)


def list_link(selection: Selection, cause: FailureCause) -> None:
    """A link to the list of all trials of the arm's searches that ended so."""
    outcome = cause.outcome.value
    arm = {"arm": cause.arm} if cause.arm else {}
    label = f"List all {outcome.replace('_', ' ')}"
    link("trials", label, study=selection.study, phase="search", outcome=outcome, **arm)
