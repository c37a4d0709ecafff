"""A report as one HTML page that needs no network."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from studies import report_figures
from studies.comparison import Comparison
from studies.curves import CONFIDENCE, Curves, curves
from studies.palette import COLOURS
from studies.report import Report
from studies.report_figures import Look
from studies.results import StudyResults

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
    look = Look(results.arms, results.study)
    found = curves(results)
    return environment.get_template("report.html").render(
        report=report,
        finished=results.finished,
        colours=COLOURS,
        colour=look.number,
        dots=_dots(comparison, look),
        search=_search(found, comparison, look),
        learning=_learning(found, comparison, look),
    )


def _dots(comparison: Comparison, look: Look) -> Figure | None:
    if not any(arm.confirmed for arm in comparison.arms):
        return None
    return Figure(
        "Every fresh seed",
        Markup(report_figures.dots(comparison.arms, comparison.metric, look)),
        "A point is one run of the arm's chosen configuration on a fresh seed, the diamond their "
        "mean and the bar its 95 % interval. Whether bars overlap decides nothing: a verdict is "
        "made of the differences on equal seeds.",
    )


def _search(found: Curves, comparison: Comparison, look: Look) -> Figure | None:
    metric = comparison.metric
    if found.tuning:
        return Figure(
            "Tuning curves",
            Markup(report_figures.tuning_curves(found.tuning, metric, look)),
            "The median best value that a search of n trials finds, over all searches of this "
            f"kind, with a band that holds for all n together with {CONFIDENCE:.0%} confidence "
            "(Lourie 2024, arXiv:2311.09480). Dotted and pale: larger n than so few trials can "
            "speak of. Grey: the other arms. The untuned trial, which nobody drew, is left out, "
            "and a failed one counts as the worst.",
        )
    if found.best_so_far:
        return Figure(
            "Best so far",
            Markup(report_figures.best_so_far(found.best_so_far, metric, look)),
            "The best value of the completed trials against all epochs that the arm's search had "
            "spent, in the order in which trials ended. It is this one search as it went: "
            f"{found.why_no_bands}, so no band can be given. The first, bad values may lie outside "
            "of the axis.",
        )
    return None


def _learning(found: Curves, comparison: Comparison, look: Look) -> Figure | None:
    if not found.learning:
        return None
    return Figure(
        "Learning curves of the winners",
        Markup(report_figures.learning_curves(found.learning, comparison.metric, look)),
        "The chosen configurations on their fresh seeds after every epoch: the line is the median "
        "and the area holds every seed. Grey: the other arms. A curve ends where fewer than half "
        "of the seeds still train, and the first, bad values may lie outside of the axis.",
    )
