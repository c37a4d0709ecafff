"""What pages read, kept until the study changes; the only file that caches.

Records are frozen and pages do not change them, so all visitors share one copy of each. A study's
token changes when one of its trials starts or ends; with it in the key nothing old is ever shown.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from dashboard.rendering import RenderedFigure
from studies import results
from studies.analysis import (
    ArmTuning,
    Comparison,
    Curves,
    StudyEntry,
    StudyRow,
    comparing,
    importance,
    overview,
)
from studies.analysis import curves as arm_curves
from studies.analysis.failure_causes import FailureCause, failure_causes
from studies.analysis.importance import Importances
from studies.analysis.time_left import time_left
from studies.analysis.trial_groups import TrialGroup
from studies.home import Home
from studies.home.home import DEFAULT_HOME
from studies.records import Histories, RecordReader
from studies.reporting import content as reporting
from studies.reporting.card import StudyCard
from studies.reporting.content import Report
from studies.reporting.figures.axes import axes
from studies.reporting.figures.points import Points, results_of_search, trial_points
from studies.reporting.figures.search.parallel import ParallelInfo, parallel_info
from studies.reporting.figures.training.trials import best_first
from studies.reporting.within import ValueRange, results_within
from studies.results import StudyResults
from studies.results.commands import command
from studies.results.ranking import in_order
from studies.sentences import description
from studies.servers.running_ui import Answer, ask


def home() -> Home:
    """The home that the dashboard was opened on."""
    return Home.at(Path(os.environ.get("FAIRTUNE_HOME") or DEFAULT_HOME))


def study_entries(home: Home) -> list[StudyEntry]:
    """The studies of a home, the last changed first."""
    return _study_entries(home, overview.change_token(home))


@st.cache_resource(max_entries=4, show_spinner=False)
def _study_entries(home: Home, token: str) -> list[StudyEntry]:
    return overview.study_entries(home)


def unreadable(home: Home) -> dict[str, str]:
    """The studies whose records cannot be read, with what is wrong."""
    return _unreadable(home, overview.change_token(home))


@st.cache_resource(max_entries=4, show_spinner=False)
def _unreadable(home: Home, token: str) -> dict[str, str]:
    return overview.unreadable(home)


@st.cache_resource(max_entries=4, show_spinner=False)  # 10,000 trials take 75 MB
def study(home: Home, study: str, token: str) -> StudyResults:
    """A study and all of its trials."""
    return results.load_results(home, study)


@st.cache_resource(max_entries=8, show_spinner=False)
def one_search(
    home: Home, study_: str, token: str, repeat: int, within: tuple[ValueRange, ...] = ()
) -> StudyResults:
    """A study with one search of each arm, of its trials those within ranges."""
    return results_within(results_of_search(study(home, study_, token), repeat), within)


@st.cache_resource(max_entries=8, show_spinner=False)
def points(
    home: Home,
    study_: str,
    token: str,
    repeat: int,
    metric: str,
    arm: str,
    log: bool,
    within: tuple[ValueRange, ...] = (),
) -> Points:
    """The trials of one search of an arm as points, those within ranges; `log` is for the axis of
    the metric."""
    results = one_search(home, study_, token, repeat, within)
    goal = comparison(home, study_, token, metric).goal
    return trial_points(results, metric, goal, [arm], log_metric=log)


@st.cache_resource(max_entries=8, show_spinner=False)
def parallel(
    home: Home,
    study_: str,
    token: str,
    repeat: int,
    metric: str,
    arm: str,
    log: bool,
    order: tuple[str, ...],
) -> ParallelInfo:
    """The trials of one search of an arm as lines over its parameters, in an order of their
    names."""
    every = sorted(axes(study(home, study_, token), arm), key=lambda axis: order.index(axis.name))
    return parallel_info(points(home, study_, token, repeat, metric, arm, log), every)


@st.cache_resource(max_entries=256, show_spinner=False)
def row(home: Home, study_: str, token: str, driver: str | None) -> StudyRow:
    """A study's row of the overview; `driver` is the process that runs it now."""
    return overview.row(study(home, study_, token))


@st.cache_resource(max_entries=256, show_spinner=False)
def card(home: Home, study_: str, token: str, driver: str | None) -> StudyCard:
    """A study's card of the overview; `driver` is the process that runs it now."""
    results = study(home, study_, token)
    objective = results.spec.objective.metric
    answer = None if driver else reported(home, study_, token, objective).answer
    about = row(home, study_, token, driver)
    left = time_left(results) if driver else None
    return StudyCard(about, answer, left, results.annotation, command(results))


