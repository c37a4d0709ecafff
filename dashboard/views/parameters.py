"""Parameters: which of them mattered, and which of their values were good."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from functools import partial

import streamlit as st

from dashboard import data
from dashboard.page import address
from dashboard.page.live import Row, Section
from dashboard.page.messages import escape
from dashboard.page.parallel.component import show_parallel
from dashboard.page.selection import Selection, about_search, selected_study
from dashboard.page.study_page import show_study
from dashboard.page.widgets import log_axis, show
from studies.reporting.figures.axes import Axis, axes
from studies.reporting.figures.points import Points
from studies.reporting.figures.search.parameters import (
    IsolationInfo,
    SliceInfo,
    draw_isolation,
    draw_slice,
    isolation_info,
    slice_info,
)
from studies.reporting.figures.search.surfaces import SurfaceInfo, draw_surface, surface_info
from studies.reporting.figures.search.tuning import draw_importance, importance_info

NOTHING = "No trial of the search has completed yet."
BY = ("every trial", "best of each bin")
SHOWN = 6  # parameters that get a figure each, unless others are picked
NONE = "This arm searches no parameter: all of its trials have the same configuration."
Points_ = Callable[[], Points]


class ParametersPage:
    """The sections for one arm, with the axis that its reader chose."""

    def __init__(self, arm: str, log: bool) -> None:
        self.arm, self.log = arm, log

    def rows(self, selection: Selection) -> Iterator[Row]:
        """The sections, by how many parameters there are."""
        names = axes(selection.results, self.arm)
        yield Section("importance", "Which parameters mattered", self.importance)
        if not any(trial.arm == self.arm for trial in selection.results.ranking):
            return
        if names:
            yield Section("parallel", "All parameters at once", self.parallel)
            yield Section("each", "One parameter at a time", self.each)
        if len(names) > 1:
            yield Section("two", "Two parameters at once", self.two)

    def importance(self, selection: Selection) -> None:
        """The share of the variance that each parameter explains."""
        if not axes(selection.results, self.arm):
            st.info(NONE)
            return
        study = (selection.home, selection.study, selection.entry.token)
        important = data.importances(*study, self.arm)
        if important.why_none:
            st.caption(escape(f"No importance is shown: {important.why_none}."))
            return
        shares = partial(importance_info, important, selection.results.spec.repeats)
        show(selection, shares, draw_importance, "importance", NOTHING, by=(self.arm,))

    def parallel(self, selection: Selection) -> None:
        """A line for each trial through its values."""
        names = tuple(axis.name for axis in self._axes(selection))
        study = (selection.home, selection.study, selection.entry.token)
        repeat, metric = selection.repeat, selection.metric
        lines = data.parallel(*study, repeat, metric, self.arm, self.log, names)
        show_parallel(lines, selection.within, NOTHING)
        about_search(selection)

    def each(self, selection: Selection) -> None:
        """A figure for each parameter."""
        every = self._axes(selection)
        which = st.segmented_control("Show", BY, required=True, **address.single("by", BY, BY[0]))
        picked = names = [axis.name for axis in every]
        if len(every) > SHOWN:
            bound = address.several("parameters", names, names[:SHOWN])
            picked = st.multiselect("Parameters", names, **bound)
        colours = tuple(arm or selection.study for arm in selection.results.arms)
        columns, by = st.columns(min(3, max(2, len(picked)))), self._by(selection)
        found = partial(self._points, selection)
        for index, axis in enumerate(axis for axis in every if axis.name in picked):
            with columns[index % len(columns)]:
                if which == "best of each bin":
                    best = partial(_best_by, found, axis, colours)
                    show(selection, best, draw_isolation, f"best by {axis.name}", NOTHING, by=by)
                else:
                    trials = partial(_trials_by, found, axis, colours)
                    show(selection, trials, draw_slice, f"by {axis.name}", NOTHING, by=by)

    def two(self, selection: Selection) -> None:
        """The values over any two of the parameters."""
        by_name = {axis.name: axis for axis in self._axes(selection)}
        names = list(by_name)
        left, right = st.columns(2)
        x = left.selectbox("Across", names, **address.single("x", names, names[0]))
        others = [name for name in names if name != x]
        y = right.selectbox("Up", others, **address.single("y", others, others[0]))

        def both() -> SurfaceInfo:
            return surface_info(self._points(selection), by_name[x], by_name[y])

        by = (x, y, *self._by(selection))
        show(selection, both, draw_surface, "two parameters", NOTHING, by=by)

    def _points(self, selection: Selection) -> Points:
        study = (selection.home, selection.study, selection.entry.token)
        repeat, metric = selection.repeat, selection.metric
        return data.points(*study, repeat, metric, self.arm, self.log, selection.within)

    def _by(self, selection: Selection) -> tuple[Hashable, ...]:
        return self.arm, selection.repeat, self.log

    def _axes(self, selection: Selection) -> list[Axis]:
        """The most important parameter first."""
        study = (selection.home, selection.study, selection.entry.token)
        important = data.importances(*study, self.arm)
        order = [row.parameter for row in important.parameters]
        return sorted(
            axes(selection.results, self.arm),
            key=lambda axis: order.index(axis.name) if axis.name in order else len(order),
        )


def _best_by(found: Points_, axis: Axis, colours: Sequence[str]) -> IsolationInfo:
    return isolation_info(found(), axis, colours)


def _trials_by(found: Points_, axis: Axis, colours: Sequence[str]) -> SliceInfo:
    return slice_info(found(), axis, colours)


def choose(selection: Selection) -> ParametersPage:
    """The choices of the sidebar that hold for all sections."""
    arms = selection.arms
    with st.sidebar:
        arm = arms[0]
        if len(arms) > 1:
            arm = st.selectbox("Parameters of", arms, **address.single("of", arms, arms[0]))
        return ParametersPage(arm, log_axis(selection.metric))


selected = selected_study(arms=True, searches=True)
page = choose(selected)
show_study(selected, page.rows, brushed=True)
