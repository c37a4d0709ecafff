"""The sections of a page; while their study runs, each is drawn again when its numbers change.

A component without a picture beats every few seconds. Only the sections whose numbers changed since
they were drawn are drawn again; nothing else on the page is touched.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import streamlit as st
from streamlit.errors import StreamlitAPIException

from dashboard.page.messages import escape, show_errors
from dashboard.page.selection import Selection
from lightning_modules.errors import FairtuneError

SHORTEST_PAUSE, TRIALS_PER_SECOND, ARMS_PER_SECOND = 3.0, 200, 4
"""A running study is read again after so many seconds; a large one, which takes longer, later: the
study needs the processor more."""
IDLE_PAUSE = 10.0
"""Seconds after which a study that does not run is looked at: it may have been continued."""
DRAWN, WHOLE = "drawn sections", "pages that were drawn as a whole"
FIRST_ROWS = 2
"""Rows that a page draws at once: the first screen. The others are drawn when it is there, by the
first beat, when a visitor sees the sections of a study for the first time."""
STRIP, BEATS = "strip", "beats"
"""The fragments that are drawn with every beat: the strip, and what beats."""
PULSE = st.components.v2.component(
    "fairtune_pulse",
    js="""
    const timers = new WeakMap()
    export default function ({ data, parentElement, setTriggerValue }) {
      clearInterval(timers.get(parentElement))
      const beat = () => document.hidden || setTriggerValue("beat", Date.now())
      document.body.dataset.drawn = data.later ? "first screen" : "whole"
      if (data.later && !timers.has(parentElement)) setTimeout(() => setTriggerValue("beat", 0))
      timers.set(parentElement, setInterval(beat, 1000 * data.pause))
      return () => clearInterval(timers.get(parentElement))
    }
    """,
)


def with_ended(selection: Selection) -> Hashable:
    """Changes when a trial ends."""
    return selection.state, len(selection.results.ended)


def with_started(selection: Selection) -> Hashable:
    """Changes when a trial starts or ends."""
    return selection.state, selection.entry.token


def with_winners(selection: Selection) -> Hashable:
    """Changes when an arm has a new best trial, or a fresh run of a winner ends."""
    results = selection.results
    best: dict[tuple[str, int], str] = {}
    for trial in results.ranking:
        best.setdefault((trial.arm, trial.repeat), trial.key)
    return selection.state, len(results.ended) - len(results.search), *sorted(best.items())


def with_epochs(selection: Selection) -> Hashable:
    """Changes when a trial starts or ends, and when an epoch of one that trains does."""
    results = selection.results
    training = [trial for trial in results.trials if trial.outcome is None]
    known = selection.histories(training, [results.spec.objective.metric]) if training else {}
    epochs = sum(len(curve) for curves in known.values() for curve in curves.values())
    return selection.state, selection.entry.token, epochs


@dataclass(frozen=True)
class Section:
    """A part of a page."""

    name: str
    """What a link to it has behind the `#`, and the table of contents says, with `-` for spaces."""
    title: str
    """Its heading; empty for none, and then it is not in the table of contents."""
    draw: Callable[[Selection], None]
    numbers: Callable[[Selection], Hashable] = with_ended
    """Changes when the section has to be drawn again."""
    help: str | None = None
    tall: int = 460
    """Pixels that it has while its study runs, so that nothing below it moves; what it does not
    hold can be scrolled to."""


Row = Section | tuple[Section, ...]
"""A section, or several side by side."""
Rows = Callable[[Selection], Iterable[Row]]
"""The sections that a study has now."""


def show_sections(selection: Selection, rows: Iterable[Row]) -> None:
    """Draw the sections, each as a fragment of its own."""
    found = list(rows)
    later = {section.name for section in _later(selection, found)}
    for row in found:
        several = row if isinstance(row, tuple) else (row,)
        places = st.columns(len(several), gap="large") if len(several) > 1 else [st.container()]
        for place, section in zip(places, several, strict=True):
            with place:
                _show(selection, section, later=section.name in later)


def _later(selection: Selection, rows: Sequence[Row]) -> list[Section]:
    """The sections that are drawn when the first screen is there."""
    seen = _page(selection, rows) in st.session_state.setdefault(WHOLE, set())
    return [] if seen else list(each(rows[FIRST_ROWS:]))


def _page(selection: Selection, rows: Iterable[Row]) -> tuple[str, ...]:
    return selection.study, *(section.name for section in each(rows))


def contents(rows: Iterable[Row]) -> None:
    """Links to the sections that have a heading."""
    found = [section for section in each(rows) if section.title]
    if len(found) > 1:
        links = " · ".join(f"[{_short(one.name)}](#{one.name})" for one in found)
        st.markdown(f":small[{links}]")  # a caption would make links too pale to be read


def _short(name: str) -> str:
    return name.replace("-", " ").capitalize()


def each(rows: Iterable[Row]) -> Iterator[Section]:
    """The sections of some rows."""
    for row in rows:
        yield from row if isinstance(row, tuple) else (row,)


def follow(selection: Selection, always: Section, rows: Rows) -> None:
    """Let the sections follow the study, with one that stands above them; when it starts or ends,
    or gets a section that it did not have, the whole page is drawn anew."""
    found = list(rows(selection))
    later = [section.name for section in _later(selection, found)]
    trials, arms = len(selection.results.trials), len(selection.results.arms)
    pause = max(SHORTEST_PAUSE, trials / TRIALS_PER_SECOND, arms / ARMS_PER_SECOND)
    running = selection.state == "running"

    def beat() -> None:
        whole: set[tuple[str, ...]] = st.session_state.setdefault(WHOLE, set())
        first = bool(later) and _page(selection, found) not in whole
        whole.add(_page(selection, found))
        try:
            now = selection.refreshed()
            if now.state != selection.state or (not running and now.entry != selection.entry):
                st.rerun()
            if running and _page(now, rows(now)) != _page(selection, found):
                st.rerun()
            drawn = _drawn()
            sections = [always, *each(found)]
            changed = [one.name for one in sections if drawn.get(one.name) != one.numbers(now)]
            st.rerun([STRIP, BEATS, *(changed if running else later if first else [])])
        except (FairtuneError, StreamlitAPIException):
            st.rerun()  # the page says what is wrong; or its reader has left it, with its sections

    @st.fragment(key=BEATS)  # a beat outside of one would end the downloads of what stays
    def pulse() -> None:
        waits = bool(_later(selection, found))
        PULSE(
            key="pulse",
            data={"pause": pause if running else IDLE_PAUSE, "later": waits},
            on_beat_change=beat,
            height=1,
        )

    pulse()


def _show(selection: Selection, section: Section, *, later: bool) -> None:
    waiting = {section.name} if later else set()
    tall: int | Literal["content"] = section.tall if selection.state == "running" else "content"

    @st.fragment(key=section.name)
    def body() -> None:
        with show_errors():
            now = selection.refreshed()
            with st.container(height=tall, border=False):
                if section.title:
                    st.subheader(escape(section.title), anchor=section.name, help=section.help)
                if section.name in waiting:
                    waiting.remove(section.name)
                    _drawn().pop(section.name, None)  # another page may have drawn one of the name
                    return
                _drawn()[section.name] = section.numbers(now)
                section.draw(now)

    body()


def _drawn() -> dict[str, Hashable]:
    """What each section's numbers were when it was drawn."""
    drawn: dict[str, Hashable] = st.session_state.setdefault(DRAWN, {})
    return drawn
