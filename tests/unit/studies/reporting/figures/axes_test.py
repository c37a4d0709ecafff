"""On every axis the good values can be told apart, whole numbers are whole, ranges are seen."""

import math

import altair as alt
import numpy as np
import pandas as pd
import pytest

from studies.reporting.figures.axes import (
    MetricAxis,
    metric_axis,
    number_axis,
    parameter_encoding,
    whole_axis,
    whole_ticks,
)
from tests.support.made import OPTIMIZERS, spec_of, study, trial

LOSSES = [0.1, 0.11, 0.12, 0.13, 0.14, 0.15, 0.2, 0.3]
SHARES = [0.90, 0.91, 0.915, 0.92, 0.925, 0.93]


def of_losses(*arms: list[float], log: bool = False) -> MetricAxis:
    return metric_axis(arms, "val/loss", "minimize", log=log)


# --- metrics --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "exploded",
    [
        [8e8],
        [8e8, 57.0],
        [8e8] * 5,
        [1e300],
    ],
)
def test_trials_that_explode_do_not_flatten_the_others(exploded: list[float]) -> None:
    axis = of_losses([*LOSSES, *exploded], [0.4, 0.5, 0.6])
    assert (axis.low, axis.high) == pytest.approx((0.075, 0.625))
    assert list(axis.beyond(pd.Series([0.1, 0.6, *exploded]))) == [False, False] + [True] * len(
        exploded
    )


def test_one_bad_share_does_not_make_the_axis_go_from_nothing_to_everything() -> None:
    axis = metric_axis([[*SHARES, 0.07], [0.8, 0.82, 0.81]], "val/accuracy", "maximize")
    assert 0.7 < axis.low < 0.8
    assert axis.edge == axis.low
    assert 0.93 < axis.high < 1.0


def test_of_four_trials_the_bad_default_lies_beyond() -> None:
    sgd, adam = [0.0722, 0.915, 0.94, 0.975], [0.93, 0.964, 0.98, 0.978]
    axis = metric_axis([sgd, adam], "val/accuracy", "maximize")
    assert list(axis.beyond(pd.Series(sgd))) == [True, False, False, False]
    assert axis.low > 0.9


def test_outliers_can_be_on_the_axis() -> None:
    axis = metric_axis([[*LOSSES, 57.0], [0.4]], "val/loss", "minimize", outliers=True)
    assert axis.low < 0.1 and axis.high > 57
    assert not axis.beyond(pd.Series([*LOSSES, 57.0, 0.4])).any()


def test_an_arm_that_is_worse_as_a_whole_stays_on_the_axis() -> None:
    axis = metric_axis([SHARES, [0.1, 0.12, 0.11, 0.13, 0.12]], "val/accuracy", "maximize")
    assert axis.low < 0.1


def test_an_arm_that_exploded_as_a_whole_does_not() -> None:
    axis = of_losses(LOSSES, [8e8, 9e8, 8.5e8, 7e8, 6e8])
    assert axis.high < 0.4


def test_half_of_the_trials_may_explode() -> None:
    axis = of_losses([*LOSSES, *[8e8 + n for n in range(12)]])
    assert axis.high < 0.4


@pytest.mark.parametrize("values", [[0.1, 0.2, 8e8], [0.1, 0.2, 0.15, 8e8]])
def test_of_few_trials_only_what_is_very_far_lies_beyond(values: list[float]) -> None:
    assert of_losses(values).high < 1
    assert of_losses([*values[:-1], 0.7]).high > 0.7


@pytest.mark.parametrize(
    "values", [[], [math.nan], [math.inf], [0.5], [0.0, 0.0], [1.0] * 9, [-2.0, -2.0, -1.0]]
)
def test_every_axis_has_a_length(values: list[float]) -> None:
    axis = of_losses(values)
    assert math.isfinite(axis.low) and math.isfinite(axis.high) and axis.low < axis.high
    finite = [value for value in values if math.isfinite(value)]
    assert not axis.beyond(pd.Series(finite, dtype=float)).any()


