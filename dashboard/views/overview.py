"""All studies of the home: what each asks, what it has found, and how far it has come."""

import re

import streamlit as st

from dashboard import data
from dashboard.page import address
from dashboard.page.cards import show_study, show_style
from dashboard.page.messages import marked, say_what_to_run, show_errors
from dashboard.page.selection import available
from lightning_modules.errors import FairtuneError
from studies.analysis import StudyEntry
from studies.home import Home

PAUSE = 5.0  # seconds after which the page asks whether a study has begun or ended
STEP = 10
"""Studies that are shown, and that "Show more" adds."""
Watched = tuple[tuple[str, str | None, str], ...]


def studies(home: Home, found: list[StudyEntry]) -> None:
    for name, problem in data.unreadable(home).items():
        st.warning(marked(f"{name}: {problem}"))
    if not found:
        say_what_to_run()
        return
    words = st.text_input(
        "Search", **address.text("find"), type="search", placeholder="name, question, arm, metric …"
    )
    show_style()
    matching = [each for each in found if matches(home, each, (words or "").lower().split())]
    shown = matching[: shown_at_once()]
    for study in shown:
        with show_errors():
            show_study(home, study)
    st.caption(f"{len(shown)} of {len(found)} studies")
    if len(matching) > len(shown):
        more = [str(len(shown) + STEP)]
        st.button("Show more", on_click=address.write, args=("shown", more))


def matches(home: Home, study: StudyEntry, words: list[str]) -> bool:
    """Whether all words occur in what is said of a study; one that cannot be read is no match."""
    if not words:
        return True
    try:
        about = data.row(home, study.study, study.token, home.driver(study.study))
    except FairtuneError:
        return False
    said = [about.study, about.description, about.state, about.best_metric, about.metric]
    text = " ".join([*said, *about.arms, *about.factors]).lower()
    return all(word in text for word in words)


def shown_at_once() -> int:
    """How many studies the address asks for."""
    asked = next(iter(address.read("shown")), "")
    return max(STEP, int(asked)) if re.fullmatch(r"[0-9]{1,6}", asked) else STEP


def in_order(home: Home) -> list[StudyEntry]:
    """The studies that run by name, so that none of them moves; then the others, the last changed
    first."""
    entries = available()
    running = {each.study for each in entries if home.driver(each.study)}
    return sorted(
        entries,
        key=lambda each: (each.study not in running, each.study if each.study in running else ""),
    )


def watched(home: Home, found: list[StudyEntry]) -> Watched:
    """Changes when a study begins or ends, or one that does not run is changed."""
    drivers = [home.driver(each.study) for each in found]
    return tuple(
        (each.study, driver, "" if driver else each.token)
        for each, driver in zip(found, drivers, strict=True)
    )


@st.fragment(run_every=PAUSE)
def watch(home: Home, seen: Watched) -> None:
    """Draws nothing; draws the page anew where the list of studies has changed."""
    with show_errors():
        if watched(home, in_order(home)) != seen:
            st.rerun()


home = data.home()
found = in_order(home)
studies(home, found)
watch(home, watched(home, found))
