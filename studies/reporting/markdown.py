"""A report as Markdown, without its figures."""

from __future__ import annotations

from collections.abc import Iterator

from studies.reporting.answer import Answer
from studies.reporting.content import Report
from studies.reporting.tables import Table
from studies.sentences.markdown import bullets, escape, fence, marked, table


def as_markdown(report: Report) -> str:
    """The whole report; its curves are in the HTML report only."""
    return "\n\n".join(part for part in _parts(report) if part) + "\n"


def _parts(report: Report) -> Iterator[str]:
    yield f"# {escape(report.study)}"
    yield escape(report.question)
    yield "  \n".join(escape(line) for line in report.note.splitlines())
    if report.tags:
        yield bullets([f"{name} = {value}" for name, value in report.tags])
    yield "## Answer"
    yield from _answer(report.answer)
    yield "## What may be said"
    yield f"**{escape(report.headline)}**"
    yield bullets(report.verdicts)
    if report.missing:
        yield "### What is missing"
        yield bullets(report.missing)
    yield f"## {report.words.ranking}"
    yield _table(report.ranking)
    if report.pairs.rows:
        yield f"## {report.words.pairs}"
        yield _table(report.pairs)
    if report.uncertainty:
        yield "## Where the uncertainty comes from"
        yield bullets(report.uncertainty)
    if report.advice:
        yield "## What would make it smaller"
        yield bullets(report.advice)
    if report.budget.rows:
        yield "## What more would show"
        yield _table(report.budget)
    if report.use is not None:
        yield "## The configuration to use"
        yield bullets([report.use.how, report.use.network])
        if report.use.expected:
            yield f"**What to expect.** {escape(report.use.expected)}"
        yield fence(report.use.winner.file, "yaml")
    if report.design_warnings or report.warnings:
        yield "## Warnings about the design"
        yield bullets(report.warnings)
        yield bullets(
            [
                ": ".join(part for part in (each.kind, each.arm, each.message) if part)
                for each in report.design_warnings
            ]
        )
    yield "## Winners of the searches"
    yield _table(report.configurations)
    for each in report.files:
        yield f"### {escape(each.arm or report.study)}: {escape(each.trial)}"
        yield fence(each.file, "yaml")
    if report.data:
        yield "## Data"
        yield bullets(report.data)
    yield "## Methods"
    for heading, text in report.methods:
        yield f"**{heading}.** {marked(text)}"
    yield "## Search space"
    yield _table(report.space)
    yield "## Outcomes of the trials"
    yield _table(report.outcomes)
    if report.causes.rows:
        yield "### Why trials failed"
        yield _table(report.causes)
    if report.annotations.rows:
        yield "## Notes and tags of trials"
        yield _table(report.annotations)
    yield "## Versions and hardware"
    yield _table(report.environment)
    yield "## Study file"
    yield fence(report.study_file, "yaml")


def _answer(found: Answer) -> Iterator[str]:
    yield f"**{marked(found.sentence)}**"
    if found.trial:
        whose = f", found for {found.leader}" if found.leader else ""
        lines = [f"{name}: {value}" for name, value in found.parameters]
        if found.others:
            lines.append(f"and {found.others} more, see below")
        yield escape(f"The configuration to use{whose}: {found.metric} {found.level}")
        yield bullets(lines)
    yield f"Next, {escape(found.why)}:"
    yield fence(found.command, "bash")


def _table(found: Table) -> str:
    if not found.rows:
        return "None."
    return "\n\n".join(part for part in (table(found.head, found.rows), escape(found.note)) if part)
