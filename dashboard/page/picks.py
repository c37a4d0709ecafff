"""The trials that a reader picked, in figures and tables of any page: they are in the address."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import streamlit as st

from dashboard.page import address
from studies.reporting.figures import touch

PICKED = "picked"
MOST = 6
"""Trials that are compared at once."""


def picked() -> tuple[str, ...]:
    """The keys of the picked trials, in the order in which they were picked."""
    return tuple(dict.fromkeys(address.wanted(PICKED)))[:MOST]


def pick(keys: Sequence[str]) -> None:
    """Pick these trials in place of those that were; the last ones where they are too many."""
    address.write(PICKED, list(dict.fromkeys(keys))[-MOST:])


def touch_trial(key: str, *, add: bool) -> None:
    """What a click on a trial does: it becomes the only picked one, or none if it was that; with
    `add` it joins the others or leaves them."""
    others = [each for each in picked() if each != key]
    if add:
        pick(others if key in picked() else [*others, key])
    else:
        pick([] if picked() == (key,) else [key])


def touch_figure(spec: Mapping[str, Any], alt: str, key: str) -> None:
    """A figure in which a click on a mark picks its trial, and a click with shift adds it."""
    state = st.vega_lite_chart(
        spec=dict(spec), alt=alt, key=key, on_select=partial(_on_touch, key),
        selection_mode=[touch.PICKED, touch.ADDED],
    )  # fmt: skip
    st.session_state[f"seen {key}"] = _selected(state)


def _selected(state: Any) -> dict[str, frozenset[str]]:
    """What each selection of a figure has."""
    names = (touch.PICKED, touch.ADDED)
    return {name: frozenset(_trials(state["selection"].get(name) or ())) for name in names}


def _trials(rows: Iterable[Any]) -> list[str]:
    values = (row.get(touch.FIELD) for row in rows if isinstance(row, Mapping))
    return [value for value in values if isinstance(value, str)]


def _on_touch(key: str) -> None:
    now, before = _selected(st.session_state[key]), st.session_state.get(f"seen {key}", {})
    st.session_state[f"seen {key}"] = now
    for name, trials in now.items():
        for trial in trials ^ before.get(name, frozenset()):
            touch_trial(trial, add=name == touch.ADDED)
    st.rerun()  # other sections show the trial too
