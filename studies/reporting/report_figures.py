"""The figures of a report, as SVG with their captions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TypeVar

from altair.utils.schemapi import debug_mode
from markupsafe import Markup

from lightning_modules.errors import FairtuneError
from studies.analysis import Comparison
from studies.analysis.curves import curves
from studies.reporting.figures.common import NARROW, Info, Picture
from studies.reporting.figures.comparison.budget import budget_info, draw_budget
from studies.reporting.figures.comparison.differences import differences_info, draw_differences
from studies.reporting.figures.comparison.ranges import draw_effect, effect_info, searched_numbers
from studies.reporting.figures.comparison.ranking import draw_ranking, ranking_info
from studies.reporting.figures.comparison.sources import draw_sources, sources_info
from studies.reporting.figures.search.searching import (
    draw_history,
    draw_searches,
    history_info,
    searches_info,
)
from studies.reporting.figures.search.tuning import draw_tuning, tuning_info
from studies.reporting.figures.svg import WIDTH, svg
from studies.reporting.figures.training.learning import draw_learning, learning_info
from studies.reporting.figures.training.overfitting import draw_gap, gap_info
from studies.reporting.figures.training.rates import draw_rates, rates_info, rates_of
from studies.reporting.figures.training.winners import winner_trainings
from studies.reporting.paired import differences_title
from studies.results import StudyResults
from studies.sentences import MATCHED
from studies.sentences.claim_words import claim_words

SIDE = 500
"""Pixels of a figure beside another one."""
RATE = "optimizer.lr"
SomeInfo = TypeVar("SomeInfo", bound=Info)


@dataclass(frozen=True)
class Figure:
    """An SVG and what it shows."""

    title: str
    svg: Markup
    caption: str


@dataclass(frozen=True)
class ReportFigures:
    """In the order of the report; None where there is nothing to draw."""

    ranking: Figure | None
    map: Figure | None
    """The metric over what the study compares: learning rate, strength, or the schedules."""
    differences: Figure | None
    sources: Figure | None
    budget: Figure | None
    search: Figure | None
    learning: Figure | None
    few: str
    """Which arms are shown, where those are not all."""


def report_figures(results: StudyResults, comparison: Comparison) -> ReportFigures:
    """Every figure that a study has."""
    arms, few = _shown_arms(comparison)
    return ReportFigures(
        ranking=_ranking(results, comparison),
        map=_map(results, comparison, arms),
        differences=_figure(
            "differences",
            differences_title(comparison),
            differences_info(comparison),
            draw_differences,
        ),
        sources=_figure(
            "sources", "Sources of variance", sources_info(results, comparison), draw_sources
        ),
        budget=_figure(
            "budget", "Detectable difference", budget_info(results, comparison), draw_budget
        ),
        search=_search(results, arms),
        learning=_figure(
            "learning",
            "Learning curves of the winners",
            learning_info(results, results.spec.objective.metric, {}, arms),
            draw_learning,
        ),
        few=few,
    )


def _ranking(results: StudyResults, comparison: Comparison) -> Figure | None:
    words = claim_words(comparison)
    if not any(arm.confirmed for arm in comparison.arms) or words.unit == MATCHED:
        return None
    shown = replace(comparison, arms=comparison.arms[:NARROW])
    info = ranking_info(results, shown)
    return _figure("ranking", words.ranking, info, draw_ranking, width=SIDE)


def _map(results: StudyResults, comparison: Comparison, arms: Sequence[str]) -> Figure | None:
    if "schedule" in comparison.factors and (found := _rates(results, arms)) is not None:
        return found
    prefixes = [RATE, *comparison.factors, ""]
    if "regularization" in comparison.factors:
        prefixes = ["regularization"]
    for prefix in prefixes:
        if (found := _effect(results, arms, prefix)) is not None:
            return found
    if "regularization" in comparison.factors:
        gap = gap_info(results, results.spec.objective.metric, arms)
        return _figure("map", "Overfitting gap", gap, draw_gap, width=SIDE)
    return None


def _rates(results: StudyResults, arms: Iterable[str]) -> Figure | None:
    trainings = [trial for arm in arms for trial in winner_trainings(results, arm)[:1]]
    with suppress(FairtuneError):  # a class of the user's own may plan its rates by itself
        rates = [
            rates_of(results, trial, {})
            for trial in trainings
            if {"optimizer", "schedule"} <= trial.configuration.keys()
        ]
        info = rates_info(rates, [arm or results.study for arm in results.arms])
        return _figure("map", "Learning rate of the winners", info, draw_rates, width=SIDE)
    return None


def _effect(results: StudyResults, arms: Sequence[str], prefix: str) -> Figure | None:
    """Of the first number below `prefix` that is searched."""
    found = searched_numbers(results.spec.arms, prefix)
    objective = results.spec.objective
    for name, log in found.items():
        info = effect_info(results, name, objective.metric, objective.goal, arms, log=log)
        said = (
            ["Trials of all searches, each on a split of its own."] if _own_splits(results) else []
        )
        title = f"{objective.metric} by {name}"
        return _figure("map", title, info, draw_effect, *said, width=SIDE)
    return None


def _own_splits(results: StudyResults) -> bool:
    return len({trial.split_seed for trial in results.search}) > 1


def _search(results: StudyResults, arms: Sequence[str]) -> Figure | None:
    objective, found = results.spec.objective, curves(results)
    if found.searches:
        every = searches_info(results, found, arms)
        return _figure("searches", "What every search found", every, draw_searches)
    if found.tuning:
        expected = tuning_info(results, found.tuning, arms)
        return _figure("tuning", "Tuning curves", expected, draw_tuning)
    if found.best_so_far:
        history = history_info(results, objective.metric, objective.goal, arms, "epochs")
        said = f"{found.why_no_bands[:1].upper()}{found.why_no_bands[1:]}, so no band can be given."
        return _figure("history", "Best so far", history, draw_history, said)
    return None


def _figure(
    name: str,
    title: str,
    info: SomeInfo,
    draw: Callable[[SomeInfo], Picture],
    *said: str,
    width: int = WIDTH,
) -> Figure | None:
    """A figure with its caption and what else is `said`; None where there is nothing to draw."""
    if info.empty:
        return None
    with debug_mode(False):  # the tests have checked it, which takes as long as drawing
        drawn = svg(draw(info), f"figure-{name}", title, info.alt, width=width)
    return Figure(title, Markup(drawn), " ".join([info.caption, *said]))


def _shown_arms(comparison: Comparison) -> tuple[Sequence[str], str]:
    """The best arms, as many as a figure can tell apart, and which they are where not all."""
    ranked = [arm.arm for arm in comparison.arms]
    if len(ranked) <= NARROW:
        return ranked, ""
    return ranked[:NARROW], f"Shown are the best {NARROW} of {len(ranked)} arms."
