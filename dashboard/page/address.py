"""What a page shows, as its address says it: the only place that reads and writes the address.

Each choice of a reader is one step in the history of the browser, which Back undoes: a widget that
has the arguments of `single`, `several`, `switch` or `text` writes the address when it changes,
and takes its value from there whenever the page is drawn. What a page chooses by itself (`keep`)
is no step: `completed` lets the browser put it into the address of the step that is shown.
A link to the same page is a step too (`follow`). Streamlit alone adds a step for everything that
a page writes, and none for its bound widgets and for links to the same page.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypedDict

import streamlit as st

STUDY = "study"
OF_STUDY: tuple[str, ...] = (
    "metric",
    "arm",
    "search",
    "trial",
    "picked",
    "within",
    "axes",
)
OF_STUDY += ("x", "y", "of", "parameters")
"""What belongs to one study: the choice of another one takes it out of the address."""
STATE = "address"
SCRIPT = """
function follow(event) {
  const link = event.target instanceof Element ? event.target.closest("a[href]") : null
  const modified = event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey
  if (link === null || link.target || modified) return
  const { origin, pathname, search } = window.location
  if (link.origin !== origin || link.pathname !== pathname || link.search === search) return
  if (!link.search) return
  event.preventDefault()
  event.stopPropagation()
  window.history.pushState({}, "", link.href)
  window.dispatchEvent(new PopStateEvent("popstate"))
}
document.addEventListener("click", follow, true)

export default function ({ data }) {
  const address = new URL(window.location.href)
  if (address.pathname.split("/").pop() !== data.page) return
  for (const [name, values] of Object.entries(data.values)) {
    address.searchParams.delete(name)
    values.forEach((value) => address.searchParams.append(name, value))
  }
  if (address.href !== window.location.href) {
    window.history.replaceState(window.history.state, "", address)
  }
}
"""
_complete = st.components.v2.component("address", js=SCRIPT)


class Bound(TypedDict):
    """Arguments of a widget whose value is in the address."""

    key: str
    on_change: Callable[..., None]
    args: tuple[str, list[str]]


@dataclass
class _State:
    """What is known of the address beside itself, for one visitor."""

    remembered: dict[str, list[str]] = field(default_factory=dict)
    """What was looked at last, by name; it is meant where an address names no study."""
    missing: dict[str, list[str]] = field(default_factory=dict)
    """What the page shows and its address does not say yet."""
    other_study: bool = False
    """The reader has just chosen another study: what was looked at is kept where that has it."""


def read(name: str) -> list[str]:
    """The values that the address has for a name, in its order."""
    return st.query_params.get_all(name)


def wanted(name: str, *, always: bool = False) -> list[str]:
    """The values that a page shall show, if it can: those of the address, else what was looked at
    last, where the address names no study, or where it is `always` complete."""
    state = _state()
    last = state.remembered.get(name, [])
    return read(name) or (last if always or state.other_study or not read(STUDY) else [])


def write(name: str, values: Sequence[str]) -> None:
    """Let the address have these values for a name, as one step; none takes the name out of it."""
    state = _state()
    whole = {each: read(each) for each in st.query_params} | state.missing
    state.other_study = name == STUDY
    changed = whole | {name: list(values)}
    if changed != whole:
        kept = {each: given for each, given in changed.items() if given}
        if name == STUDY:
            kept = {each: given for each, given in kept.items() if each not in OF_STUDY}
        st.query_params.from_dict(kept)


def keep(name: str, values: Sequence[str], usual: Sequence[str] = ()) -> None:
    """The page shows these values: they are meant on the next page too, and belong into the
    address unless they are the usual ones."""
    _state().remembered[name] = list(values)
    _say(name, [] if list(values) == list(usual) else list(values))


def forget(name: str) -> None:
    """Let the address have no value for a name, and mean none on the next page."""
    _state().remembered.pop(name, None)
    write(name, [])


def bound(name: str, value: str | bool | float | list[str] | None, usual: Sequence[str]) -> Bound:
    """For a widget that shows a value; what is `usual` is not in the address."""
    st.session_state[name] = value
    return Bound(key=name, on_change=_chosen, args=(name, list(usual)))


def single(name: str, options: Sequence[str], usual: str) -> Bound:
    """For a widget with one value of some: `usual` is the one that the address need not name."""
    given = read(name)
    value = given[0] if given and given[0] in options else usual
    if given:
        _say(name, [] if value == usual else [value])
    return bound(name, value, [usual])


def several(name: str, options: Sequence[str], usual: Sequence[str] = ()) -> Bound:
    """For a widget with any number of values of some."""
    given = read(name)
    value = [each for each in given if each in options] if given else list(usual)
    if given:
        _say(name, given if given == [""] else value)
    return bound(name, value, usual)


def switch(name: str, *, usual: bool = False) -> Bound:
    """For a widget that is on or off."""
    given = read(name)
    return bound(name, given[0] == "true" if given else usual, [_word(usual)])


def number(name: str, low: float, high: float, usual: float) -> Bound:
    """For a widget with a number between two others; what is none, or beyond them, is mended."""
    given = read(name)
    try:
        value = min(max(float(given[0]), low), high) if given else usual
    except ValueError:
        value = usual
    return bound(name, value if math.isfinite(value) else usual, [str(usual)])


def text(name: str) -> Bound:
    """For a widget in which anything may be written."""
    return bound(name, (read(name) or [""])[0], [""])


@contextmanager
def completed(page: str) -> Iterator[None]:
    """Within this the page with the address `page` is drawn; then the browser puts into the
    address what the page shows and that does not say."""
    state = _state()
    state.missing = {}
    try:
        yield
    finally:
        state.other_study = False
    data = {"page": page, "values": state.missing, "beside": str(st.query_params.to_dict())}
    _complete(key="address component", data=data)


def _state() -> _State:
    found: _State = st.session_state.setdefault(STATE, _State())
    return found


def _say(name: str, values: list[str]) -> None:
    if read(name) != values:
        _state().missing[name] = values


def _chosen(name: str, usual: list[str]) -> None:
    """A reader has changed a widget."""
    value = st.session_state[name]
    if isinstance(value, (list, tuple)):
        values = [str(each) for each in value]
    else:
        values = [] if value is None else [_word(value)]
    write(name, [] if values == usual else values or [""])


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
