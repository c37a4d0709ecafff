"""Ranges of trials, as an address tells them."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as some

from studies.reporting.within import (
    ChoiceRange,
    NumberRange,
    outward,
    read_ranges,
    results_within,
)
from tests.support.arms_made import TWO_ARMS, arms_study

TEXT = TWO_ARMS.replace("hidden: [4]", "hidden: {values: [[4], [8, 8]]}")
MADE = arms_study({"sgd": [0.9, 0.8], "adam": [0.7, 0.6]}, TEXT)
METRICS = ("val/accuracy",)
NUMBERS = some.floats(-1e30, 1e30).filter(lambda value: value == 0 or abs(value) > 1e-30)


@given(NUMBERS, NUMBERS)
def test_a_range_is_read_as_it_was_written_and_rounding_loses_nothing(a: float, b: float) -> None:
    low, high = outward(min(a, b), max(a, b))
    slack = 1e-11 * max(abs(a), abs(b))
    assert low <= min(a, b) + slack and high >= max(a, b) - slack
    written = NumberRange("optimizer.lr", low, high)
    assert read_ranges([written.text], MADE, METRICS) == ((written,), 0)


def test_choices_may_hold_what_separates_them() -> None:
    written = ChoiceRange("model.hidden", ("[8, 8]",))
    assert written.text == "model.hidden:[8%2C 8]"
    assert read_ranges([written.text], MADE, METRICS) == ((written,), 0)


@pytest.mark.parametrize(
    "text",
    [
        "", ":", "optimizer.lr", "optimizer.lr:", "optimizer.lr:1", "optimizer.lr:nan:1",
        "optimizer.lr:0:1e999", "optimizer.lr:2:1", "optimizer.lr:0.1:0.2:0.3",
        "<b>optimizer.lr</b>:0:1", "nobody:0:1", "model.hidden:0:1", "model.hidden:[9]",
        "test/accuracy:0:1", "optimizer.lr:<script>:1",
    ],
)  # fmt: skip
def test_nonsense_is_counted_and_ignored(text: str) -> None:
    known = NumberRange("val/accuracy", 0.5, 1.0, metric=True)
    assert read_ranges([text, known.text], MADE, METRICS) == ((known,), 1)


@given(some.text())
def test_no_text_breaks_the_reading(text: str) -> None:
    ranges, wrong = read_ranges([text], MADE, METRICS)
    assert len(ranges) + wrong == 1


def test_a_trial_without_the_parameter_or_a_finite_value_lies_outside() -> None:
    trial = MADE.search[0]
    lr = NumberRange("optimizer.lr", 0.0, 1.0)
    assert replace(trial, params={"optimizer.lr": 0.5}) in lr
    assert replace(trial, params={}) not in lr
    assert replace(trial, params={"optimizer.lr": True}) not in lr
    accuracy = NumberRange("val/accuracy", 0.0, 1.0, metric=True)
    assert replace(trial, best={"val/accuracy": math.nan}, test={}) not in accuracy


def test_all_ranges_must_hold_and_none_keeps_all() -> None:
    rates = sorted(trial.params["optimizer.lr"] for trial in MADE.search)
    low = NumberRange("optimizer.lr", rates[1], rates[-2])
    good = NumberRange("val/accuracy", 0.75, 1.0, metric=True)
    kept = results_within(MADE, (low, good)).search
    assert kept == [trial for trial in MADE.search if trial in low and trial in good]
    assert 0 < len(kept) < len(results_within(MADE, (low,)).search) < len(MADE.search)
    assert results_within(MADE, ()) is MADE
