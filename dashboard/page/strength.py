"""What regularization does to overfitting, and how strong it should be."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import streamlit as st

from dashboard.page.effects import effect_of_arm
from dashboard.page.messages import escape, marked
from dashboard.page.selection import Selection
from dashboard.page.shown_arms import few_shown
from dashboard.page.widgets import show
from studies.reporting.figures.comparison.ranges import searched_numbers
from studies.reporting.figures.training.overfitting import (
    OverfittingInfo,
    draw_gap,
    draw_overfitting,
    gap_info,
    overfitting_info,
)
from studies.reporting.figures.training.winners import winner_trainings

ABOUT_GAP = "How much better an arm is on what it has seen."
FIRST = 4
"""Small multiples that are shown at once, those of the best arms."""
ABREAST = 3
"""Figures of overfitting side by side."""
BESIDE = 2
"""Small multiples side by side."""


def strengths(selection: Selection) -> None:
    """The metric against every number of every regularization, the best arm first."""
    numbers = {arm: list(numbers_of(selection, arm).items()) for arm in selection.arms}
    places = [(arm, *found[0]) for arm, found in numbers.items() if found]
    places += [(arm, *more) for arm, found in numbers.items() for more in found[1:]]
    if not places:
        st.caption("No arm searches how strong its regularization is.")
        return
    words = _multiples(selection, places[:FIRST])
    if len(places) > FIRST:
        with st.expander(f"{len(places) - FIRST} more"):
            words += _multiples(selection, places[FIRST:])
    with st.expander("Where each works"):
        st.markdown("\n".join(f"- {escape(text)}" for text in words))


def _multiples(selection: Selection, places: Sequence[tuple[str, str, bool]]) -> list[str]:
    """Small multiples; where each parameter works, in words."""
    words: list[str] = []
    for start in range(0, len(places), BESIDE):
        columns = st.columns(BESIDE)
        for column, (arm, name, log) in zip(columns, places[start : start + BESIDE], strict=False):
            with column:
                words += effect_of_arm(selection, arm, name, log=log)
    return words


def numbers_of(selection: Selection, arm: str) -> dict[str, bool]:
    """The numbers of the regularization that an arm searches, and whether logarithmically."""
    own = next(each for each in selection.results.spec.arms if each.name == arm)
    return searched_numbers([own], "regularization")


def overfitting(selection: Selection) -> None:
    """The curves of the winners on both parts."""
    name = selection.metric.rpartition("/")[2]

    def curves() -> OverfittingInfo:
        trials = [
            trial for arm in selection.arms for trial in winner_trainings(selection.results, arm)
        ]
        found = selection.histories(trials, [f"train/{name}", f"val/{name}"])
        return overfitting_info(selection.results, selection.metric, found, selection.arms)

    every = curves()
    columns = st.columns(ABREAST)
    for index, arm in enumerate(dict.fromkeys(every.data["arm"])):
        with columns[index % ABREAST]:
            name = f"overfitting of {arm}"
            show(selection, partial(every.of, arm), draw_overfitting, name, "", small=True)
    nothing = "No curve is known of a completed trial."
    st.caption(marked(nothing if every.empty else every.caption))
    few_shown(selection)


def gap(selection: Selection) -> None:
    """How much better the winners are on what they have seen."""
    name = selection.metric.rpartition("/")[2]
    nothing = f"{name} of the training part was not logged by any completed trial."
    gaps = partial(gap_info, selection.results, selection.metric, selection.arms)
    show(selection, gaps, draw_gap, "gap", nothing)
    few_shown(selection)
