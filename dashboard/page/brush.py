"""Which trials the figures of single trials show: the ranges that a reader brushed, which are in
the address as `within`."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboard.page import address
from dashboard.page.messages import escape
from studies.reporting.within import ValueRange, read_ranges
from studies.results import StudyResults

WITHIN = "within"
CLAIMS = (
    "Figures and tables of single trials show these only. The verdict, the ranking, the importance "
    "of parameters and all that is claimed are of all trials."
)


def ranges(results: StudyResults, metrics: Sequence[str]) -> tuple[ValueRange, ...]:
    """The ranges of the address that the study has; others are ignored."""
    return read_ranges(address.read(WITHIN), results, metrics)[0]


def write_ranges(found: Sequence[ValueRange]) -> None:
    """Let the address have these ranges."""
    address.write(WITHIN, [each.text for each in found])


def show_brush(
    every: StudyResults,
    kept: StudyResults,
    metrics: Sequence[str],
    found: Sequence[ValueRange],
    *,
    room: bool,
) -> None:
    """How many trials of the search are within the ranges, and a button that shows all. With `room`
    the line stands there without ranges too, so that a brush below moves nothing."""
    wrong = read_ranges(address.read(WITHIN), every, metrics)[1]
    if wrong:
        st.caption("The address has a range that this study does not know. It is ignored.")
    if not found and not room:
        return
    words = " and ".join(each.words for each in found)
    said = f"{len(kept.search):,} of {len(every.search):,} trials within {words}"
    if not found:
        said = f"All {len(every.search):,} trials"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{escape(said)}**", help=CLAIMS, width="content")
        st.button(
            "Show all", key="show all trials", on_click=write_ranges, args=((),),
            disabled=not found,
        )  # fmt: skip