@st.cache_resource(max_entries=32, show_spinner="Comparing the arms")
def comparison(home: Home, study_: str, token: str, metric: str) -> Comparison:
    """The arms of a study by a metric."""
    return compared(home, study_, token, metric)


@st.cache_resource(max_entries=32, show_spinner=False)
def compared(home: Home, study_: str, token: str, metric: str) -> Comparison:
    """The same, for those who have no page to say it on."""
    return comparing.compare(study(home, study_, token), metric)


def report(home: Home, study_: str, token: str, metric: str) -> Report:
    """Everything that may be said of a study, in sentences and tables."""
    comparison(home, study_, token, metric)
    return reported(home, study_, token, metric)


@st.cache_resource(max_entries=32, show_spinner=False)
def reported(home: Home, study_: str, token: str, metric: str) -> Report:
    """The same, for those who have no page to say on that arms are compared."""
    return reporting.report(study(home, study_, token), compared(home, study_, token, metric))


@st.cache_resource(max_entries=32, show_spinner=False)
def metrics(home: Home, study_: str, token: str) -> list[str]:
    """What a study's arms can be compared by, its objective first."""
    return comparing.metrics(study(home, study_, token))


@st.cache_resource(max_entries=64, ttl=10, show_spinner=False)  # epochs change no token
def histories(
    home: Home, study_: str, token: str, trials: Sequence[str], metrics: Sequence[str]
) -> Histories:
    """Metrics of trials, epoch by epoch."""
    with RecordReader.open(home, study_) as record:
        return record.histories(trials, metrics)


@st.cache_resource(max_entries=32, show_spinner="Drawing tuning curves")
def curves(home: Home, study_: str, token: str) -> Curves:
    """What the searches of each arm found for their budget."""
    return arm_curves.curves(study(home, study_, token))


@st.cache_resource(max_entries=32, show_spinner="Drawing tuning curves")
def tuning(home: Home, study_: str, token: str, repeat: int) -> Sequence[ArmTuning]:
    """The tuning curves of one search of each arm."""
    return arm_curves.search_curves(study(home, study_, token), repeat)[0]


@st.cache_resource(max_entries=64, show_spinner=False)
def importances(home: Home, study_: str, token: str, arm: str) -> Importances:
    """Which parameters of an arm mattered."""
    return importance.importances(study(home, study_, token), arm)


@st.cache_resource(max_entries=4, show_spinner=False)
def keys(home: Home, study_: str, token: str) -> list[str]:
    """The names of all trials, the best first."""
    return best_first(study(home, study_, token))


@st.cache_resource(max_entries=4, show_spinner=False)
def trials(home: Home, study_: str, token: str) -> pd.DataFrame:
    """A row for each trial that has started, the best first."""
    results = study(home, study_, token)
    table = description.trials_table(results)
    ordered = [trial.key for trial in in_order(results.trials, results.spec)]
    return table.set_index("trial", drop=False).loc[ordered].reset_index(drop=True)


@st.cache_resource(max_entries=32, show_spinner=False)
def causes(home: Home, study_: str, token: str) -> Sequence[FailureCause]:
    """The ways in which trials of a study failed."""
    return failure_causes(study(home, study_, token))


@st.cache_resource(max_entries=16, show_spinner=False)  # a search for text takes a second
def filtered(
    home: Home, study_: str, token: str, filters: Hashable, _make: Callable[[], pd.DataFrame]
) -> pd.DataFrame:
    """The rows of the table of trials that fit the filters."""
    return _make()


@st.cache_resource(max_entries=32, show_spinner=False)
def groups(
    home: Home,
    study_: str,
    token: str,
    by: str,
    filters: Hashable,
    _make: Callable[[], Sequence[TrialGroup]],
) -> Sequence[TrialGroup]:
    """Groups of the trials that fit the filters."""
    return _make()


@st.cache_resource(max_entries=64, ttl=10, show_spinner=False)  # pages are drawn more often
def mlflow_answer(address: str, run_id: str) -> Answer:
    """What the server at an address of this machine says of a run."""
    return ask(address, run_id)


@st.cache_resource(max_entries=256, show_spinner=False)
def figure(
    home: Home,
    study_: str,
    token: str,
    key: tuple[Hashable, ...],
    _make: Callable[[], RenderedFigure[Any]],
) -> RenderedFigure[Any]:
    """A figure of a study; `key` has all that it depends on."""
    return _make()
