"""Optimizers: which is better, and how much depends on the learning rate."""

from dashboard.page import sections
from dashboard.page.refresh import live
from dashboard.page.selection import Selection, selected_study


def page(selection: Selection) -> None:
    sections.heading(selection)
    sections.answer(selection)
    sections.verdict(selection, design_warnings=("inclusion", "unstable"))
    sections.ranking(selection)
    sections.effect(selection, "optimizer", "Sensitivity")
    sections.pairs(selection)
    sections.learning(selection)
    sections.spending(selection)
    sections.tables(selection)


live(selected_study("optimizer", arms=True), page)
