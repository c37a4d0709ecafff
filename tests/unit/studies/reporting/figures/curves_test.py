"""Curves can be smoothed, and one value that explodes does not flatten them."""

import math

import pandas as pd
import pytest

from studies.reporting.figures.axes import metric_axis
from studies.reporting.figures.curves import CurveOptions, leaving, smoothed
from studies.reporting.figures.search.intermediate import draw_intermediate, intermediate_info
from studies.reporting.figures.training.learning import draw_learning, learning_info
from studies.reporting.figures.training.trials import curves_info, draw_curves
from studies.results import StudyResults
from tests.support.made import OPTIMIZERS, spec_of, study, trial

LOSS, EXPLODED = "val/loss", 8e8
SPEC = spec_of(OPTIMIZERS.replace("val/accuracy", LOSS))
CURVE = {1: EXPLODED, 2: 0.9, 3: 0.5, 4: 0.4, 5: 0.35, 6: 0.3, 7: 0.28, 8: 0.27}


def made() -> StudyResults:
    return study(SPEC, [trial(SPEC, "sgd", 0, 0.27, best={LOSS: 0.27}, curve=CURVE, best_epoch=8)])


def test_an_average_is_not_drawn_to_zero_and_keeps_what_does_not_change() -> None:
    assert smoothed([1.0, 1.0, 1.0], 0.9) == pytest.approx([1.0, 1.0, 1.0])
    assert smoothed([0.0, 1.0, 1.0], 0.5) == pytest.approx([0.0, 2 / 3, 6 / 7])
    assert smoothed([3.0, 1.0, 2.0], 0.0) == [3.0, 1.0, 2.0]


def test_what_is_no_number_is_left_out_of_an_average() -> None:
    before, missing, after = smoothed([1.0, math.nan, 3.0], 0.5)
    assert math.isnan(missing)
    assert (before, after) == pytest.approx((1.0, (0.25 * 1 + 0.5 * 3) / 0.75))


@pytest.mark.parametrize("smoothing", [-0.1, 1.0])
def test_a_weight_of_all_or_less_than_nothing_is_refused(smoothing: float) -> None:
    with pytest.raises(ValueError, match=rf"smoothing must be in \[0, 0.99\], got {smoothing}"):
        CurveOptions(smoothing)


def test_of_each_run_beyond_the_axis_the_worst_value_is_an_arrow() -> None:
    axis = metric_axis([[0.1, 0.2, 0.3, 0.2, 0.1]], LOSS, "minimize")
    values = [0.1, 5.0, 7.0, 0.2, math.nan, 9.0, 0.3]
    data = pd.DataFrame({"arm": "a", "epoch": range(1, 8), "value": values})
    found = leaving(data, axis, "value", ["arm"])
    assert list(found["epoch"]) == [3, 6]
    assert list(found["number"]) == ["7", "9"]
    assert list(found["shown"]) == [axis.high, axis.high]


def test_smoothing_is_for_each_line_and_the_values_stay_visible() -> None:
    trials = [(trial(SPEC, "sgd", n, 0.3), {LOSS: {1: n + 1.0, 2: n + 2.0}}) for n in range(2)]
    info = curves_info("loss", trials, CurveOptions(0.5))
    assert list(info.data["value"]) == [1.0, 2.0, 2.0, 3.0]
    assert list(info.data["smooth"]) == pytest.approx([1.0, 5 / 3, 2.0, 8 / 3])
    drawn = draw_curves(info).to_dict()["layer"]
    lines = [layer["encoding"]["y"]["field"] for layer in drawn if layer["mark"]["type"] == "line"]
    assert set(lines) == {"value", "smooth"}
    assert "weight 0.5" in info.caption and "weight" not in curves_info("loss", trials).caption


@pytest.mark.parametrize("outliers", [False, True])
def test_outliers_are_on_the_axis_or_arrows(outliers: bool) -> None:
    results, options = made(), CurveOptions(outliers=outliers)
    (only,) = results.trials
    infos = [
        curves_info("loss", [(only, {LOSS: CURVE})], options),
        learning_info(results, LOSS, {}, ["sgd"], options),
        intermediate_info(results, ["sgd"], options),
    ]
    pictures = [draw_curves(infos[0]), draw_learning(infos[1]), draw_intermediate(infos[2])]  # type: ignore[arg-type]
    for info, picture in zip(infos, pictures, strict=True):
        assert (info.axis.high > EXPLODED) is outliers  # type: ignore[attr-defined]
        drawn = picture.to_dict()["layer"]
        domains = {tuple(layer["encoding"]["y"]["scale"]["domain"]) for layer in drawn}
        assert len(domains) == 1
        if not outliers:
            assert info.axis.high < 1  # type: ignore[attr-defined]
    for info, picture in zip(infos[:2], pictures[:2], strict=True):
        shapes = [layer["mark"].get("shape") for layer in picture.to_dict()["layer"]]
        assert ("triangle-up" in shapes) is not outliers
        said = "Arrows at the edge: 1 value beyond the axis, up to 8e+08. A line is cut off there."
        assert (said in info.caption) is not outliers


def test_up_to_six_trials_have_a_colour_each_and_more_are_refused() -> None:
    trials = [(trial(SPEC, "sgd", n, 0.3), {LOSS: {1: 0.5 + n}}) for n in range(7)]
    scales = [
        layer["encoding"]["color"]["scale"]
        for layer in draw_curves(curves_info("loss", trials[:6])).to_dict()["layer"]
        if "color" in layer["encoding"]
    ]
    assert all(len({str(colour) for colour in scale["range"]}) == 6 for scale in scales)
    for wrong in ([], trials):
        with pytest.raises(ValueError, match=f"trials must be 1 to 6, got {len(wrong)}"):
            curves_info("loss", wrong)


def test_the_best_epoch_is_marked_on_what_is_not_the_training_part() -> None:
    found = trial(SPEC, "sgd", 0, 0.3, best_epoch=2)
    curves = {LOSS: {1: 0.5, 2: 0.3, 3: 0.4}, "train/loss": {1: 0.4, 2: 0.2, 3: 0.1}}
    info = curves_info("loss", [(found, curves)])
    assert info.best[["part", "epoch", "value"]].to_dict("records") == [
        {"part": "validation", "epoch": 2, "value": 0.3}
    ]
