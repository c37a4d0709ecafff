"""In which ways trials failed, with what those have in common and the way to them."""

from __future__ import annotations

import streamlit as st

from dashboard import data
from dashboard.page.messages import escape
from dashboard.page.selection import Selection
from dashboard.page.trial_filters import draw_all_again, list_failed
from dashboard.page.widgets import link
from studies.analysis.failure_causes import FailureCause
from studies.results import plural
from studies.sentences.failure_words import cause_words

SHOWN = 10
"""Ways of failing that are listed; the others are counted."""
WIDTHS = (5, 4, 3)


def has_failures(selection: Selection) -> bool:
    """Whether any trial of the searches failed."""
    return bool(data.causes(selection.home, selection.study, selection.entry.token))


def show_failures(selection: Selection, *, here: bool = False) -> None:
    """A row for each way of failing, the most frequent first. `here` says that the page is the
    list of trials."""
    draw_all_again()
    causes = data.causes(selection.home, selection.study, selection.entry.token)
    for cause in causes[:SHOWN]:
        with st.container(border=True):
            show_cause(selection, cause, here=here)
    if (rest := len(causes) - SHOWN) > 0:
        st.caption(f"{plural(rest, 'more way')} of failing, met less often, not shown.")
    if any(cause.parameters for cause in causes[:SHOWN]):
        st.caption(
            "A parameter is named where its values set all trials that failed apart from all that "
            "worked, which chance would do in less than 5 % of cases."
        )


def show_cause(selection: Selection, cause: FailureCause, *, here: bool) -> None:
    """How many failed so and what they have in common, the reason, and links to them."""
    common, reason, links = st.columns(WIDTHS, vertical_alignment="center")
    whose = f"{cause.arm}: " if cause.arm else ""
    common.markdown(f"**{escape(whose + cause_words(cause))}**")
    reason.caption(escape(cause.reason or "no reason was recorded"))
    with links:
        list_link(selection, cause, here=here)
        first = cause.trials[0].key
        link("trial", f"Open the first, {first}", study=selection.study, trial=first)


def list_link(selection: Selection, cause: FailureCause, *, here: bool = False) -> None:
    """A way to the list of all trials of the arm's searches that ended so, which is `here` where
    the page is the list."""
    outcome = cause.outcome.value
    label = f"List all {outcome.replace('_', ' ')}"
    if here:
        st.button(
            label, key=f"{label} {cause.trials[0].key}", type="tertiary",
            on_click=list_failed, args=(cause.arm, outcome),
        )  # fmt: skip
        return
    arm = {"arm": cause.arm} if cause.arm else {}
    link("trials", label, study=selection.study, phase="search", outcome=outcome, **arm)
