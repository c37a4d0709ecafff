"""Which trials the figures of single trials show: the ranges that a reader brushed, which are in
the address as `within`."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboard.page import address
from dashboard.page.messages import escape
from studies.reporting.within import ValueRange, read_ranges, trials_within
from studies.results import StudyResults

WITHIN = "within"
CLAIMS = (
    "Figures and tables of single trials show these only. The verdict, the ranking, the importance "
    "of parameters and all that is claimed are of all trials."
)


def ranges(results: StudyResults, metrics: Sequence[str]) -> tuple[ValueRange, ...]:
    """The ranges of the address that the study has; others are ignored."""
    return read_ranges(address.wanted(WITHIN), results, metrics)[0]


def write_ranges(found: Sequence[ValueRange]) -> None:
    """Let the address have these ranges, and all sections follow."""
    address.write(WITHIN, [each.text for each in found])
    st.rerun()


def show_brush(
    results: StudyResults, repeat: int, metrics: Sequence[str], *, room: bool = False
) -> None:
    """How many trials of a search are within the ranges, and a button that shows all. With `room`
    the line stands there without ranges too, so that a brush below moves nothing."""
    found = ranges(results, metrics)
    address.keep(WITHIN, [each.text for each in found])
    if read_ranges(address.read(WITHIN), results, metrics)[1]:
        st.caption("The address has a range that this study does not know. It is ignored.")
    if not found and not room:
        return
    every = [trial for trial in results.search if trial.repeat == repeat]
    said = f"All {len(every):,} trials"
    if found:
        words = " and ".join(each.words for each in found)
        said = f"{len(trials_within(every, found)):,} of {len(every):,} trials within {words}"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{escape(said)}**", help=CLAIMS, width="content")
        st.button(
            "Show all", key="show all trials", on_click=write_ranges, args=((),),
            disabled=not found,
        )  # fmt: skip
