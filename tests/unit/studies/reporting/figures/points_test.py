"""One trial that explodes and yet has a number: every figure of trials stays readable."""

from collections.abc import Callable, Iterator
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest

from studies.analysis import compare
from studies.records import Outcome
from studies.reporting.figures.axes import axes, metric_axis
from studies.reporting.figures.common import Info, Picture
from studies.reporting.figures.comparison.gains import draw_gains, gains_info
from studies.reporting.figures.comparison.ranges import draw_effect, effect_info
from studies.reporting.figures.comparison.ranking import draw_ranking, ranking_info
from studies.reporting.figures.points import ARROW, LETTER, trial_points, with_room
from studies.reporting.figures.search.intermediate import draw_intermediate, intermediate_info
from studies.reporting.figures.search.parameters import (
    draw_isolation,
    draw_slice,
    isolation_info,
    slice_info,
)
from studies.reporting.figures.search.searching import draw_history, history_info
from studies.reporting.figures.training.overfitting import draw_gap, gap_info
from studies.results import StudyResults
from tests.support.figures import NAMES, six_arms
from tests.support.made import OPTIMIZERS, spec_of, study, trial

EXPLODED = 8e8
LOSS = "val/loss"
Layers = list[dict[str, Any]]
SPEC = spec_of(OPTIMIZERS.replace("val/accuracy", LOSS))


def made() -> StudyResults:
    """Two arms whose losses are below one, but for the last trial of one of them; one diverged."""
    trials = [
        trial(SPEC, arm, n, v, lr=0.01 * (n + 1), best={LOSS: v}, curve={1: v + 0.5, 2: v})
        for arm, first in (("sgd", 0.3), ("adam", 0.1))
        for n, v in enumerate([first + 0.01 * n for n in range(8)])
    ]
    curve = {1: 0.9, 2: EXPLODED}
    trials.append(trial(SPEC, "sgd", 8, EXPLODED, lr=0.9, best={LOSS: EXPLODED}, curve=curve))
    trials.append(trial(SPEC, "sgd", 9, None, lr=1.0, outcome=Outcome.diverged, curve={1: 0.9}))
    return study(SPEC, trials)


def layers(picture: Picture) -> Layers:
    """Of a picture that is valid Vega-Lite."""
    found: Layers = picture.to_dict()["layer"]
    return found


RESULTS = made()
ARMS = ["sgd", "adam"]


@cache
def effect() -> tuple[Info, Layers]:
    info = effect_info(RESULTS, "optimizer.lr", LOSS, "minimize", ARMS, log=True)
    return info, layers(draw_effect(info))


@cache
def history() -> tuple[Info, Layers]:
    info = history_info(RESULTS, LOSS, "minimize", ARMS)
    return info, layers(draw_history(info))


@cache
def trainings() -> tuple[Info, Layers]:
    info = intermediate_info(RESULTS, ARMS)
    return info, layers(draw_intermediate(info))


@cache
def one_by_one() -> tuple[Info, Layers]:
    points = trial_points(RESULTS, LOSS, "minimize", ["sgd"])
    info = slice_info(points, axes(RESULTS, "sgd")[0], ARMS)
    return info, layers(draw_slice(info))


@cache
def best_of_bins() -> tuple[Info, Layers]:
    points = trial_points(RESULTS, LOSS, "minimize", ["sgd"])
    info = isolation_info(points, axes(RESULTS, "sgd")[0], ARMS)
    return info, layers(draw_isolation(info))


FIGURES = [effect, history, trainings, one_by_one, best_of_bins]
Made = Callable[[], tuple[Info, Layers]]


def y_scales(picture: Layers) -> Iterator[dict[str, Any]]:
    for layer in picture:
        yield layer["encoding"]["y"]["scale"]


@pytest.mark.parametrize("figure", FIGURES)
def test_its_axis_ends_below_one_or_two_and_is_that_of_all_marks(figure: Made) -> None:
    _, picture = figure()
    scales = list(y_scales(picture))
    assert len({tuple(scale["domain"]) for scale in scales}) == 1
    assert scales[0]["domain"][1] < 2


@pytest.mark.parametrize("figure", FIGURES)
def test_it_is_an_arrow_with_its_number_and_the_caption_says_so(figure: Made) -> None:
    info, picture = figure()
    marks = [layer["mark"] for layer in picture]
    (arrow,) = [mark for mark in marks if mark.get("shape") == "triangle-up"]
    assert arrow["filled"]
    numbers = [layer for layer in picture if layer["mark"]["type"] == "text"]
    assert [number["mark"]["align"] for number in numbers] == ["right", "left"]
    beyond = info.data[info.data["number"] != ""]
    assert list(beyond["number"]) == ["8e+08"]
    assert list(beyond["value"]) == [EXPLODED]  # of which the tooltip tells
    for number in numbers:
        assert number["encoding"]["text"]["field"] == "number"
        assert any(each.get("field") == "value" for each in number["encoding"]["tooltip"])
    assert "Arrows at the edge: 1 value beyond the axis, up to 8e+08." in info.caption


