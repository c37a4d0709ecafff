"""A report as Markdown, without its figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from studies.markdown import escape, fence, table
from studies.report import Report
from studies.report_tables import Table


def as_markdown(report: Report) -> str:
    """The whole report; its curves are in the HTML report only."""
    return "\n\n".join(part for part in _parts(report) if part) + "\n"


def _parts(report: Report) -> Iterator[str]:
    yield f"# {escape(report.study)}"
    yield escape(report.question)
    yield "## What may be said"
    yield f"**{escape(report.headline)}**"
    yield _list(report.verdicts)
    if report.missing:
        yield "### What is missing"
        yield _list(report.missing)
    yield "## Ranking"
    yield _table(report.ranking)
    if report.pairs.rows:
        yield "## Pairs of arms"
        yield _table(report.pairs)
    if report.alarms or report.warnings:
        yield "## Alarms"
        yield _list(report.warnings)
        yield _list(
            [": ".join(part for part in (a.kind, a.arm, a.message) if part) for a in report.alarms]
        )
    yield "## Chosen configurations"
    yield _table(report.configurations)
    for each in report.chosen:
        yield f"### {escape(each.arm or report.study)}: {escape(each.trial)}"
        yield fence(each.file, "yaml")
    yield "## Methods"
    for heading, text in report.methods:
        yield f"**{heading}.** {escape(text)}"
    yield "## Search space"
    yield _table(report.space)
    yield "## Outcomes of the trials"
    yield _table(report.outcomes)
    yield "## Versions and hardware"
    yield _table(report.environment)
    yield "## Study file"
    yield fence(report.study_file, "yaml")


def _list(texts: Sequence[str]) -> str:
    return "\n".join(f"- {escape(text)}" for text in texts)


def _table(found: Table) -> str:
    if not found.rows:
        return "None."
    return "\n\n".join(part for part in (table(found.head, found.rows), escape(found.note)) if part)
