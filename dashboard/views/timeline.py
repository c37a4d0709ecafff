"""Timeline: what the search found for its budget, and what ran when."""

from collections.abc import Iterator
from datetime import datetime
from functools import partial

import streamlit as st

from dashboard import data
from dashboard.page import address
from dashboard.page.live import Row, Section, with_started
from dashboard.page.messages import escape
from dashboard.page.selection import Selection, about_search, one_search, selected_study
from dashboard.page.study_page import show_study
from dashboard.page.widgets import log_axis, show
from studies.analysis.curves import why_no_bands
from studies.reporting.figures.search.searching import (
    Budget,
    draw_history,
    draw_searches,
    history_info,
    searches_info,
)
from studies.reporting.figures.search.timeline import draw_timeline, timeline_info
from studies.reporting.figures.search.tuning import draw_tuning, tuning_info

BUDGETS = ("trials", "epochs")
COLOURS = ("arm", "outcome")
NOTHING = "No trial of the search has completed yet."


def every_search(selection: Selection) -> None:
    curves = data.curves(selection.home, selection.study, selection.entry.token)
    every = partial(searches_info, selection.results, curves, selection.arms)
    show(selection, every, draw_searches, "searches", NOTHING)


def history(selection: Selection) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        bound = address.single("against", BUDGETS, "trials")
        against = st.segmented_control("Against", BUDGETS, required=True, **bound)
        log = log_axis(selection.metric)
    budget: Budget = "epochs" if against == "epochs" else "trials"
    found = partial(
        history_info,
        one_search(selection),
        selection.metric,
        selection.goal,
        selection.arms,
        budget,
        log_metric=log,
    )
    by = (budget, selection.repeat, log)
    show(selection, found, draw_history, "history", NOTHING, by=by)
    about_search(selection)


def expected(selection: Selection) -> None:
    if why := why_no_bands(selection.results.spec):
        st.caption(
            escape(
                f"No tuning curve is shown: {why}, and its formulas hold for independent "
                "draws only (method random, no pruner). What the search found for its "
                "budget is the line above."
            )
        )
        return
    if selection.state == "running":
        st.caption("Tuning curves are drawn when the study has ended: they take seconds.")
        return
    repeat = selection.repeat
    tuning = data.tuning(selection.home, selection.study, selection.entry.token, repeat)
    several = selection.results.spec.repeats > 1
    if several and not any(each.curve.valid_until for each in tuning):
        st.caption("No tuning curve is shown: one search has too few trials to say more than this.")
        return
    found = partial(tuning_info, one_search(selection), tuning, selection.arms)
    show(selection, found, draw_tuning, "tuning curves", NOTHING, by=(repeat,))


def spans(selection: Selection) -> None:
    bound = address.single("colour", COLOURS, "arm")
    colour = st.segmented_control("Colour", COLOURS, required=True, **bound)
    found = partial(timeline_info, selection.results, selection.arms, datetime.now())
    draw = partial(draw_timeline, by="outcome" if colour == "outcome" else "arm")
    show(selection, found, draw, "timeline", "No training has started yet.", by=(colour,))


def rows(selection: Selection) -> Iterator[Row]:
    if selection.results.spec.repeats > 1:
        yield Section("searches", "What every search found", every_search)
    yield Section("history", "What every trial found", history)
    yield Section("expected", "What a search may be expected to find", expected)
    yield Section("timeline", "When each training ran", spans, with_started)


show_study(selected_study(arms=True, searches=True), rows)
