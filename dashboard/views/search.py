"""How the search went: what it found for its budget, which parameters mattered, what ran when."""

from collections.abc import Callable, Hashable, Sequence
from datetime import datetime
from functools import partial

import streamlit as st

from dashboard import data
from dashboard.page.annotations import show_annotation
from dashboard.page.messages import escape, marked
from dashboard.page.refresh import live
from dashboard.page.selection import Selection, one_search, selected_study, shown_repeat
from dashboard.page.widgets import curve_options, log_axis, show
from studies.analysis import DesignWarning
from studies.analysis.curves import why_no_bands
from studies.reporting.figures.axes import Axis, axes
from studies.reporting.figures.points import Points
from studies.reporting.figures.search.intermediate import draw_intermediate, intermediate_info
from studies.reporting.figures.search.parallel import ParallelInfo, draw_parallel, parallel_info
from studies.reporting.figures.search.parameters import (
    IsolationInfo,
    SliceInfo,
    draw_isolation,
    draw_slice,
    isolation_info,
    slice_info,
)
from studies.reporting.figures.search.searching import (
    Budget,
    draw_history,
    draw_searches,
    history_info,
    searches_info,
)
from studies.reporting.figures.search.surfaces import SurfaceInfo, draw_surface, surface_info
from studies.reporting.figures.search.timeline import draw_timeline, timeline_info
from studies.reporting.figures.search.tuning import (
    draw_importance,
    draw_tuning,
    importance_info,
    tuning_info,
)
from studies.results import StudyResults

NOTHING = "No trial of the search has completed yet."
SHOWN = 6  # parameters that get a figure each, unless others are picked


def page(selection: Selection) -> None:
    show_annotation(selection.home, selection.study, selection.results.annotation)
    results = one_search(selection)
    names = ["Progress", "Parameters", "Trainings"]
    progress, parameters, trainings = st.tabs(names, key="view", bind="query-params")
    with progress:
        if progress.open:
            show_progress(selection, results)
    with parameters:
        if parameters.open:
            show_parameters(selection, results)
    with trainings:
        if trainings.open:
            show_trainings(selection, results)


def show_progress(selection: Selection, results: StudyResults) -> None:
    objective = selection.results.spec.objective.metric
    report = data.report(selection.home, selection.study, selection.entry.token, objective)
    warnings = [_warning_text(alarm) for alarm in report.design_warnings if alarm.kind != "pruning"]
    warnings += [marked(text) for text in report.warnings]
    if warnings:
        st.warning("  \n".join(warnings), icon=":material/warning:")
    several = results.spec.repeats > 1
    if several:
        st.subheader("What every search found")
        curves = data.curves(selection.home, selection.study, selection.entry.token)
        every = partial(searches_info, selection.results, curves, selection.arms)
        show(selection, every, draw_searches, "searches", NOTHING)
    st.subheader("What every trial of this search found" if several else "What every trial found")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        against = st.segmented_control(
            "Against", ["trials", "epochs"], key="against", default="trials", required=True,
            bind="query-params",
        )  # fmt: skip
        log = log_axis(selection.metric)
    budget: Budget = "epochs" if against == "epochs" else "trials"
    repeat = shown_repeat(results)
    history = partial(
        history_info,
        results,
        selection.metric,
        selection.goal,
        selection.arms,
        budget,
        log_metric=log,
    )
    show(selection, history, draw_history, "history", NOTHING, by=(budget, repeat, log))
    st.subheader("What a search may be expected to find")
    if why := why_no_bands(selection.results.spec):
        st.caption(
            escape(
                f"No tuning curve is shown: {why}, and its formulas hold for independent "
                "draws only (method random, no pruner). What the search found for its "
                "budget is the line above."
            )
        )
        return
    if selection.state == "running":
        st.caption("Tuning curves are drawn when the study has ended: they take seconds.")
        return
    tuning = data.tuning(selection.home, selection.study, selection.entry.token, repeat)
    if several and not any(each.curve.valid_until for each in tuning):
        st.caption("No tuning curve is shown: one search has too few trials to say more than this.")
        return
    expected = partial(tuning_info, results, tuning, selection.arms)
    show(selection, expected, draw_tuning, "tuning curves", NOTHING, by=(repeat,))


