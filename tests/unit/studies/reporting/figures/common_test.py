"""What all figures share."""

import math
import re

import altair as alt
import pandas as pd

from studies.reporting.figures.common import arm_axis, dash, finite, legend_columns, shape
from studies.reporting.figures.svg import svg
from studies.reporting.figures.theme import arm_colours, named


def test_an_arm_has_the_same_colour_everywhere_and_colours_come_again() -> None:
    assert arm_colours(["a", "b"]) == [named("arm_0"), named("arm_1")]
    assert arm_colours([str(i) for i in range(12)])[10:] == arm_colours(["a", "b"])


def test_no_two_arms_of_a_figure_have_the_same_colour_and_dash_or_shape() -> None:
    arms = [f"arm {number}" for number in range(30)]
    colours = [colour["expr"] for colour in (each.to_dict() for each in arm_colours(arms))]
    for second in (dash(arms).to_dict()["scale"]["range"], shape(arms).to_dict()["scale"]["range"]):
        assert len(set(zip(colours, map(str, second[:30]), strict=True))) == 30
        assert len(set(map(str, second[:5]))) == 1


def test_a_legend_has_no_more_columns_than_a_phone_has_room_for() -> None:
    assert legend_columns(["adam", "sgd", "momentum"]) == 3
    assert legend_columns(["a name of some twenty letters"] * 3) == 1
    assert legend_columns([str(n) for n in range(40)]) == 6


def test_a_long_name_of_an_arm_has_several_lines_beside_its_row() -> None:
    names = ["adam", "a schedule with a warm restart", "x" * 45]
    chart = alt.Chart(pd.DataFrame({"arm": names, "x": [1, 2, 3]})).mark_tick()
    text = svg(chart.encode(x="x:Q", y=arm_axis(names)), "made", "", "")
    lines = re.findall(r"<tspan[^>]*>([^<]*)</tspan>", text)
    assert lines == ["a schedule with a", "warm restart", "x" * 20, "x" * 20, "x" * 5]
    assert ">adam<" in text


def test_no_axis_has_infinity() -> None:
    assert [finite(x) for x in (0.5, math.inf, -math.inf, math.nan, None)] == [0.5] + 4 * [None]
