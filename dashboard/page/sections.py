"""Parts that the pages of a comparison have in common, from the verdict to the methods."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import pandas as pd
import streamlit as st

from dashboard.page.annotations import show_annotation
from dashboard.page.budget import budget
from dashboard.page.messages import escape, marked, show_errors, show_prose
from dashboard.page.picks import MOST
from dashboard.page.selection import Selection
from dashboard.page.shown_arms import few_shown
from dashboard.page.strip import words as time_words
from dashboard.page.widgets import curve_options, link, show
from studies.analysis import DesignWarning
from studies.analysis.time_left import time_left
from studies.reporting.figures.comparison.differences import differences_info, draw_differences
from studies.reporting.figures.comparison.gains import draw_gains, gains_info
from studies.reporting.figures.comparison.pairs import draw_pairs, pairs_info
from studies.reporting.figures.comparison.ranking import draw_ranking, ranking_info
from studies.reporting.figures.comparison.spending import (
    cost_info,
    draw_cost,
    draw_outcomes,
    outcomes_info,
)
from studies.reporting.figures.training.learning import LearningInfo, draw_learning, learning_info
from studies.reporting.figures.training.winners import winner_trainings
from studies.reporting.tables import Table
from studies.results import StudyResults, duration

COLOURS = {"running": "green", "finished": "blue", "interrupted": "orange"}
FEW = 3
"""Sentences that a page says at once; more are folded away."""
NOTHING = "Nothing can be compared yet: no search of an arm is over."
NO_PAIR = "A pair needs two arms whose winners were confirmed on fresh seeds."
NONE_ENDED = "No trial of the search has ended yet."


def heading(selection: Selection) -> None:
    """The question of a study, and how far it has come."""
    about, objective = selection.row, selection.results.spec.objective
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(about.state, color=COLOURS[about.state])  # type: ignore[arg-type]
        st.markdown(f"**{escape(about.description or about.study)}**")
    ended = ", ".join(f"{count:,} {outcome}" for outcome, count in about.outcomes.items())
    noun = "trial" if sum(about.outcomes.values()) == 1 else "trials"
    facts = [about.study, f"{ended or 'no'} {noun}", f"{about.epochs:,} epochs"]
    facts += [duration(about.seconds), f"{objective.metric}, to {objective.goal}"]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(escape(" · ".join(facts)), width="content")
        show_annotation(selection.home, selection.study, selection.results.annotation)
    if about.state != "finished" and about.progress is not None:
        left = time_words(time_left(selection.results)) if about.state == "running" else ""
        said = f"{about.progress:.0%} of the budget"
        st.progress(about.progress, f"{said}, {left}" if left else said)


def answer(selection: Selection) -> None:
    """What was found, on one card: the claim, the configuration to use, and what to do next."""
    found = selection.report.answer
    with st.container(border=True, gap="xsmall"):
        st.markdown(f"#### {marked(found.sentence)}")
        if found.trial:
            whose = f", found for {found.leader}" if found.leader else ""
            st.caption(escape(f"The configuration to use{whose}:"))
            facts = [(found.metric, found.level), *found.parameters]
            with st.container(horizontal=True, vertical_alignment="center"):
                for name, value in facts:
                    st.markdown(f"**{escape(value)}**  \n{escape(name)}", width="content")
                if found.others:
                    st.caption(f"and {found.others} more", width="content")
                with st.popover("Copy YAML", icon=":material/content_copy:"):
                    st.code(found.file, language="yaml")
                link("trial", f"Open {found.trial}", study=selection.study, trial=found.trial)
                if len(best := _best_trials(selection.results)) > 1:
                    link("trials", "Compare the best trials", study=selection.study, picked=best)
        if selection.state != "running":
            with st.container(horizontal=True, vertical_alignment="center"):
                st.caption(escape(f"Next: {found.why}"), width="content")
                st.code(found.command, language="bash", wrap_lines=True)


def _best_trials(results: StudyResults) -> list[str]:
    """The best trial of every arm, the best first; of one arm its best two."""
    ranking = results.ranking
    if len(results.arms) < 2:
        return [trial.key for trial in ranking[:2]]
    best: dict[str, str] = {}
    for trial in ranking:
        best.setdefault(trial.arm, trial.key)
    return list(best.values())[:MOST]


def verdict(selection: Selection) -> None:
    """What may be said, where its uncertainty comes from, what is missing for more, and
    warnings."""
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
                budget(selection)
    if report.missing:
        st.info("\n".join(f"- {marked(text)}" for text in report.missing), icon=":material/info:")
    alarms = [alarm for alarm in report.design_warnings if alarm.kind != "pruning"]
    warnings = [warning_text(alarm) for alarm in alarms]
    warnings += [marked(text) for text in report.warnings]
    if warnings:
        st.warning("  \n".join(warnings), icon=":material/warning:")


def ranking(selection: Selection) -> None:
    """The arms, or their configurations, by what was confirmed."""
    means = partial(ranking_info, selection.results, selection.comparison)
    show(selection, means, draw_ranking, "ranking", NOTHING)


def gains(selection: Selection) -> None:
    """What tuning brought."""
    found = partial(gains_info, selection.results, selection.comparison)
    show(selection, found, draw_gains, "gains", NOTHING)


def differences(selection: Selection) -> None:
    """The differences that the verdict on every pair rests on."""
    found = partial(differences_info, selection.comparison)
    show(selection, found, draw_differences, "differences", NO_PAIR)


def pairs(selection: Selection) -> None:
    """The verdicts as a matrix."""
    show(selection, partial(pairs_info, selection.comparison), draw_pairs, "pairs", NO_PAIR)


def learning(selection: Selection) -> None:
    """How the winners learn."""
    objective = selection.results.spec.objective.metric

    def curves() -> LearningInfo:
        trials = [
            trial for arm in selection.arms for trial in winner_trainings(selection.results, arm)
        ]
        others = (
            {} if selection.metric == objective else selection.histories(trials, [selection.metric])
        )
        arms = selection.arms
        return learning_info(selection.results, selection.metric, others, arms, options)

    options = curve_options("learning")
    nothing = "No curve is known of a completed trial."
    with show_errors():
        show(selection, curves, draw_learning, "learning", nothing, by=(options,))
    few_shown(selection)


def outcomes(selection: Selection) -> None:
    """How the trials of the search ended."""
    ended = partial(outcomes_info, selection.results, selection.comparison)
    show(selection, ended, draw_outcomes, "outcomes", NONE_ENDED)


def cost(selection: Selection) -> None:
    """What the trials of the search cost."""
    spent = partial(cost_info, selection.results, selection.comparison)
    show(selection, spent, draw_cost, "cost", NONE_ENDED)


def tables(selection: Selection) -> None:
    """The numbers, the configuration to use, the winners, and how all was found."""
    report = selection.report
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


def warning_text(alarm: DesignWarning) -> str:
    """A warning on the design, with the arm that it is about."""
    named = alarm.arm and not alarm.message.startswith(alarm.arm)
    return marked(f"{alarm.arm}: {alarm.message}" if named else alarm.message)
