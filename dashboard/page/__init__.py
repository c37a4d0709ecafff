"""What the pages are made of: the selected study, its sections, figures and inputs.

A page is written so:

    def page(selection: Selection) -> None:
        def info() -> RankingInfo:
            return ranking_info(selection.results, selection.comparison)

        show(selection, info, draw_ranking, "ranking", "No trial has completed yet.")

    live(selected_study(arms=True), page)

`selected_study` draws the sidebar and says which study, metric and arms are selected; where the
home has no study it says what to run first, and the page ends there. `live` draws the page and,
while the study runs, draws it again. `show` draws a figure with its caption, a text for those who
do not see it, and its data to download.
"""
