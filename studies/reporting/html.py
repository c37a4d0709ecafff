"""A report as one HTML page that needs no network."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from studies.analysis import Comparison, Curves
from studies.analysis.curves import CONFIDENCE, curves
from studies.reporting import figures as report_figures
from studies.reporting.content import Report
from studies.reporting.figures import ArmStyle
from studies.reporting.paired import (
    differences_caption,
    differences_label,
    differences_title,
    paired_differences,
)
from studies.reporting.palette import COLOURS
from studies.results import StudyResults
from studies.sentences import MATCHED
from studies.sentences.claim_words import claim_words, dots_caption
from studies.sentences.markdown import with_code

PAIRS = 15
"""Pairs whose differences are drawn."""
TEMPLATES = Path(__file__).with_name("templates")


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
    style = ArmStyle(results.arms, results.study)
    found, metric = curves(results), results.spec.objective.metric
    return environment.get_template("report.html").render(
        report=report,
        finished=results.finished,
        colours=COLOURS,
        colour=style.number,
        marked=marked,
        dots=_dots(comparison, style),
        differences=_differences(comparison),
        search=_search(found, metric, style),
        learning=_learning(found, metric, style, results.spec.repeats > 1),
    )


def marked(text: str) -> Markup:
    """A text whose commands, in backticks, are set as code."""
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if code else escape(part)
        for part, code in with_code(text)
    )


def _dots(comparison: Comparison, style: ArmStyle) -> Figure | None:
    words = claim_words(comparison)
    if not any(arm.confirmed for arm in comparison.arms) or words.unit == MATCHED:
        return None
    return Figure(
        words.points,
        Markup(report_figures.dots(comparison.arms, comparison.metric, style)),
        dots_caption(comparison.design),
    )


def _differences(comparison: Comparison) -> Figure | None:
    found = paired_differences(comparison)
    if not found:
        return None
    shown = found[:PAIRS]
    return Figure(
        differences_title(comparison),
        Markup(
            report_figures.differences(
                shown, differences_label(comparison), ratios=comparison.design.logarithms
            )
        ),
        differences_caption(comparison, len(shown), len(found)),
    )


def _search(found: Curves, metric: str, style: ArmStyle) -> Figure | None:
    if found.searches:
        return Figure(
            "What every search found",
            Markup(report_figures.searches(found.searches, metric, style)),
            f"The best {metric} after so many trials, in the order in which they ended: a thin "
            "line for each search, on validation of its own split, and the median of the arm's "
            "searches as a thick one. Grey: the medians of the other arms. These are the values "
            "that chose the winners, so they look better than the winners are.",
        )
    if found.tuning:
        return Figure(
            "Tuning curves",
            Markup(report_figures.tuning_curves(found.tuning, metric, style)),
            "The median best value that a search of n trials finds, over all searches of this "
            f"kind, with a band that holds for all n together with {CONFIDENCE:.0%} confidence "
            "(Lourie 2024, arXiv:2311.09480). Dotted and pale: larger n than so few trials can "
            "speak of. Grey: the other arms. The trial with the defaults, which nobody drew, is "
            "left out, and a failed one counts as the worst. All of it is of one split.",
        )
    if found.best_so_far:
        return Figure(
            "Best so far",
            Markup(report_figures.best_so_far(found.best_so_far, metric, style)),
            "The best value of the completed trials against all epochs that the arm's search had "
            "spent, in the order in which trials ended. It is this one search as it went: "
            f"{found.why_no_bands}, so no band can be given. The first, bad values may lie outside "
            "of the axis.",
        )
    return None


def _learning(found: Curves, metric: str, style: ArmStyle, several: bool) -> Figure | None:
    if not found.learning:
        return None
    if several:
        said = (
            f"{metric} after every epoch of the winners of all searches, each on its own split, "
            "on fresh seeds: the line is the median of the arm's winners and the area holds all of "
            "them. Grey: the other arms. A curve ends where fewer than half of the winners still "
            "train"
        )
    else:
        said = (
            "The chosen configurations on their fresh seeds after every epoch: the line is the "
            "median and the area holds every seed. Grey: the other arms. A curve ends where fewer "
            "than half of the seeds still train"
        )
    return Figure(
        "Learning curves of the winners",
        Markup(report_figures.learning_curves(found.learning, metric, style)),
        f"{said}, and the first, bad values may lie outside of the axis.",
    )