@pytest.mark.parametrize("figure", FIGURES)
def test_no_line_ends_at_a_value_that_it_does_not_have(figure: Made) -> None:
    _, picture = figure()
    for layer in picture:
        if layer["mark"]["type"] in ("line", "rule", "area"):
            assert layer["mark"]["clip"]
            assert layer["encoding"]["y"]["field"] != "shown"


@pytest.mark.parametrize("figure", [effect, history, one_by_one])
def test_a_point_beyond_the_axis_is_no_point_on_it(figure: Made) -> None:
    info, picture = figure()
    points = [layer for layer in picture if "shape" in layer["encoding"]]
    assert points
    for layer in points:
        assert any("!datum.beyond" in str(each["filter"]) for each in layer["transform"])
    assert info.data["beyond"].sum() == 1


@pytest.mark.parametrize("seed", range(20))
def test_numbers_lie_neither_on_each_other_nor_beyond_the_edge(seed: int) -> None:
    rng = np.random.default_rng(seed)
    axis = metric_axis([[0.1, 0.11, 0.12, 0.13, 0.14]], LOSS, "minimize")
    placed = pd.DataFrame({"value": rng.uniform(1, 1e9, 40)})
    places = rng.uniform(0, 1, 40).tolist()
    found = with_room(placed.join(axis.placed(placed["value"])), places)
    written = found[found["number"] != ""]
    assert len(written) >= 2
    assert written["value"].max() == placed["value"].max()  # the worst are written first
    spans = []
    for index, row in written.iterrows():
        width = ARROW + LETTER * len(row["number"])
        start = places[index] - width if row["to_left"] else places[index]  # type: ignore[index]
        spans.append((start, start + width))
    assert all(start > -0.01 and end < 1.01 for start, end in spans)
    ordered = sorted(spans)
    assert all(end <= start for (_, end), (start, _) in pairwise(ordered))


@cache
def ranked() -> tuple[Info, Layers]:
    results = six_arms()
    info = ranking_info(results, compare(results))
    return info, layers(draw_ranking(info))


@cache
def gained() -> tuple[Info, Layers]:
    results = six_arms()
    info = gains_info(results, compare(results))
    return info, layers(draw_gains(info))


@cache
def gaps() -> tuple[Info, Layers]:
    results = six_arms()
    info = gap_info(results, LOSS, results.arms)
    return info, layers(draw_gap(info))


@pytest.mark.parametrize(("figure", "side"), [(ranked, "right"), (gained, "right"), (gaps, "left")])
def test_of_rows_it_is_an_arrow_at_the_side_with_a_number_for_each_arm(
    figure: Made, side: str
) -> None:
    info, picture = figure()
    domains = {tuple(layer["encoding"]["x"]["scale"]["domain"]) for layer in picture}
    (domain,) = domains
    assert max(abs(end) for end in domain) < 2
    assert f"triangle-{side}" in [layer["mark"].get("shape") for layer in picture]
    assert sorted(info.data["arm"][info.data["number"] != ""]) == NAMES
    assert "Arrows at the edge: 6 values beyond the axis" in info.caption


def test_on_a_logarithmic_axis_it_is_a_point_like_others() -> None:
    info = effect_info(RESULTS, "optimizer.lr", LOSS, "minimize", ARMS, log=True, log_metric=True)
    picture = layers(draw_effect(info))
    assert {scale["type"] for scale in y_scales(picture)} == {"log"}
    assert not info.data["beyond"].any()
    assert "Arrows" not in info.caption
    assert intermediate_info(RESULTS, ARMS, log_metric=True).axis.log
    assert history_info(RESULTS, LOSS, "minimize", ARMS, log_metric=True).axis.log


def test_where_more_is_better_the_arrow_points_down() -> None:
    values = [0.9, 0.91, 0.92, 0.93, 0.94, -5e6]
    trials = [trial(SPEC, "sgd", n, 0.5, best={"val/r2": v}) for n, v in enumerate(values)]
    info = history_info(study(SPEC, trials), "val/r2", "maximize", ["sgd"])
    assert {mark["mark"].get("shape") for mark in layers(draw_history(info))} >= {"triangle-down"}
    assert info.axis.low > 0.8