def show_parameters(selection: Selection, results: StudyResults) -> None:
    arm = selection.arms[0]
    if len(selection.arms) > 1:
        arm = st.selectbox("Parameters of", selection.arms, key="of", bind="query-params")
    every = axes(selection.results, arm)
    if not every:
        st.info("This arm searches no parameter: all of its trials have the same configuration.")
        return
    st.subheader("Which parameters mattered")
    important = data.importances(selection.home, selection.study, selection.entry.token, arm)
    if important.why_none:
        st.caption(escape(f"No importance is shown: {important.why_none}."))
    else:
        shares = partial(importance_info, important, results.spec.repeats)
        show(selection, shares, draw_importance, "importance", NOTHING, by=(arm,))
    order = [row.parameter for row in important.parameters]
    every.sort(key=lambda axis: order.index(axis.name) if axis.name in order else len(order))
    st.subheader("All parameters at once")
    repeat = shown_repeat(results)

    log = log_axis(selection.metric)

    def found() -> Points:
        study = (selection.home, selection.study, selection.entry.token)
        return data.points(*study, repeat, selection.metric, arm, log)

    def lines() -> ParallelInfo:
        return parallel_info(found(), every)

    by = (arm, repeat, log)
    show(selection, lines, draw_parallel, "parallel coordinates", NOTHING, by=by)
    show_each(selection, found, every, by)
    if len(every) > 1:
        show_two(selection, found, every, by)


def show_each(
    selection: Selection,
    found: Callable[[], Points],
    every: Sequence[Axis],
    by: tuple[Hashable, ...],
) -> None:
    st.subheader("One parameter at a time")
    which = st.segmented_control(
        "Show", ["every trial", "best of each bin"], key="by", default="every trial",
        required=True, bind="query-params",
    )  # fmt: skip
    names = [axis.name for axis in every]
    picked = names
    if len(every) > SHOWN:
        picked = st.multiselect(
            "Parameters", names, names[:SHOWN], key="parameters", bind="query-params"
        )
    colours = tuple(arm or selection.study for arm in selection.results.arms)
    columns = st.columns(min(3, max(2, len(picked))))
    for index, axis in enumerate(axis for axis in every if axis.name in picked):
        with columns[index % len(columns)]:
            if which == "best of each bin":
                best = partial(_best_by, found, axis, colours)
                show(selection, best, draw_isolation, f"best by {axis.name}", NOTHING, by=by)
            else:
                trials = partial(_trials_by, found, axis, colours)
                show(selection, trials, draw_slice, f"by {axis.name}", NOTHING, by=by)


def _best_by(found: Callable[[], Points], axis: Axis, colours: Sequence[str]) -> IsolationInfo:
    return isolation_info(found(), axis, colours)


def _trials_by(found: Callable[[], Points], axis: Axis, colours: Sequence[str]) -> SliceInfo:
    return slice_info(found(), axis, colours)


def show_two(
    selection: Selection,
    found: Callable[[], Points],
    every: Sequence[Axis],
    by: tuple[Hashable, ...],
) -> None:
    st.subheader("Two parameters at once")
    by_name = {axis.name: axis for axis in every}
    names = list(by_name)
    left, right = st.columns(2)
    x = left.selectbox("Across", names, key="x", bind="query-params")
    others = [name for name in names if name != x]
    y = right.selectbox("Up", others, key="y", bind="query-params")

    def both() -> SurfaceInfo:
        return surface_info(found(), by_name[x], by_name[y])

    show(selection, both, draw_surface, "two parameters", NOTHING, by=(x, y, *by))


def show_trainings(selection: Selection, results: StudyResults) -> None:
    objective = selection.results.spec.objective.metric
    report = data.report(selection.home, selection.study, selection.entry.token, objective)
    st.subheader("Every training by epoch")
    options = curve_options()
    log = log_axis(objective)
    curves = partial(intermediate_info, results, selection.arms, options, log_metric=log)
    nothing = "No training has reported an epoch yet."
    repeat = shown_repeat(results)
    show(
        selection,
        curves,
        draw_intermediate,
        "intermediate values",
        nothing,
        by=(repeat, log, options),
    )
    pruned = [a for a in report.design_warnings if a.kind == "pruning" and a.arm in selection.arms]
    if pruned:
        st.caption("  \n".join(_warning_text(alarm) for alarm in pruned))
    st.subheader("When each training ran")
    colour = st.segmented_control(
        "Colour", ["arm", "outcome"], key="colour", default="arm", required=True,
        bind="query-params",
    )  # fmt: skip
    spans = partial(timeline_info, selection.results, selection.arms, datetime.now())
    draw = partial(draw_timeline, by="outcome" if colour == "outcome" else "arm")
    show(selection, spans, draw, "timeline", "No training has started yet.", by=(colour,))


def _warning_text(alarm: DesignWarning) -> str:
    named = alarm.arm and not alarm.message.startswith(alarm.arm)
    return marked(f"{alarm.arm}: {alarm.message}" if named else alarm.message)


live(selected_study(arms=True), page)
