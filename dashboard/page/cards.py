"""Studies as cards: the question, the answer, and how far each has come."""

from __future__ import annotations

import streamlit as st

from dashboard import data
from dashboard.page.messages import escape, marked
from dashboard.page.widgets import link
from lightning_modules.errors import FairtuneError, cut
from studies.analysis import StudyEntry, StudyRow
from studies.analysis.time_left import TimeLeft
from studies.home import Home, slug, without_secrets
from studies.reporting.answer import Answer
from studies.reporting.card import StudyCard
from studies.results import duration, level, plural

COLOURS = {"running": "green", "finished": "blue", "interrupted": "orange"}
SHORTEST_PAUSE, TRIALS_PER_SECOND = 3.0, 200
"""A running study is read again after so many seconds; a large one, which takes longer, later."""
SHOWN = 4  # arms that a card names
QUESTION = "question"
STYLE = f"""<style>
[class*="st-key-{QUESTION}"] a {{ padding: 0; }}
[class*="st-key-{QUESTION}"] a * {{
  white-space: normal; overflow: visible; font-size: 1.15rem; font-weight: 600; line-height: 1.4;
}}
</style>"""
"""A question is read as a whole, on a telephone too; of links Streamlit shows one line."""


def show_style() -> None:
    """How the cards look, once on a page."""
    st.html(STYLE)


def show_study(home: Home, study: StudyEntry) -> None:
    """A study's card; while the study runs only its card is drawn again with what is new."""
    if home.driver(study.study) is None:
        _draw(home, study)
        return
    read = _card(home, study)
    ended = 0 if read is None else sum(read.row.outcomes.values())

    @st.fragment(run_every=max(SHORTEST_PAUSE, ended / TRIALS_PER_SECOND))
    def running() -> None:
        entries = {each.study: each for each in data.study_entries(home)}
        _draw(home, entries.get(study.study, study))

    running()


def _draw(home: Home, study: StudyEntry) -> None:
    card = _card(home, study)
    if card is None:
        return
    about = card.row
    with st.container(border=True, gap="small"):
        with st.container(key=f"{QUESTION} {slug(study.study)}"):
            link("answer", about.description or about.study, study=study.study)
        sentence = [marked(card.answer.sentence)] if card.answer is not None else []
        best = _best(about, card.answer)
        with st.container(horizontal=True, gap="small"):
            st.badge(about.state, color=COLOURS[about.state])  # type: ignore[arg-type]
            if said := [*sentence, *([escape(best)] if best else [])]:
                st.markdown("  \n".join(said))
        _progress(about, card.left)
        if about.state == "interrupted":
            st.caption("This continues it:")
            st.code(card.command, language="bash", wrap_lines=True)
        _remarks(card)
        st.caption(escape(" · ".join(_facts(about))))


def _card(home: Home, study: StudyEntry) -> StudyCard | None:
    """What the card says; None, and why, where the study cannot be read."""
    try:
        return data.card(home, study.study, study.token, home.driver(study.study))
    except FairtuneError as error:
        st.warning(marked(f"{study.study}: {without_secrets(str(error))}"))
        return None


def _best(about: StudyRow, answer: Answer | None) -> str:
    """The arm of the configuration to use, and what to expect of it."""
    if answer is None:
        found = level(about.best_metric, about.best)
        whose = f" ({about.best_arm})" if about.best_arm else ""
        return (
            "" if about.best is None else f"So far the best has {about.best_metric} {found}{whose}"
        )
    if not answer.level:
        return ""
    found = f"the configuration found for {answer.leader}" if answer.leader else "the best one"
    confirmed = about.fresh_seeds or about.searches > 1
    seen = "expect" if confirmed else "in its search it had"
    return f"To use: {found}; {seen} {answer.metric} {answer.level}."


def _progress(about: StudyRow, left: TimeLeft | None) -> None:
    if about.state == "finished" or about.progress is None:
        return
    words = f"{about.progress:.0%} of the budget"
    if left is not None and left.search is not None:
        words += f", about {duration(left.search + (left.confirmation or 0.0))} left"
    st.progress(about.progress, words)


def _remarks(card: StudyCard) -> None:
    """What people have written about the study."""
    note, tags = card.annotation.note, card.annotation.tags
    if note:
        st.markdown("  \n".join(escape(line) for line in note.splitlines()))
    if tags:
        with st.container(horizontal=True, gap="small"):
            for name, value in tags.items():
                st.badge(escape(cut(f"{name} = {value}")), color="gray")


def _facts(about: StudyRow) -> list[str]:
    """How large the study is and when it changed, in a few words each."""
    ended = ", ".join(f"{count:,} {outcome}" for outcome, count in about.outcomes.items())
    noun = "trial" if sum(about.outcomes.values()) == 1 else "trials"
    facts = [about.study, f"{ended or 'no'} {noun}", duration(about.seconds)]
    if about.arms:
        more = ", …" if len(about.arms) > SHOWN else ""
        named = ", ".join(about.arms[:SHOWN]) + more
        facts.append(f"{' × '.join(about.factors) or 'arms'}: {named}")
        facts.append(plural(about.searches, "search of each arm", "searches of each arm"))
    if about.changed is not None:
        facts.append(f"changed {about.changed:%d %b %Y, %H:%M}")
    return facts
