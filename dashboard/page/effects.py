"""The metric against one searched number: where it works, where training breaks."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import streamlit as st

from dashboard.page import address
from dashboard.page.messages import escape
from dashboard.page.selection import Selection, about_search, one_search
from dashboard.page.widgets import log_axis, show
from studies.reporting.figures.comparison.ranges import (
    draw_effect,
    draw_small_effect,
    effect_info,
    searched_numbers,
)
from studies.reporting.figures.comparison.working_range import range_words

WORDS = 3
"""Arms whose working range is said at once; those of more are folded away."""


def effect(selection: Selection, *, prefix: str, name: str) -> None:
    """The metric against any number below `prefix` that was searched; `name` is the section's."""
    found = searched_numbers(selection.results.spec.arms, prefix)
    if not found:
        what = f" of the {prefix}" if prefix else ""
        st.caption(f"This study searches no number{what}.")
        return
    first = next((i for i, path in enumerate(found) if path.endswith("optimizer.lr")), 0)
    with st.container(horizontal=True, vertical_alignment="center"):
        parameter = next(iter(found))
        if len(found) > 1:
            names = list(found)
            bound = address.single(f"{name} of", names, names[first])
            parameter = st.selectbox(
                "Parameter", names, **bound, label_visibility="collapsed", width=240
            )
        log = log_axis(selection.metric, f"log {name}")
    results = one_search(selection)
    trials = partial(
        effect_info,
        results,
        parameter,
        selection.metric,
        selection.goal,
        selection.arms,
        log=found[parameter],
        log_metric=log,
    )
    nothing = "No trial with this parameter has completed yet."
    by = (parameter, selection.repeat, log)
    info = show(selection, trials, draw_effect, name, nothing, by=by)
    about_search(selection)
    if info.empty:
        return
    if selection.within:
        st.caption("Where it works is said of all trials only: choose Show all above.")
        return
    words = "\n".join(f"- {escape(text)}" for text in range_words(results, info))
    if words.count("\n") < WORDS:
        st.markdown(words)
    with st.expander("Where it works, by arm"):
        if words.count("\n") >= WORDS:
            st.markdown(words)
        st.dataframe(info.sensitivity, hide_index=True)


def effect_of_arm(selection: Selection, arm: str, parameter: str, *, log: bool) -> Sequence[str]:
    """The same for one arm and one parameter, small; where that works, in words."""
    results = one_search(selection)
    trials = partial(
        effect_info, results, parameter, selection.metric, selection.goal, [arm], log=log
    )
    nothing = "No trial with this parameter has completed yet."
    by = (arm, parameter, selection.repeat)
    name = f"{parameter} of {arm}"
    info = show(selection, trials, draw_small_effect, name, nothing, by=by, small=True)
    return [] if info.empty or selection.within else range_words(results, info)
