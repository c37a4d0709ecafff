"""A report as one HTML page that needs no network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from altair.utils.schemapi import debug_mode
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from studies.analysis import Comparison, Curves
from studies.analysis.curves import curves
from studies.reporting.content import Report
from studies.reporting.figures.common import NARROW, Info, Picture
from studies.reporting.figures.comparison.differences import differences_info, draw_differences
from studies.reporting.figures.comparison.ranking import draw_ranking, ranking_info
from studies.reporting.figures.search.searching import (
    draw_history,
    draw_searches,
    history_info,
    searches_info,
)
from studies.reporting.figures.search.tuning import draw_tuning, tuning_info
from studies.reporting.figures.svg import svg, variable
from studies.reporting.figures.training.learning import draw_learning, learning_info
from studies.reporting.paired import differences_title
from studies.reporting.palette import ARMS, DARK, LIGHT
from studies.results import StudyResults
from studies.sentences import MATCHED
from studies.sentences.claim_words import claim_words
from studies.sentences.markdown import with_code

TEMPLATES = Path(__file__).with_name("templates")
SomeInfo = TypeVar("SomeInfo", bound=Info)


@dataclass(frozen=True)
class Figure:
    """An SVG and what it shows."""

    title: str
    svg: Markup
    caption: str


def page(report: Report, results: StudyResults, comparison: Comparison) -> str:
    """The page; equal results give equal bytes."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    arms, few = _shown_arms(comparison)
    return environment.get_template("report.html").render(
        report=report,
        finished=results.finished,
        light=_variables(LIGHT),
        dark=_variables({name: value for name, value in DARK.items() if value != LIGHT[name]}),
        colours=len(ARMS),
        colour=lambda arm: results.arms.index(arm) % len(ARMS),
        marked=marked,
        ranking=_ranking(results, comparison),
        differences=_differences(comparison),
        search=_search(results, curves(results), arms),
        learning=_learning(results, arms),
        few=few,
    )


def _variables(colours: Mapping[str, str]) -> dict[str, str]:
    """Colours as the page's variables."""
    return {variable(name): value for name, value in colours.items()}


def marked(text: str) -> Markup:
    """A text whose commands, in backticks, are set as code."""
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if code else escape(part)
        for part, code in with_code(text)
    )


def _ranking(results: StudyResults, comparison: Comparison) -> Figure | None:
    words = claim_words(comparison)
    if not any(arm.confirmed for arm in comparison.arms) or words.unit == MATCHED:
        return None
    return _figure("ranking", words.points, ranking_info(results, comparison), draw_ranking)


def _differences(comparison: Comparison) -> Figure | None:
    title, info = differences_title(comparison), differences_info(comparison)
    return _figure("differences", title, info, draw_differences)


def _search(results: StudyResults, found: Curves, arms: Sequence[str]) -> Figure | None:
    objective = results.spec.objective
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


def _learning(results: StudyResults, arms: Sequence[str]) -> Figure | None:
    info = learning_info(results, results.spec.objective.metric, {}, arms)
    return _figure("learning", "Learning curves of the winners", info, draw_learning)


def _figure(
    name: str,
    title: str,
    info: SomeInfo,
    draw: Callable[[SomeInfo], Picture],
    *said: str,
) -> Figure | None:
    """A figure with its caption and what else is `said`; None where there is nothing to draw."""
    if info.empty:
        return None
    with debug_mode(False):  # the tests have checked it, which takes as long as drawing
        drawn = svg(draw(info), f"figure-{name}", title, info.alt)
    return Figure(title, Markup(drawn), " ".join([info.caption, *said]))


def _shown_arms(comparison: Comparison) -> tuple[Sequence[str], str]:
    """The best arms, as many as a figure can tell apart, and which they are where not all."""
    ranked = [arm.arm for arm in comparison.arms]
    if len(ranked) <= NARROW:
        return ranked, ""
    return ranked[:NARROW], f"Shown are the best {NARROW} of {len(ranked)} arms."
