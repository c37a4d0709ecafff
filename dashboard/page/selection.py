"""What a page is about: the study, the metric and the arms that its reader selected."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace

import streamlit as st

from dashboard import data
from dashboard.page import address
from dashboard.page.messages import say_what_to_run
from dashboard.page.selectors import select, select_several
from dashboard.rendering import RenderedFigure, SomeInfo
from studies.analysis import Comparison, StudyEntry, StudyRow
from studies.analysis.overview import State, state
from studies.home import Home
from studies.records import Histories, Trial
from studies.reporting.content import Report
from studies.reporting.figures.common import NARROW
from studies.results import StudyResults
from studies.statistics import Goal


@dataclass(frozen=True)
class Selection:
    """What a page is about."""

    home: Home
    entry: StudyEntry
    metric: str
    selected_arms: tuple[str, ...] = ()
    """Arms that were picked in the sidebar; empty for all."""

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

    def histories(self, trials: Sequence[Trial], metrics: Sequence[str]) -> Histories:
        """Metrics of some trials after every epoch, by their keys."""
        keys = tuple(sorted(trial.key for trial in trials))
        return data.histories(self.home, self.study, self.entry.token, keys, tuple(metrics))

    def kept_figure(
        self, key: tuple[Hashable, ...], make: Callable[[], RenderedFigure[SomeInfo]]
    ) -> RenderedFigure[SomeInfo]:
        """A figure that was drawn before for the same study, metric, arms and key, else a new
        one."""
        every = (self.metric, self.selected_arms, *key)
        return data.figure(self.home, self.study, self.entry.token, every, make)

    def refreshed(self) -> Selection:
        """The same with what the study has found since."""
        newer = next(
            (each for each in data.study_entries(self.home) if each.study == self.study), None
        )
        return replace(self, entry=newer or self.entry)


def available(factor: str = "") -> list[StudyEntry]:
    """The studies of the home, or those that compare a factor, the last changed first."""
    return [each for each in data.study_entries(data.home()) if not factor or each.compares(factor)]


def selected_study(factor: str = "", *, metric: bool = True, arms: bool = False) -> Selection:
    """The study that is looked at: that of the address, else the last changed one that compares
    the factor. `metric` and `arms` ask for selectors of those."""
    entries = {each.study: each for each in available(factor)}
    if not entries:
        say_what_to_run(factor)
        st.stop()
    others = [each.study for each in available()] if factor else []
    why = dict.fromkeys(others, f"compares no {factor}")
    study = select("study", "Study", list(entries), why=why)
    home, entry = data.home(), entries[study]
    results = data.study(home, study, entry.token)
    logged = data.metrics(home, study, entry.token)
    several = metric and len(logged) > 1
    by = select("metric", "Metric", logged, usual=logged[0]) if several else logged[0]
    names = [arm for arm in results.arms if arm]
    selected_arms = select_several("arm", "Arms", names, "all") if arms and len(names) > 1 else ()
    return Selection(home, entry, by, selected_arms)


def one_search(selection: Selection) -> StudyResults:
    """The study with one search of each arm, and a selector where there are several: the values
    of different splits are no one picture."""
    results = selection.results
    count = results.spec.repeats
    if count == 1:
        return results
    options = [f"{number} of {count}" for number in range(1, count + 1)]
    bound = address.single("search", options, options[0])
    picked = st.selectbox("Search", options, **bound, width=160)
    repeat = options.index(picked) + 1
    splits = {trial.split_seed for trial in results.trials if trial.repeat == repeat}
    known = [str(split) for split in splits if split is not None]
    where = f", on split {known[0]}" if len(known) == 1 else ""
    st.caption(
        f"Single trials are those of search {repeat} of every arm{where}; other searches have "
        "other rows."
    )
    return data.one_search(selection.home, selection.study, selection.entry.token, repeat)


def shown_repeat(results: StudyResults) -> int:
    """Which search of each arm a study has that `one_search` gave."""
    return results.trials[0].repeat if results.trials else 1
