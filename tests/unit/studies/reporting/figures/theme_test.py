"""A figure names its colours; the palette of a light or a dark page says what they are."""

import re

import altair as alt
import pandas as pd
import pytest

from studies.reporting.figures.theme import named, themed
from studies.reporting.palette import DARK, LIGHT
from tests.support.checkout import ROOT

COLOUR = re.compile(
    r"""["'](#(?:[0-9a-fA-F]{3,4}){1,2}|black|white|gr[ae]y|red|green|blue|rgba?\(.*)["']"""
)


def test_no_figure_has_a_colour_of_its_own() -> None:
    files = sorted((ROOT / "studies/reporting/figures").rglob("*.py"))
    assert len(files) > 20
    found = {file.name: COLOUR.findall(file.read_text()) for file in files}
    assert {name: colours for name, colours in found.items() if colours} == {}


def test_light_and_dark_pages_have_the_same_colours_by_name() -> None:
    assert list(LIGHT) == list(DARK)
    for colour in (*LIGHT.values(), *DARK.values()):
        assert re.fullmatch("#[0-9A-F]{6}([0-9A-F]{2})?", colour)


def test_a_colour_that_the_palette_does_not_have_is_no_colour() -> None:
    with pytest.raises(KeyError, match="no colour 'purple'"):
        named("purple")


def test_a_themed_specification_keeps_its_configuration_and_is_valid() -> None:
    chart = alt.Chart(pd.DataFrame({"a": [1]})).mark_rule(color=named("neutral")).encode(x="a:Q")
    spec = themed({**chart.to_dict(), "config": {"mark": {"aria": False}}}, DARK)
    assert spec["config"]["mark"] == {"aria": False}
    assert {"name": "colour_neutral", "value": DARK["neutral"]} in spec["config"]["params"]
    assert spec["mark"]["color"] == {"expr": "colour_neutral"}
    alt.Chart.from_dict(spec)
