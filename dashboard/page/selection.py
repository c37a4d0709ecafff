"""What a page is about: the study, the metric and the arms that its reader selected."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace

import streamlit as st

from dashboard import data
from dashboard.page import address, brush, picks
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
    address.carry(picks.PICKED, study)
    address.carry(brush.WITHIN, study)
    home, entry = data.home(), entries[study]
    results = data.study(home, study, entry.token)
    logged = data.metrics(home, study, entry.token)
    several = metric and len(logged) > 1
    by = select("metric", "Metric", logged, usual=logged[0]) if several else logged[0]
    names = [arm for arm in results.arms if arm]
    selected_arms = select_several("arm", "Arms", names, "all") if arms and len(names) > 1 else ()
    return Selection(home, entry, by, selected_arms)


def one_search(selection: Selection, *, room: bool = False) -> StudyResults:
    """The trials within the brushed ranges of one search of each arm, and a selector where there
    are several: the values of different splits are no one picture. `room` is for pages with axes to
    brush."""
    study = (selection.home, selection.study, selection.entry.token)
    repeat = 1
    if (count := selection.results.spec.repeats) > 1:
        repeat = _selected_search(selection.results, count)
    every, within = data.one_search(*study, repeat), selection.within
    kept = data.one_search(*study, repeat, within)
    brush.show_brush(every, kept, selection.metrics, within, room=room)
    return kept


def _selected_search(results: StudyResults, count: int) -> int:
    options = [f"{number} of {count}" for number in range(1, count + 1)]
    picked = st.selectbox("Search", options, key="search", bind="query-params", width=160)
    repeat = options.index(picked) + 1
    splits = {trial.split_seed for trial in results.trials if trial.repeat == repeat}
    known = [str(split) for split in splits if split is not None]
    where = f", on split {known[0]}" if len(known) == 1 else ""
    st.caption(
        f"Single trials are those of search {repeat} of every arm{where}; other searches have "
        "other rows."
    )
    return repeat


def shown_repeat(results: StudyResults) -> int:
    """Which search of each arm a page shows that asked `one_search`."""
    if results.spec.repeats == 1:
        return 1
    return int(str(st.session_state["search"]).split()[0])


def kept_keys(selection: Selection) -> frozenset[str] | None:
    """The trials within the brushed ranges, of all searches, by key; None where there is no range
    and all are kept."""
    within = selection.within
    if not within:
        return None
    return frozenset(trial.key for trial in trials_within(selection.results.trials, within))
