"""Optimizers: which is better, and how much depends on the learning rate."""

from dashboard import sections
from dashboard.shared import Chosen, chosen_study, live


def page(chosen: Chosen) -> None:
    sections.heading(chosen)
    sections.verdict(chosen, warnings=("inclusion", "unstable"))
    sections.ranking(chosen)
    sections.effect(chosen, "optimizer", "Sensitivity")
    sections.pairs(chosen)
    sections.learning(chosen)
    sections.spending(chosen)
    sections.tables(chosen)


live(chosen_study("optimizer", arms=True), page)
