"""Any factor: which alternative is better, and how sure that is."""

from dashboard import sections
from dashboard.shared import Chosen, chosen_study, live


def page(chosen: Chosen) -> None:
    sections.heading(chosen)
    sections.verdict(chosen)
    sections.ranking(chosen)
    sections.pairs(chosen)
    sections.learning(chosen)
    sections.spending(chosen)
    sections.tables(chosen)


live(chosen_study(arms=True), page)
