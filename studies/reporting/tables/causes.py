"""In which ways trials failed."""

from __future__ import annotations

from studies.analysis.failure_causes import FailureCause, failure_causes
from studies.reporting.tables.table import Table
from studies.results import StudyResults

SHOWN = 10
"""Ways of failing that the table has; the others are counted."""
NAMED = 3
"""Trials that a row names."""


def causes_table(results: StudyResults) -> Table:
    """A row for each way in which trials of an arm's searches failed."""
    causes = failure_causes(results)
    rows = [_row(cause, results.study) for cause in causes[:SHOWN]]
    notes = []
    if any(cause.parameters for cause in causes[:SHOWN]):
        notes.append(
            "A parameter is named where its values set all trials that failed apart from all that "
            "worked, which chance would do in less than 5 % of cases."
        )
    if rest := len(causes) - len(rows):
        notes.append(f"{rest} more ways, which were met less often, are not shown.")
    head = ["arm", "outcome", "how many", "reason", "in common", "trials"]
    return Table(head, rows, " ".join(notes), [cause.arm for cause in causes[:SHOWN]], wide=[3, 4])


def _row(cause: FailureCause, study: str) -> list[str]:
    trials = [trial.key for trial in cause.trials]
    more = f" and {len(trials) - NAMED} more" if len(trials) > NAMED else ""
    return [
        cause.arm or study,
        cause.outcome.value,
        f"{len(trials)} of {cause.ended}",
        cause.reason or "–",
        "; ".join(cause.parameters) or "–",
        ", ".join(trials[:NAMED]) + more,
    ]
