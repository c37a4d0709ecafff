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

    found = results.load(open_home(home), study)
    compared = comparison.compare(found, metric)
    raised = alarms(found, compared)
    print_comparison(compared, raised, console(stderr=as_json))
    if as_json:
        said = [{"kind": a.kind, "arm": a.arm, "message": a.message} for a in raised]
        print_json(comparison_json(compared, {"alarms": said}))


def print_comparison(comparison: Comparison, raised: Sequence[Alarm], screen: Console) -> None:
    """The ranking, what may be said, and the alarms."""
    from studies.sentences import summary

    screen.print(_table(comparison))
    for sentence in summary(comparison):
        screen.print(sentence)
    for alarm in raised:
        about = f"{alarm.kind}: {alarm.arm}" if alarm.arm else alarm.kind
        screen.print(f"{about}: {alarm.message}")


def _table(comparison: Comparison) -> Table:
    from rich.table import Table

    from studies.wording import amount, interval, level, unit

    metric = comparison.metric
    head = " × ".join(comparison.factors) or "study"
    table = Table(head, "confirmed mean (95 %)", "seeds", "test", box=None, pad_edge=False)
    table.add_column("search best")
    table.add_column(f"optimism ({unit(metric)})")
    table.add_column("untuned")
    table.add_column("epochs")
    for arm in comparison.arms:
        failed = f" ({arm.failures} failed)" if arm.failures else ""
        table.add_row(
            arm.arm or comparison.study,
            interval(metric, arm.mean),
            f"{len(arm.confirmed)}{failed}",
            level(metric, arm.test_mean),
            level(metric, arm.search_best),
            "–" if arm.optimism is None else amount(metric, arm.optimism, signed=True),
            level(metric, arm.default),
            str(arm.epochs),
        )
    return table
