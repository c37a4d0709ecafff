"""A report as one HTML page that needs no network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from studies.analysis import Comparison
from studies.reporting.content import Report
from studies.reporting.figures.svg import variable
from studies.reporting.palette import ARMS, DARK, LIGHT
from studies.reporting.report_figures import report_figures
from studies.results import StudyResults
from studies.sentences.markdown import with_code

TEMPLATES = Path(__file__).with_name("templates")
FEW_PAIRS = 15
"""Pairs up to which their table is printed."""


def page(report: Report, results: StudyResults, comparison: Comparison) -> str:
    """The page; equal results give equal bytes."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html").render(
        report=report,
        figures=report_figures(results, comparison),
        finished=results.finished,
        light=_variables(LIGHT),
        dark=_variables({name: value for name, value in DARK.items() if value != LIGHT[name]}),
        colours=len(ARMS),
        colour=lambda arm: results.arms.index(arm) % len(ARMS),
        marked=marked,
        few_pairs=FEW_PAIRS,
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
