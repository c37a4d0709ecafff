"""Parts that the pages of a comparison have in common, from the verdict to the methods."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import pandas as pd
import streamlit as st

from dashboard.figures.comparing import (
    draw_gains,
    draw_pairs,
    draw_ranking,
    gain_kinds,
    gains_info,
    pairs_info,
    ranking_info,
)
from dashboard.figures.differences import differences_info, draw_differences
from dashboard.figures.ranges import draw_effect, effect_info, searched
from dashboard.figures.spending import cost_info, draw_cost, draw_outcomes, outcomes_info
from dashboard.figures.training import LearningInfo, draw_learning, learners, learning_info
from dashboard.shared import Chosen, link, one_search, plain, polite, show, shown_repeat
from studies.reporting.paired import differences_title
from studies.reporting.tables import Table
from studies.results import duration

COLOURS = {"running": "green", "finished": "blue", "interrupted": "orange"}
FEW = 3
"""Sentences that a page says at once; more are folded away."""
NOTHING = "No trial has completed yet, so there is nothing to compare."


def heading(chosen: Chosen) -> None:
    """The question of a study, and how far it has come."""
    about = chosen.row
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(about.state, color=COLOURS[about.state])  # type: ignore[arg-type]
        st.markdown(f"**{plain(about.description or about.study)}**")
    ended = ", ".join(f"{count:,} {outcome}" for outcome, count in about.outcomes.items())
    facts = [about.study, f"{ended or 'no'} trials", f"{about.epochs:,} epochs"]
    facts += [duration(about.seconds), f"{chosen.comparison.metric}, to {chosen.goal}"]
    st.caption(plain(" · ".join(facts)))
    if about.state != "finished" and about.progress is not None:
        st.progress(about.progress, f"{about.progress:.0%} of the budget")


def verdict(chosen: Chosen, warnings: Sequence[str] = ()) -> None:
    """What may be said, where its uncertainty comes from, what is missing for more, and warnings
    of some kinds."""
    report = chosen.report
    with st.container(border=True):
        st.markdown(f"#### {plain(report.headline)}")
        if 0 < len(report.verdicts) <= FEW:
            _bullets(report.verdicts)
        elif report.verdicts:
            with st.expander(f"All {len(report.verdicts)} pairs in words"):
                _bullets(report.verdicts)
        if report.uncertainty:
            with st.expander("Where the uncertainty comes from"):
                _bullets(report.uncertainty)
        if report.advice:
            with st.expander("What would make it smaller"):
                for text in report.advice:
                    _advice(text)
    if report.missing:
        st.info("\n".join(f"- {plain(text)}" for text in report.missing), icon=":material/info:")
    for warning in report.design_warnings:
        if warning.kind in warnings:
            text = f"{warning.arm}: {warning.message}" if warning.arm else warning.message
            st.warning(plain(text), icon=":material/warning:")


def ranking(chosen: Chosen) -> None:
    """The arms, or their configurations, by what was confirmed, beside what tuning brought."""
    words = chosen.report.words
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader(words.ranking, help=words.about)
        means = partial(ranking_info, chosen.results, chosen.comparison)
        show(chosen, means, draw_ranking, "ranking", NOTHING)
    with right:
        gains = partial(gains_info, chosen.results, chosen.comparison)
        title = ", ".join(gain_kinds(chosen.comparison)).capitalize()
        st.subheader(title, help="What tuning brought, and what was luck.")
        show(chosen, gains, draw_gains, "gains", NOTHING)


def pairs(chosen: Chosen) -> None:
    """Every pair: the differences that its verdict rests on, and the verdicts as a matrix."""
    comparison = chosen.comparison
    if len(comparison.arms) < 2:
        return
    left, right = st.columns(2, gap="large")
    why = "A pair needs two arms whose winners were confirmed on fresh seeds."
    with left:
        st.subheader(differences_title(comparison))
        show(chosen, partial(differences_info, comparison), draw_differences, "differences", why)
    with right:
        st.subheader(chosen.report.words.pairs)
        show(chosen, partial(pairs_info, comparison), draw_pairs, "pairs", why)


def learning(chosen: Chosen) -> None:
    """How the winners learn."""
    st.subheader("Learning curves of the winners")
    objective = chosen.results.spec.objective.metric

    def curves() -> LearningInfo:
        trials = [trial for arm in chosen.arms for trial in learners(chosen.results, arm)]
        others = {} if chosen.metric == objective else chosen.histories(trials, [chosen.metric])
        return learning_info(chosen.results, chosen.metric, others, chosen.arms)

    with polite():
        show(chosen, curves, draw_learning, "learning", "No curve is known of a completed trial.")
    few_shown(chosen)


def few_shown(chosen: Chosen) -> None:
    """Says so where not all arms are in the figures."""
    if len(chosen.arms) < len(chosen.comparison.arms):
        which = "the picked" if chosen.picked else "the best"
        all_ = len(chosen.comparison.arms)
        st.caption(f"Shown are {which} {len(chosen.arms)} of {all_} arms; pick others on the left.")


def effect(chosen: Chosen, prefix: str, title: str) -> None:
    """The metric against any number below `prefix` that was searched."""
    found = searched(chosen.results, prefix)
    if not found:
        return
    first = list(found).index(f"{prefix}.lr") if f"{prefix}.lr" in found else 0
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.subheader(f"{title}: {chosen.metric} against")
        name = st.selectbox(
            "Parameter", list(found), first, key=f"effect {prefix}", label_visibility="collapsed"
        )
    results = one_search(chosen)
    trials = partial(
        effect_info, results, name, chosen.metric, chosen.goal, chosen.arms, log=found[name]
    )
    nothing = "No trial with this parameter has completed yet."
    info = show(chosen, trials, draw_effect, "effect", nothing, by=(name, shown_repeat(results)))
    if not info.empty:
        st.dataframe(info.sensitivity, hide_index=True)


def spending(chosen: Chosen) -> None:
    """How the trials of the search ended and what they cost."""
    left, right = st.columns(2, gap="large")
    nothing = "No trial of the search has ended yet."
    with left:
        st.subheader("How trials ended")
        ended = partial(outcomes_info, chosen.results, chosen.comparison)
        show(chosen, ended, draw_outcomes, "outcomes", nothing)
    with right:
        st.subheader("Cost")
        cost = partial(cost_info, chosen.results, chosen.comparison)
        show(chosen, cost, draw_cost, "cost", nothing)


def tables(chosen: Chosen) -> None:
    """The numbers, the configuration to use, the winners, and how all was found."""
    report = chosen.report
    st.subheader("Numbers")
    for table in (report.ranking, report.pairs):
        if table.rows:
            st.dataframe(_frame(table), hide_index=True)
            st.caption(plain(table.note))
    if report.use is not None:
        st.subheader("The configuration to use")
        expected = [f"What to expect: {report.use.expected}"] if report.use.expected else []
        _bullets([report.use.how, report.use.network, *expected])
    if report.chosen:
        st.subheader("Winners of the searches")
        st.dataframe(_frame(report.configurations), hide_index=True)
        with st.container(horizontal=True):
            st.caption("Open the trial:", width="content")
            for trial in _linked(chosen):
                link("trial", trial, study=chosen.study, trial=trial)
    with st.expander("How this was compared"):
        for title, text in chosen.report.methods:
            st.markdown(f"**{title}.** {plain(text)}")


def _linked(chosen: Chosen) -> list[str]:
    """The winner of every arm; with several repeats there are too many, but the one to use."""
    report = chosen.report
    if chosen.results.spec.repeats > 1:
        return [report.use.chosen.trial] if report.use is not None else []
    return [each.trial for each in report.chosen if each.arm in chosen.arms]


def _advice(text: str) -> None:
    """Prose, and its commands to copy."""
    for index, part in enumerate(text.split("`")):
        if index % 2:
            st.code(part, language="bash")
        elif part.strip(" ."):
            st.markdown(plain(part.strip()))


def _frame(table: Table) -> pd.DataFrame:
    return pd.DataFrame([list(line) for line in table.rows], columns=list(table.head))


def _bullets(texts: Sequence[str]) -> None:
    st.markdown("\n".join(f"- {plain(text)}" for text in texts))
