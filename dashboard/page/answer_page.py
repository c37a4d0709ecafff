"""The page that answers a study's question: the same for every factor, which brings sections."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from dashboard.page import sections
from dashboard.page.factors import below, factors_of
from dashboard.page.failures import has_failures, show_failures
from dashboard.page.live import Row, Section, with_winners
from dashboard.page.selection import Selection, available, selected_study, wait_for_study
from dashboard.page.study_page import show_study
from studies.reporting.figures.comparison.gains import gain_kinds
from studies.reporting.paired import differences_title


def show_answer(factor: str = "") -> None:
    """The page, for the studies that compare a factor or for all."""
    if available(factor):
        selection = selected_study(factor, arms=True, searches=True)
        show_study(selection, partial(rows, factor=factor))
    else:
        wait_for_study(factor)
    below(factor)


def rows(selection: Selection, *, factor: str) -> Iterator[Row]:
    """The sections of a study, what answers its question first."""
    comparison, words = selection.comparison, selection.report.words
    first, *others = factors_of(selection, factor)
    yield Section("answer", "", sections.answer, tall=190)
    ranking = Section("ranking", words.ranking, sections.ranking, with_winners, words.about)
    yield ranking, first.first(selection)
    yield Section("verdict", "", sections.verdict, tall=240)
    yield from first.more(selection)
    for other in others:
        yield other.first(selection)
    if len(comparison.arms) > 1:
        yield (
            Section(
                "differences", differences_title(comparison), sections.differences, with_winners
            ),
            Section("pairs", words.pairs, sections.pairs, with_winners),
        )
    kinds = ", ".join(gain_kinds(comparison)).capitalize()
    about = "What tuning brought, and what was luck."
    yield (
        Section("gains", kinds, sections.gains, with_winners, about),
        Section("learning", "Learning curves of the winners", sections.learning, with_winners),
    )
    yield (
        Section("outcomes", "How trials ended", sections.outcomes),
        Section("cost", "Cost", sections.cost),
    )
    if has_failures(selection):
        yield Section("failures", "Why trials failed", show_failures)
    yield Section("numbers", "Numbers", sections.tables)
