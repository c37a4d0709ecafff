"""A figure as SVG in a page: text is text, nothing is fetched, equal ones are equal."""

import math
import re
from xml.etree import ElementTree

import altair as alt
import pandas as pd
import pytest

from studies.reporting.figures.svg import COLOURS, SVG, svg
from studies.reporting.figures.theme import arm_colours, named
from studies.reporting.palette import LIGHT

ARMS = ["<script>alert(1)</script>", "#0072B2", '**b** `c` & "d" $e$ url(#clip0)', "\a\x1b[0m"]


def drawn(name: str = "made") -> str:
    """Points of four arms, cut off at the ends of an axis."""
    data = pd.DataFrame({"arm": ARMS, "value": [0.1, 0.5, 0.2, 900.0]})
    scale = alt.Scale(domain=ARMS, range=arm_colours(ARMS))
    picture = (
        alt.Chart(data)
        .mark_circle(clip=True)
        .encode(
            x=alt.X("value:Q", scale=alt.Scale(domain=[0, 1])),
            y=alt.Y("arm:N", axis=alt.Axis(labelLimit=400)),
            color=alt.Color("arm:N", scale=scale),
        )
    )
    return svg(picture, name, "Points <b>", "All arms & their points")


@pytest.fixture(scope="module")
def text() -> str:
    return drawn()


def texts(root: ElementTree.Element) -> list[str]:
    return [each.text or "" for each in root.iter(f"{{{SVG}}}text")]


def test_what_people_wrote_is_text_in_it(text: str) -> None:
    root = ElementTree.fromstring(text)
    assert {each.tag.removeprefix(f"{{{SVG}}}") for each in root.iter()} == {
        "svg", "title", "desc", "g", "path", "line", "text", "defs", "clipPath", "rect",
    }  # fmt: skip
    assert set(ARMS[:3]) <= set(texts(root))
    assert "\ufffd\ufffd[0m" in texts(root)  # of what no XML can hold, that there was something


def test_those_who_do_not_see_it_are_told_its_title_and_description(text: str) -> None:
    root = ElementTree.fromstring(text)
    assert root.get("role") == "img"
    said = {each.get("id"): each.text for each in root[:2]}
    assert said == {"made-title": "Points <b>", "made-desc": "All arms & their points"}
    assert root.get("aria-labelledby") == " ".join(said)


def test_its_colours_are_variables_of_the_page(text: str) -> None:
    root = ElementTree.fromstring(text)
    kinds = ("fill", "stroke")
    paints = {each.attrib[kind] for each in root.iter() for kind in kinds if kind in each.attrib}
    assert COLOURS.keys() == LIGHT.keys()
    assert {"var(--arm-0)", "var(--arm-1)", "var(--ink)"} <= paints
    variable = re.compile(r"none|transparent|var\(--[a-z0-9-]+\)")
    assert [paint for paint in paints if not variable.fullmatch(paint)] == []


def test_equal_figures_are_equal_bytes_whatever_was_drawn_before(text: str) -> None:
    drawn("another")
    assert drawn() == text


def test_names_in_it_begin_with_that_of_the_figure_and_each_is_once(text: str) -> None:
    root = ElementTree.fromstring(text)
    names = [each.attrib["id"] for each in root.iter() if "id" in each.attrib]
    assert len(names) > 2 and len(set(names)) == len(names)
    assert all(name.startswith("made-") for name in names)
    assert set(re.findall(r"=\"url\(#(.*?)\)\"", text)) <= set(names)


def test_nothing_is_fetched_for_it() -> None:
    picture = alt.Chart("https://example.org/points.csv").mark_point().encode(x="a:Q")
    with pytest.raises(ValueError, match="External data url not allowed"):
        svg(picture, "made", "", "")


def test_what_is_no_number_is_no_mark() -> None:
    data = pd.DataFrame({"a": [1.0, math.nan, math.inf, 2.0]})
    picture = alt.Chart(data).mark_tick(color=named("neutral")).encode(x="a:Q")
    assert svg(picture, "made", "", "").count("var(--neutral)") == 2
