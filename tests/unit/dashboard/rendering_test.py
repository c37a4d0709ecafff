"""A figure is drawn once, and shown on light and on dark pages."""

import altair as alt
import pandas as pd

from dashboard.rendering import CANVAS, MANY, RenderedFigure, render_figure
from studies.reporting.figures.common import Info, Picture
from studies.reporting.figures.theme import named
from studies.reporting.palette import DARK, LIGHT


def figure(rows: int) -> RenderedFigure[Info]:
    def draw(info: Info) -> Picture:
        rule: alt.Chart = alt.Chart(info.data).mark_rule(color=named("neutral")).encode(x="a:Q")
        return alt.layer(rule, rule)

    return render_figure(Info(pd.DataFrame({"a": range(rows)}), "", ""), draw)


def test_the_colours_are_those_of_the_page() -> None:
    made = figure(1)
    for dark, colours in ((False, LIGHT), (True, DARK)):
        found = made.shown(dark=dark)["config"]["params"]
        assert {each["name"]: each["value"] for each in found} == {
            f"colour_{name}": value for name, value in colours.items()
        }
    assert "config" not in made.spec  # which both pages share


def test_every_table_is_sent_once_and_many_rows_are_painted() -> None:
    few, many = figure(MANY), figure(MANY + 1)
    assert [table.num_rows for table in many.spec["datasets"].values()] == [MANY + 1]
    assert "usermeta" not in few.spec
    shown = many.shown(dark=False)
    assert shown["usermeta"] == CANVAS["usermeta"]
    assert shown["config"]["mark"] == {"aria": False} and shown["config"]["params"]


def test_nothing_is_drawn_of_nothing() -> None:
    assert figure(0).spec == {}
