"""What a page is about: the study, the metric and the arms that its reader selected."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace

import streamlit as st

from dashboard import data
from dashboard.page import brush
from dashboard.page.messages import say_what_to_run
from dashboard.page.selectors import select, select_several
from dashboard.rendering import RenderedFigure, SomeInfo
from studies.analysis import Comparison, StudyEntry, StudyRow
from studies.analysis.overview import State, state
from studies.home import Home
from studies.records import Histories, Trial
from studies.reporting.content import Report
from studies.reporting.figures.common import NARROW
from studies.reporting.within import ValueRange, trials_within
from studies.results import StudyResults
from studies.statistics import Goal

PAUSE = 3.0
"""Seconds after which a page without a study asks whether there is one."""
ANY_FACTOR = "any"
"""In place of a factor's name."""


@dataclass(frozen=True)
class Selection:
    """What a page is about."""

    home: Home
    entry: StudyEntry
    metric: str
    selected_arms: tuple[str, ...] = ()
    """Arms that were picked in the sidebar; empty for all."""
    repeat: int = 1
    """The search of every arm whose single trials are shown."""

    @property
    def study(self) -> str:
        """The study's name."""
        return self.entry.study

    @property
    def results(self) -> StudyResults:
        """The study's trials."""
        return data.study(self.home, self.study, self.entry.token)

    @property
    def comparison(self) -> Comparison:
        """The study's arms by the metric; takes seconds where there are many arms."""
        return data.comparison(self.home, self.study, self.entry.token, self.metric)

    @property
    def report(self) -> Report:
        """Everything that may be said of the study, in sentences and tables."""
        return data.report(self.home, self.study, self.entry.token, self.metric)

    @property
    def goal(self) -> Goal:
        """Whether the metric is better high or low."""
        return self.comparison.goal

    @property
    def state(self) -> State:
        """Whether the study runs now."""
        return state(self.results)

    @property
    def row(self) -> StudyRow:
        """How far the study has come."""
        driver = self.home.driver(self.study)
        return data.row(self.home, self.study, self.entry.token, driver)

    @property
    def arms(self) -> tuple[str, ...]:
        """Arms for figures that cannot show many: the picked ones, else the best, best first."""
        ranked = tuple(arm.arm for arm in self.comparison.arms)
        return tuple(arm for arm in ranked if arm in self.selected_arms) or ranked[:NARROW]

    @property
    def within(self) -> tuple[ValueRange, ...]:
        """The ranges that its reader brushed; they filter figures and tables of single trials."""
        return brush.ranges(self.results, self.metrics)

    @property
    def metrics(self) -> list[str]:
        """What the study's arms can be compared by."""
        return data.metrics(self.home, self.study, self.entry.token)

    def histories(self, trials: Sequence[Trial], metrics: Sequence[str]) -> Histories:
        """Metrics of some trials after every epoch, by their keys."""
        keys = tuple(sorted(trial.key for trial in trials))
        return data.histories(self.home, self.study, self.entry.token, keys, tuple(metrics))

    def kept_figure(
        self, key: tuple[Hashable, ...], make: Callable[[], RenderedFigure[SomeInfo]]
    ) -> RenderedFigure[SomeInfo]:
        """A figure that was drawn before for the same study, metric, arms, ranges and key, else a
        new one."""
        every = (self.metric, self.selected_arms, self.within, *key)
        return data.figure(self.home, self.study, self.entry.token, every, make)

    def refreshed(self) -> Selection:
        """The same with what the study has found since."""
        newer = next(
            (each for each in data.study_entries(self.home) if each.study == self.study), None
        )
        return replace(self, entry=newer or self.entry)


def available(factor: str = "") -> list[StudyEntry]:
    """The studies of the home, or those that compare a factor or any, the last changed first."""
    found = data.study_entries(data.home())
    if factor == ANY_FACTOR:
        return [each for each in found if each.factors]
    return [each for each in found if not factor or each.compares(factor)]


def wait_for_study(factor: str = "") -> None:
    """Says what to run, and draws the page when it runs."""

    @st.fragment(run_every=PAUSE)
    def waiting() -> None:
        if available(factor):
            st.rerun()
        say_what_to_run(factor)

    waiting()


def selected_study(
    factor: str = "", *, metric: bool = True, arms: bool = False, searches: bool = False
) -> Selection:
    """The study that is looked at: that of the address, else the last changed one that compares
    the factor. `metric`, `arms` and `searches` ask for selectors of those."""
    entries = {each.study: each for each in available(factor)}
    if not entries:
        wait_for_study(factor)
        st.stop()
    others = [each.study for each in available()] if factor else []
    compared = "nothing" if factor == ANY_FACTOR else f"no {factor}"
    why = dict.fromkeys(others, f"compares {compared}")
    study = select("study", "Study", list(entries), why=why)
    home, entry = data.home(), entries[study]
    results = data.study(home, study, entry.token)
    logged = data.metrics(home, study, entry.token)
    several = metric and len(logged) > 1
    by = select("metric", "Metric", logged, usual=logged[0]) if several else logged[0]
    names = [arm for arm in results.arms if arm]
    selected_arms = select_several("arm", "Arms", names, "all") if arms and len(names) > 1 else ()
    repeat, count = 1, results.spec.repeats
    if searches and count > 1:
        options = [f"{number} of {count}" for number in range(1, count + 1)]
        repeat = options.index(select("search", "Search", options, usual=options[0])) + 1
    return Selection(home, entry, by, selected_arms, repeat)


def one_search(selection: Selection) -> StudyResults:
    """The trials within the brushed ranges of one search of each arm: the values of different
    splits are no one picture."""
    within = selection.within
    if selection.results.spec.repeats == 1 and not within:
        return selection.results
    study = (selection.home, selection.study, selection.entry.token)
    return data.one_search(*study, selection.repeat, within)


def about_search(selection: Selection) -> None:
    """Says of which search the single trials are, where there are several."""
    results, repeat = selection.results, selection.repeat
    if results.spec.repeats == 1:
        return
    splits = {trial.split_seed for trial in results.trials if trial.repeat == repeat}
    known = [str(split) for split in splits if split is not None]
    where = f", on split {known[0]}" if len(known) == 1 else ""
    st.caption(
        f"Single trials are those of search {repeat} of every arm{where}; other searches have "
        "other rows. Choose another one on the left."
    )


def kept_keys(selection: Selection) -> frozenset[str] | None:
    """The trials within the brushed ranges, of all searches, by key; None where there is no range
    and all are kept."""
    within = selection.within
    if not within:
        return None
    return frozenset(trial.key for trial in trials_within(selection.results.trials, within))
