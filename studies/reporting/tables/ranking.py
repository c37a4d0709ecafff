"""The arms of a study, the best first."""

from __future__ import annotations

from collections.abc import Callable

from studies.analysis import ArmResult, Comparison
from studies.reporting.tables.table import Table
from studies.results import amount, duration, in_unit, level, plural
from studies.results.wording import interval
from studies.sentences.claim_words import claim_words


def ranking_table(comparison: Comparison) -> Table:
    """A row per arm, the best confirmed mean first."""
    words = claim_words(comparison)
    columns = _ranking_columns(comparison)
    head = [words.first, *columns]
    rows = [
        [arm.arm or comparison.study, *(cell(arm) for cell in columns.values())]
        for arm in comparison.arms
    ]
    return Table(head, rows, _ranking_note(comparison), [arm.arm for arm in comparison.arms])


Cell = Callable[[ArmResult], str]


def _ranking_columns(comparison: Comparison) -> dict[str, Cell]:
    """What is told of every arm, by the heads of its columns."""
    metric, design, words = comparison.metric, comparison.design, claim_words(comparison)
    several = design.planned > 1
    columns: dict[str, Cell] = {
        f"{metric}, {words.mean} (95 %)": lambda arm: interval(metric, arm.mean),
    }
    if several:
        columns["searches"] = lambda arm: str(
            len(arm.confirmed) if design.seeds else design.searches
        )
        columns["lost"] = _lost_words
    elif design.at is None:
        columns["seeds"] = _seeds
    if design.part != "test" and any(arm.test for arm in comparison.arms):
        columns["test mean"] = lambda arm: level(metric, arm.test_mean)
    columns["search best"] = lambda arm: level(metric, arm.search_best)
    columns[f"selection bias{in_unit(metric)}"] = lambda arm: (
        "–" if arm.selection_bias is None else amount(metric, arm.selection_bias, signed=True)
    )
    columns["defaults"] = lambda arm: level(metric, arm.default)
    columns["epochs"] = lambda arm: str(arm.epochs)
    columns["time"] = lambda arm: duration(arm.seconds)
    if not several:
        columns["epochs to reference"] = lambda arm: (
            "–" if arm.epochs_to_reference is None else str(arm.epochs_to_reference)
        )
    return columns


def _lost_words(arm: ArmResult) -> str:
    """How many repeats gave an arm nothing, and which."""
    which = ", ".join(map(str, arm.lost))
    return f"{len(arm.lost)} ({which})" if arm.lost else "0"


def _ranking_note(comparison: Comparison) -> str:
    metric, design, words = comparison.metric, comparison.design, claim_words(comparison)
    several = design.planned > 1
    said = f"{words.about} {metric} is to {comparison.goal}, at the best epoch of a training"
    if several and design.seeds:
        said += f", from {plural(design.seeds, 'fresh seed')} of each winner"
    said += "."
    if several and comparison.lost:
        said += (
            " A lost repeat found nothing for the arm: it is in no mean and counts against it, and "
            "arms that lost fewer come first."
        )
    if design.part == "test":
        said += " Search best, selection bias and defaults are of the validation part."
    said += (
        " Selection bias (optimism) is how much better the winner looked in its search than on "
        "fresh seeds of the same part."
    )
    if not several and comparison.reference is not None:
        said += (
            f" The reference is {level(metric, comparison.reference)}, the least that any search "
            "found; epochs and time are those of the search."
        )
    return said


def _seeds(arm: ArmResult) -> str:
    failed = f" ({arm.failures} failed)" if arm.failures else ""
    return f"{len(arm.confirmed)}{failed}"
