"""What more of a study would show."""

from __future__ import annotations

import math

from studies.analysis import Comparison
from studies.analysis.budget_options import BudgetOption, budget_options
from studies.reporting.tables.table import Table
from studies.results import StudyResults, duration
from studies.sentences.effects import shown_from


def budget_table(results: StudyResults, comparison: Comparison) -> Table:
    """A row for each number of repeats and fresh seeds, what is there first."""
    options = budget_options(results, comparison)
    rows = [_row(option, comparison) for option in options]
    note = (
        "Differences are taken to scatter as they did, which is uncertain itself. More repeats "
        "after a verdict are a second look, judged at p <= 0.01, and the last one. Times are those "
        "of one worker."
    )
    head = ["repeats", "fresh seeds", "difference shown 8 times in 10", "more training", "command"]
    return Table(head, rows, note if rows else "", wide=[4])


def _row(option: BudgetOption, comparison: Comparison) -> list[str]:
    return [
        str(option.repeats),
        str(option.seeds),
        shown_from(comparison, option.gap) if math.isfinite(option.gap) else "none",
        duration(option.seconds) if option.command else "what there is",
        option.command,
    ]
