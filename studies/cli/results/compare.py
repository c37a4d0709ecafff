"""`fairtune compare`: the ranking of a study's arms and every pairwise verdict."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from studies.api.opening import console, open_home
from studies.cli.options import HomeOption, Json, StudyName, print_json

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from studies.analysis import Comparison, DesignWarning
    from studies.reporting.tables import Table as ReportTable
    from studies.results import StudyResults

SHOWN = ("searches", "seeds", "test mean", "search best", "defaults")
"""Columns of the ranking beside the arm and its mean, and lost repeats where there are any; the
report has them all."""


def compare(
    study: StudyName,
    home: HomeOption = None,
    metric: Annotated[
        str | None, typer.Option(help="Any logged metric; the objective unless given.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Rank the arms of a study and say of every pair which is better, if that can be said."""
    from studies import results
    from studies.analysis import comparing, design_warnings
    from studies.sentences.comparison_json import as_json as comparison_json
    from studies.sentences.uncertainty import advice, sources
    from studies.sentences.way_out import way_to_verdict

    found = results.load_results(open_home(home), study)
    compared = comparing.compare(found, metric)
    raised = design_warnings(found, compared)
    print_comparison(found, compared, raised, console(stderr=as_json))
    if as_json:
        said = [{"kind": a.kind, "arm": a.arm, "message": a.message} for a in raised]
        more = {
            "alarms": said,
            "uncertainty": sources(found, compared),
            "next": [*filter(None, [way_to_verdict(found, compared)]), *advice(found, compared)],
        }
        print_json(comparison_json(compared, more))


def print_comparison(
    results: StudyResults, comparison: Comparison, raised: Sequence[DesignWarning], screen: Console
) -> None:
    """The ranking, what may be said, where the uncertainty comes from, and the warnings about
    the design."""
    from studies.reporting.tables import ranking_table
    from studies.sentences.claim_words import claim_words
    from studies.sentences.uncertainty import advice, sources
    from studies.sentences.way_out import sentences

    screen.print(_table(ranking_table(comparison)))
    screen.print(claim_words(comparison).about)
    for sentence in sentences(results, comparison):
        screen.print(sentence)
    for sentence in sources(results, comparison):
        screen.print(f"uncertainty: {sentence}")
    for sentence in advice(results, comparison):
        screen.print(f"next: {sentence}")
    for warning in raised:
        about = f"{warning.kind}: {warning.arm}" if warning.arm else warning.kind
        screen.print(f"{about}: {warning.message}")


def _table(found: ReportTable) -> Table:
    """The ranking of the report, without what only a page has room for."""
    from rich.table import Table

    some_lost = "lost" in found.head and any(
        row[found.head.index("lost")] != "0" for row in found.rows
    )
    shown = {*SHOWN, *(["lost"] if some_lost else [])}
    kept = [n for n, head in enumerate(found.head) if n < 2 or head in shown]
    table = Table(*(found.head[n] for n in kept), box=None, pad_edge=False)
    for row in found.rows:
        table.add_row(*(row[n] for n in kept))
    return table
