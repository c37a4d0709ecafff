"""What the pages are made of: the selected study, its sections, figures and inputs.

A page of a study is written so:

    def ranking(selection: Selection) -> None:
        def info() -> RankingInfo:
            return ranking_info(selection.results, selection.comparison)

        show(selection, info, draw_ranking, "ranking", "No trial has completed yet.")

    def rows(selection: Selection) -> Iterator[Row]:
        yield Section("ranking", "Ranking of the arms", ranking, with_winners)

    show_study(selected_study(arms=True), rows)

`selected_study` draws the sidebar and says which study, metric and arms are selected; where the
home has no study it says what to run first, and the page ends there. `show_study` draws what every
page of a study has and its sections; while the study runs, those whose numbers changed are drawn
again. `show` draws a figure with its caption, a text for those who do not see it, and its files to
download. Whatever a reader chooses goes through `address`.
"""
