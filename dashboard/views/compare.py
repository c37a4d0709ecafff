"""Any factor: which alternative is better, and how sure that is."""

from dashboard.page import sections
from dashboard.page.refresh import live
from dashboard.page.selection import Selection, selected_study


def page(selection: Selection) -> None:
    sections.heading(selection)
    sections.answer(selection)
    sections.verdict(selection)
    sections.ranking(selection)
    sections.pairs(selection)
    sections.learning(selection)
    sections.spending(selection)
    sections.tables(selection)


live(selected_study(arms=True), page)
