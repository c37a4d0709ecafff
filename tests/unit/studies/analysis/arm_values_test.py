"""What the repeats of a study found for an arm, on numbers that are known by hand."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from studies.analysis import compare
from studies.analysis.arm_values import arm_values, resolution_of, searched, values_at
from studies.records import Outcome, Trial
from studies.results import RepeatResult, StudyResults
from studies.results.repeat_results import ComparedPart
from tests.support.made import ARMS, confirmed, spec_of, study, trial

SPEC = spec_of(ARMS)
METRIC = "val/accuracy"


def draw(number: int, value: float | None, repeat: int = 1, **changes: Any) -> Trial:
    """A trial of the search; without a value it has diverged."""
    ended = Outcome.diverged if value is None else Outcome.completed
    made = trial(SPEC, "sgd", number, value, lr=0.01 * (number + 1), outcome=ended)
    key = f"sgd-r{repeat}-{number}"
    return replace(made, **{"number": number, "repeat": repeat, "key": key, **changes})


def results(*more: Trial) -> StudyResults:
    """A search of the defaults and of four draws, of which the third failed and two were run on
    fresh seeds; its trials have ended out of order."""
    trials = [draw(number, value) for number, value in enumerate([0.99, 0.6, 0.9, None, 0.8])]
    fresh = confirmed(SPEC, "sgd", [0.84, 0.88, None], lr=0.03)
    fresh += confirmed(SPEC, "sgd", [0.82], lr=0.05)
    return study(SPEC, [*reversed(trials), *fresh, *more])


def test_a_search_is_its_draws_by_number_without_the_defaults_and_the_means_of_fresh_seeds() -> (
    None
):
    cut = draw(5, None, outcome=Outcome.interrupted)
    found = searched(results(cut), "sgd", 1, METRIC, logarithms=False)
    np.testing.assert_array_equal(found.search, [0.6, 0.9, math.nan, 0.8])
    assert found.confirmed == {1: pytest.approx(0.86), 3: pytest.approx(0.82)}
    assert found.losses is not None
    np.testing.assert_allclose(found.losses, [0.4, 0.1, math.inf, 0.2])


def test_logarithms_are_taken_before_the_mean_over_fresh_seeds() -> None:
    found = searched(results(), "sgd", 1, METRIC, logarithms=True)
    assert found.search[0] == math.log(0.6)
    assert found.confirmed[1] == pytest.approx(math.log(0.84 * 0.88) / 2)


def test_a_repeat_is_worth_what_so_many_of_its_trials_find_and_is_lost_where_all_failed() -> None:
    failed = [draw(number, None, repeat=2) for number in range(1, 5)]
    made = results(*failed)
    rows = {n: RepeatResult("sgd", n, None, [], is_complete=False) for n in (1, 2)}
    design = replace(compare(made).design, logarithms=False)
    whole = values_at(made, rows, METRIC, "maximize", replace(design, at=4))
    assert whole.values == {1: pytest.approx(0.86)}  # the best of all is always found
    assert whole.lost == {2}
    beyond = values_at(made, rows, METRIC, "maximize", replace(design, at=5))
    assert (beyond.values, beyond.lost) == ({}, frozenset())


def test_only_the_first_repeats_count_and_their_seeds_are_averaged() -> None:
    winner = trial(SPEC, "sgd", 1, 0.9)
    rows = {
        1: RepeatResult("sgd", 1, winner, [], True, {1: 0.4, 3: 0.9}),
        2: RepeatResult("sgd", 2, None, [], is_complete=True),
        3: RepeatResult("sgd", 3, winner, [], True, {1: 0.5}),
        4: RepeatResult("sgd", 4, None, [], is_complete=True),
    }
    found = arm_values(rows, 2, logarithms=False)
    assert (found.values, found.lost) == ({1: 0.65}, {2})
    found = arm_values(rows, 3, logarithms=True)
    assert found.values == {1: pytest.approx(math.log(0.6)), 3: math.log(0.5)}
    assert found.lost == {2}


def test_the_resolution_of_a_share_is_one_row_of_the_smallest_part() -> None:
    runs = [replace(trial(SPEC, "sgd", 1, 0.9), rows={"test": rows}) for rows in (400, 250)]
    found = {"sgd": {1: RepeatResult("sgd", 1, runs[0], runs, is_complete=True)}}
    assert resolution_of(ComparedPart("test", "test/accuracy"), found) == 1 / 250
    assert resolution_of(ComparedPart("validation", METRIC), found) == 0
    assert resolution_of(ComparedPart("test", "test/loss"), found) == 0
