"""`fairtune compare`: the ranking of a study's arms and every pairwise verdict."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from studies.cli.options import HomeOption, Json, StudyName, console, open_home, print_json

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from studies.alarms import Alarm
    from studies.comparison import Comparison
    from studies.results import StudyResults


def compare(
    study: StudyName,
    home: HomeOption = None,
    metric: Annotated[
        str | None, typer.Option(help="Any logged metric; the objective unless given.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Rank the arms of a study and say of every pair which is better, if that can be said."""
    from studies import comparison, results
    from studies.alarms import alarms
    from studies.comparison_json import as_json as comparison_json
    from studies.uncertainty import advice, sources

    found = results.load(open_home(home), study)
    compared = comparison.compare(found, metric)
    raised = alarms(found, compared)
    print_comparison(found, compared, raised, console(stderr=as_json))
    if as_json:
        said = [{"kind": a.kind, "arm": a.arm, "message": a.message} for a in raised]
        more = {
            "alarms": said,
            "uncertainty": sources(found, compared),
            "next": advice(found, compared),
        }
        print_json(comparison_json(compared, more))


def print_comparison(
    results: StudyResults, comparison: Comparison, raised: Sequence[Alarm], screen: Console
) -> None:
    """The ranking, what may be said, where the uncertainty comes from, and the alarms."""
    from studies.sentences import summary
    from studies.uncertainty import advice, sources

    screen.print(_table(comparison))
    for sentence in summary(comparison):
        screen.print(sentence)
    for sentence in sources(results, comparison):
        screen.print(f"uncertainty: {sentence}")
    for sentence in advice(results, comparison):
        screen.print(f"next: {sentence}")
    for alarm in raised:
        about = f"{alarm.kind}: {alarm.arm}" if alarm.arm else alarm.kind
        screen.print(f"{about}: {alarm.message}")


def _table(comparison: Comparison) -> Table:
    from rich.table import Table

    from studies.wording import amount, interval, level, unit

    metric, design = comparison.metric, comparison.design
    by_repeats = design.claim != "configurations" and design.planned > 1
    head = " × ".join(comparison.factors) or "study"
    mean = f"{metric}, winners' mean (95 %)" if by_repeats else "confirmed mean (95 %)"
    table = Table(head, mean, "searches" if by_repeats else "seeds", box=None, pad_edge=False)
    if not by_repeats:
        table.add_column("test")
    table.add_column("search best")
    table.add_column(f"selection bias ({unit(metric)})")
    table.add_column("defaults")
    table.add_column("epochs")
    for arm in comparison.arms:
        failed = f" ({arm.failures} failed)" if arm.failures and not by_repeats else ""
        lost = f" ({len(arm.lost)} lost)" if arm.lost else ""
        table.add_row(
            arm.arm or comparison.study,
            interval(metric, arm.mean),
            f"{len(arm.confirmed)}{lost or failed}",
            *([] if by_repeats else [level(metric, arm.test_mean)]),
            level(metric, arm.search_best),
            "–" if arm.optimism is None else amount(metric, arm.optimism, signed=True),
            level(metric, arm.default),
            str(arm.epochs),
        )
    return table
