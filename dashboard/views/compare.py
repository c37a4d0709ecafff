"""Overview."""

from dashboard.figures.comparing import draw_ranking, ranking_info
from dashboard.shared import Chosen, chosen_study, live, show


def page(chosen: Chosen) -> None:
    info = ranking_info(chosen.results, chosen.comparison)
    show(info, draw_ranking, "ranking", "No trial has completed yet.")


live(chosen_study(arms=True), page)