def test_equal_values_and_one_that_differs_are_all_on_it() -> None:
    assert of_losses([*[0.1] * 9, 0.11]).high > 0.11


def test_a_share_has_no_axis_beyond_all_and_nothing() -> None:
    axis = metric_axis([[0.0, 0.5, 1.0]], "val/accuracy", "maximize")
    assert (axis.low, axis.high) == (0.0, 1.0)


def test_a_logarithmic_axis_has_all_values_and_needs_positive_ones() -> None:
    axis = of_losses([*LOSSES, 8e8], log=True)
    assert axis.log and axis.low < 0.1 and axis.high > 8e8
    assert axis.encoding(alt.Y, "value").to_dict()["scale"]["type"] == "log"
    assert not of_losses([0.0, 0.1], log=True).log


def test_what_lies_beyond_is_drawn_at_the_end_with_its_number() -> None:
    axis = of_losses(LOSSES)
    placed = axis.placed(pd.Series([0.2, 8e8, math.nan]))
    assert list(placed["shown"]) == [0.2, axis.high, axis.high]
    assert list(placed["beyond"]) == [False, True, False]
    assert list(placed["number"]) == ["", "8e+08", ""]


def test_the_scale_ends_where_the_axis_does() -> None:
    axis = of_losses([*LOSSES, 8e8])
    scale = axis.encoding(alt.Y, "value").to_dict()["scale"]
    assert scale == {"domain": [axis.low, axis.high], "nice": False, "type": "linear"}


# --- counts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (1, 3, [1, 2, 3]),
        (1, 10, list(range(1, 11))),
        (1, 12, [2, 4, 6, 8, 10, 12]),
        (0, 100, [0, 20, 40, 60, 80, 100]),
        (7, 7, [7]),
        (1, 12_000, [2000, 4000, 6000, 8000, 10_000, 12_000]),
    ],
)
def test_what_is_counted_has_whole_ticks(low: float, high: float, ticks: list[int]) -> None:
    assert whole_ticks(low, high) == ticks


def test_one_epoch_is_an_axis_too() -> None:
    made = whole_axis("epoch", "epoch", pd.Series([1, 1])).to_dict()
    assert made["axis"]["values"] == [1]
    assert made["scale"]["domain"] == [0.5, 1.5]


# --- parameters -----------------------------------------------------------------------------------


def test_the_axis_of_a_parameter_shows_all_that_is_searched() -> None:
    spec = spec_of(OPTIMIZERS.replace("hidden: [4]", "hidden: [4], dropout: {min: 0.1, max: 0.6}"))
    trials = [trial(spec, "sgd", 0, 0.9, params={"model.dropout": 0.3})]
    axis = number_axis(study(spec, trials), "model.dropout", [0.3], log=False)
    assert (axis.low, axis.high, axis.integer) == (0.1, 0.6, False)
    assert parameter_encoding(axis, alt.X, "x").to_dict()["scale"]["domain"] == [0.1, 0.6]


def test_whole_parameters_have_whole_ticks() -> None:
    spec = spec_of(OPTIMIZERS.replace("hidden: [4]", "hidden: [{min: 4, max: 64}]"))
    name = next(n for n, _ in spec.arms[0].space.parameters() if n.startswith("model.hidden"))
    axis = number_axis(study(spec, []), name, [], log=False)
    assert axis.integer
    ticks = parameter_encoding(axis, alt.X, "x").to_dict()["axis"]["values"]
    assert ticks == [10, 20, 30, 40, 50, 60]


def test_a_single_value_has_an_axis_on_both_sides_of_it() -> None:
    for log in (False, True):
        axis = number_axis(study(spec_of(), []), "no such parameter", [4.0], log=log)
        assert 0 < axis.low < 4 < axis.high


def test_axes_of_random_values_hold_the_best_and_most_of_the_others() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        values = rng.lognormal(0, rng.uniform(0, 3), rng.integers(1, 60))
        axis = of_losses(list(values))
        assert axis.low < values.min() < axis.high
        assert axis.beyond(pd.Series(values)).mean() <= 0.5
