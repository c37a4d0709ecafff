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


def show_failures(selection: Selection) -> None:
    """A row for each way of failing, the most frequent first; nothing where no trial failed."""
    causes = data.causes(selection.home, selection.study, selection.entry.token)
    if not causes:
        return
    st.subheader("Why trials failed")
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
    address: dict[str, str] = {"study": selection.study, "phase": "search"}
    if cause.arm:
        address["arm"] = cause.arm
    how = cause.outcome.value.replace("_", " ")
    link("trials", f"List all {how}", outcome=cause.outcome.value, **address)
