"""Figures whose marks are trials let one pick them; others, and the report's, stay as they are."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd
import pytest

from studies.analysis.curves import curves
from studies.reporting.figures.common import Picture
from studies.reporting.figures.search.intermediate import draw_intermediate, intermediate_info
from studies.reporting.figures.search.searching import (
    draw_history,
    draw_searches,
    history_info,
    searches_info,
)
from studies.reporting.figures.specification import specification
from studies.reporting.figures.touch import TABLE, picked_table, touchable
from tests.support.states import states

STATES = states()
RESULTS = STATES["finished"]


def touched(picture: Picture) -> dict[str, Any]:
    return touchable(specification(picture).spec)


def parameters(spec: dict[str, Any]) -> list[str]:
    return [each["name"] for layer in spec["layer"] for each in layer.get("params", ())]


def history() -> Picture:
    arms = RESULTS.arms
    return draw_history(history_info(RESULTS, "val/accuracy", "maximize", arms))


def trainings() -> Picture:
    return draw_intermediate(intermediate_info(RESULTS, RESULTS.arms))


@pytest.mark.parametrize("picture", [history, trainings])
def test_selections_of_trials_stand_once_and_the_figure_stays_valid(picture: Any) -> None:
    plain = specification(picture()).spec
    spec = touched(picture())
    assert parameters(spec) == ["picked", "added"]
    assert spec["layer"][0]["mark"]["type"] == plain["layer"][0]["mark"]["type"]
    assert {name: spec[name] for name in spec if name != "layer"} == {
        name: plain[name] for name in plain if name != "layer"
    }
    alt.LayerChart.from_dict(spec)  # raises where Vega-Lite does not know it
    marked = [layer for layer in spec["layer"] if TABLE in str(layer.get("transform"))]
    assert marked and all(layer["mark"]["opacity"] == 1 for layer in marked)


def test_a_line_through_trials_is_no_trial() -> None:
    data = pd.DataFrame({"trial": ["a", "b"], "x": [1, 2]})
    line: alt.Chart = alt.Chart(data).mark_line().encode(x="x:Q", y="x:Q", tooltip=["trial:N"])
    assert touched(line) == specification(line).spec
    own: alt.Chart = line.encode(detail="trial:N")
    assert parameters(touched(own)) == ["picked", "added"]


def test_bars_without_layers_get_a_frame_and_keep_their_height() -> None:
    data = pd.DataFrame({"trial": ["a", "b"], "x": [1, 2]})
    bars: alt.Chart = (
        alt.Chart(data).mark_bar().encode(x="x:Q", tooltip=["trial:N"]).properties(height=99)
    )
    spec = touched(bars)
    assert [layer["mark"]["type"] for layer in spec["layer"]] == ["bar", "bar"]
    assert spec["height"] == 99 and spec["layer"][1]["mark"]["filled"] is False
    alt.LayerChart.from_dict(spec)


def test_figures_of_no_single_trials_are_unchanged() -> None:
    results = STATES["arms"]
    picture = draw_searches(searches_info(results, curves(results), results.arms))
    assert touched(picture) == specification(picture).spec


@pytest.mark.parametrize("keys", [(), ("a", "b")])
def test_the_table_of_picked_trials_is_never_empty(keys: Sequence[str]) -> None:
    table = picked_table(keys)
    assert list(table.loc[table["picked"], "trial"]) == list(keys)
    assert len(table) == len(keys) + 1
