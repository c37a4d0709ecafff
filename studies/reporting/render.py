"""The report of a study as a file: HTML, Markdown or CSV."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from lightning_modules.errors import UserError
from lightning_modules.files import replacing
from studies.analysis import Comparison, compare
from studies.reporting.content import report
from studies.reporting.markdown import as_markdown
from studies.reporting.spreadsheet import csv_text
from studies.results import StudyResults
from studies.sentences.description import trials_table

Format = Literal["html", "md", "csv"]
FILES: dict[Format, str] = {
    "html": "{}-report.html",
    "md": "{}-report.md",
    "csv": "{}-trials.csv",
}
"""The name of a report's file, by the study's."""


def render(results: StudyResults, form: Format, comparison: Comparison | None = None) -> str:
    """The report of a study, or its table of trials, as the text of a file."""
    if form == "csv":
        return as_csv(results)
    comparison = comparison or compare(results)
    if form == "md":
        return as_markdown(report(results, comparison))
    from studies.reporting.html import page  # Altair takes a third of a second

    return page(report(results, comparison), results, comparison)


def as_csv(results: StudyResults) -> str:
    """A row per trial."""
    return csv_text(trials_table(results))


def write(text: str, path: Path) -> None:
    """Write a file whole or not at all, over an older one; UserError where that is impossible."""
    target = path.resolve()  # what a link points to is written, the link stays
    if target.is_dir():
        raise UserError(f"{path} is a folder; name a file in it with --output")
    try:
        if target.exists() and not target.is_file():
            target.write_text(text, encoding="utf-8")  # a device or a pipe
            return
        with replacing(target) as beside:
            beside.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}") from None
