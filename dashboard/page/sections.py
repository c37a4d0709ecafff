"""Parts that the pages of a comparison have in common, from the verdict to the methods."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import pandas as pd
import streamlit as st

from dashboard.page.annotations import show_annotation
from dashboard.page.failures import show_failures
from dashboard.page.messages import escape, marked, show_errors, show_prose
from dashboard.page.selection import Selection, one_search, shown_repeat
from dashboard.page.widgets import link, log_axis, show
from studies.reporting.figures.comparison.differences import differences_info, draw_differences
from studies.reporting.figures.comparison.gains import draw_gains, gain_kinds, gains_info
from studies.reporting.figures.comparison.pairs import draw_pairs, pairs_info
from studies.reporting.figures.comparison.ranges import draw_effect, effect_info, searched_numbers
from studies.reporting.figures.comparison.ranking import draw_ranking, ranking_info
from studies.reporting.figures.comparison.spending import (
    cost_info,
    draw_cost,
    draw_outcomes,
    outcomes_info,
)
from studies.reporting.figures.training.learning import LearningInfo, draw_learning, learning_info
from studies.reporting.figures.training.winners import winner_trainings
from studies.reporting.paired import differences_title
from studies.reporting.tables import Table
from studies.results import duration

COLOURS = {"running": "green", "finished": "blue", "interrupted": "orange"}
FEW = 3
"""Sentences that a page says at once; more are folded away."""
NOTHING = "No trial has completed yet, so there is nothing to compare."


def heading(selection: Selection) -> None:
    """The question of a study, and how far it has come."""
    about = selection.row
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(about.state, color=COLOURS[about.state])  # type: ignore[arg-type]
        st.markdown(f"**{escape(about.description or about.study)}**")
    ended = ", ".join(f"{count:,} {outcome}" for outcome, count in about.outcomes.items())
    facts = [about.study, f"{ended or 'no'} trials", f"{about.epochs:,} epochs"]
    facts += [duration(about.seconds), f"{selection.comparison.metric}, to {selection.goal}"]
    st.caption(escape(" · ".join(facts)))
    if about.state != "finished" and about.progress is not None:
        st.progress(about.progress, f"{about.progress:.0%} of the budget")
    show_annotation(selection.home, selection.study, selection.results.annotation)


def answer(selection: Selection) -> None:
    """What was found, on one card: the claim, the configuration to use, and what to do next."""
    found = selection.report.answer
    with st.container(border=True):
        st.markdown(f"#### {marked(found.sentence)}")
        if found.trial:
            whose = f" (found for {found.leader})" if found.leader else ""
            st.caption(escape(f"The configuration to use{whose}:"))
            facts = [(found.metric, found.level), *found.parameters]
            with st.container(horizontal=True):
                for name, value in facts:
                    st.markdown(f"**{escape(value)}**  \n{escape(name)}", width="content")
            with st.container(horizontal=True, vertical_alignment="center"):
                with st.popover("Copy YAML", icon=":material/content_copy:"):
                    st.code(found.file, language="yaml")
                link("trial", f"Open {found.trial}", study=selection.study, trial=found.trial)
        if selection.state != "running":
            st.caption(escape(f"Next: {found.why}"))
            st.code(found.command, language="bash", wrap_lines=True)


def verdict(selection: Selection, design_warnings: Sequence[str] = ()) -> None:
    """What may be said, where its uncertainty comes from, what is missing for more, and warnings
    of some kinds."""
    report = selection.report
    with st.container():
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
                    show_prose(text)
        if report.budget.rows:
            with st.expander("What more repeats or seeds would show"):
                st.dataframe(_frame(report.budget), hide_index=True)
                st.caption(marked(report.budget.note))
    if report.missing:
        st.info("\n".join(f"- {marked(text)}" for text in report.missing), icon=":material/info:")
    for alarm in report.design_warnings:
        if alarm.kind in design_warnings:
            text = f"{alarm.arm}: {alarm.message}" if alarm.arm else alarm.message
            st.warning(marked(text), icon=":material/warning:")


def ranking(selection: Selection) -> None:
    """The arms, or their configurations, by what was confirmed, beside what tuning brought."""
    words = selection.report.words
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader(words.ranking, help=words.about)
        means = partial(ranking_info, selection.results, selection.comparison)
        show(selection, means, draw_ranking, "ranking", NOTHING)
    with right:
        gains = partial(gains_info, selection.results, selection.comparison)
        title = ", ".join(gain_kinds(selection.comparison)).capitalize()
        st.subheader(title, help="What tuning brought, and what was luck.")
        show(selection, gains, draw_gains, "gains", NOTHING)


def pairs(selection: Selection) -> None:
    """Every pair: the differences that its verdict rests on, and the verdicts as a matrix."""
    comparison = selection.comparison
    if len(comparison.arms) < 2:
        return
    left, right = st.columns(2, gap="large")
    why = "A pair needs two arms whose winners were confirmed on fresh seeds."
    with left:
        st.subheader(differences_title(comparison))
        show(selection, partial(differences_info, comparison), draw_differences, "differences", why)
    with right:
        st.subheader(selection.report.words.pairs)
        show(selection, partial(pairs_info, comparison), draw_pairs, "pairs", why)


def learning(selection: Selection) -> None:
    """How the winners learn."""
    st.subheader("Learning curves of the winners")
    objective = selection.results.spec.objective.metric

    def curves() -> LearningInfo:
        trials = [
            trial for arm in selection.arms for trial in winner_trainings(selection.results, arm)
        ]
        others = (
            {} if selection.metric == objective else selection.histories(trials, [selection.metric])
        )
        return learning_info(selection.results, selection.metric, others, selection.arms)

    with show_errors():
        show(
            selection, curves, draw_learning, "learning", "No curve is known of a completed trial."
        )
    few_shown(selection)


def few_shown(selection: Selection) -> None:
    """Says so where not all arms are in the figures."""
    if len(selection.arms) < len(selection.comparison.arms):
        which = "the picked" if selection.selected_arms else "the best"
        every = len(selection.comparison.arms)
        shown = f"Shown are {which} {len(selection.arms)} of {every} arms"
        st.caption(f"{shown}; pick others on the left.")


def effect(selection: Selection, prefix: str, title: str) -> None:
    """The metric against any number below `prefix` that was searched."""
    found = searched_numbers(selection.results, prefix)
    if not found:
        return
    first = list(found).index(f"{prefix}.lr") if f"{prefix}.lr" in found else 0
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.subheader(f"{title}: {selection.metric} against")
        name = st.selectbox(
            "Parameter", list(found), first, key=f"effect {prefix}", label_visibility="collapsed"
        )
        log = log_axis(selection.metric, f"log {prefix}")
    results = one_search(selection)
    trials = partial(
        effect_info,
        results,
        name,
        selection.metric,
        selection.goal,
        selection.arms,
        log=found[name],
        log_metric=log,
    )
    nothing = "No trial with this parameter has completed yet."
    info = show(
        selection, trials, draw_effect, "effect", nothing, by=(name, shown_repeat(results), log)
    )
    if not info.empty:
        st.dataframe(info.sensitivity, hide_index=True)


def spending(selection: Selection) -> None:
    """How the trials of the search ended and what they cost."""
    left, right = st.columns(2, gap="large")
    nothing = "No trial of the search has ended yet."
    with left:
        st.subheader("How trials ended")
        ended = partial(outcomes_info, selection.results, selection.comparison)
        show(selection, ended, draw_outcomes, "outcomes", nothing)
    with right:
        st.subheader("Cost")
        cost = partial(cost_info, selection.results, selection.comparison)
        show(selection, cost, draw_cost, "cost", nothing)
    show_failures(selection)


def tables(selection: Selection) -> None:
    """The numbers, the configuration to use, the winners, and how all was found."""
    report = selection.report
    st.subheader("Numbers")
    for table in (report.ranking, report.pairs):
        if table.rows:
            st.dataframe(_frame(table), hide_index=True)
            st.caption(marked(table.note))
    if report.use is not None:
        st.subheader("The configuration to use")
        expected = [f"What to expect: {report.use.expected}"] if report.use.expected else []
        _bullets([report.use.how, report.use.network, *expected])
    if report.winners:
        st.subheader("Winners of the searches")
        st.dataframe(_frame(report.configurations), hide_index=True)
        with st.container(horizontal=True):
            st.caption("Open the trial:", width="content")
            for trial in _trials_to_open(selection):
                link("trial", trial, study=selection.study, trial=trial)
    with st.expander("How this was compared"):
        for title, text in selection.report.methods:
            st.markdown(f"**{title}.** {marked(text)}")


def _trials_to_open(selection: Selection) -> list[str]:
    """The winner of every arm; with several repeats there are too many, but the one to use."""
    report = selection.report
    if selection.results.spec.repeats > 1:
        return [report.use.winner.trial] if report.use is not None else []
    return [each.trial for each in report.winners if each.arm in selection.arms]


def _frame(table: Table) -> pd.DataFrame:
    return pd.DataFrame([list(line) for line in table.rows], columns=list(table.head))


def _bullets(texts: Sequence[str]) -> None:
    st.markdown("\n".join(f"- {marked(text)}" for text in texts))
