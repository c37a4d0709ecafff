"""What more repeats or seeds of a study would show."""

from __future__ import annotations

import math
from statistics import fmean

import pytest

from studies.analysis import Comparison, compare
from studies.analysis.budget_options import budget_options
from studies.reporting import tables
from studies.statistics import SECOND_LOOK_ALPHA
from studies.statistics.arm_power import detectable_gap
from tests.support.states import states

STATES = states()


def scatter(comparison: Comparison) -> float:
    return math.sqrt(fmean(pair.deviation**2 for pair in comparison.pairs))


def test_the_first_option_is_what_the_study_has() -> None:
    results = STATES["arms"]
    comparison = compare(results)
    first, *more = budget_options(results, comparison)
    assert (first.repeats, first.command, first.seconds) == (results.spec.repeats, "", 0.0)
    assert first.gap == pytest.approx(
        detectable_gap(scatter(comparison), first.repeats, pairs=len(comparison.pairs))
    )
    assert all(option.command for option in more)


def test_more_repeats_are_a_second_look_and_cost_their_training() -> None:
    results = STATES["arms"]
    comparison = compare(results)
    first, *more = budget_options(results, comparison)
    for option in more:
        assert option.gap == pytest.approx(
            detectable_gap(
                scatter(comparison),
                option.repeats,
                alpha=SECOND_LOOK_ALPHA,
                pairs=len(comparison.pairs),
            )
        )
        assert f"search.repeats={option.repeats}" in option.command
        trained = sum(trial.seconds for trial in results.search)
        trained += sum(trial.seconds for trial in results.ended if trial.phase == "confirm")
        share = option.repeats / first.repeats - 1
        assert option.seconds == pytest.approx(trained * share)


def test_a_study_that_is_not_finished_or_claims_nothing_about_arms_has_no_options() -> None:
    for name in ("arms half way", "finished", "one arm", "nothing compared", "arms at a budget",
                 "arms after the first look"):  # fmt: skip
        assert budget_options(STATES[name], compare(STATES[name])) == [], name


def test_differences_of_logarithms_are_told_in_percent() -> None:
    results = STATES["arms by losses"]
    table = tables.budget_table(results, compare(results))
    assert table.rows
    assert all("%" in row[2] for row in table.rows)


def test_every_difference_shown_is_finite() -> None:
    for name, results in STATES.items():
        for option in budget_options(results, compare(results)):
            assert math.isfinite(option.gap), name


def test_a_study_that_gave_no_verdict_yet_has_its_first_look_before_it() -> None:
    results = STATES["arms without a verdict"]
    comparison = compare(results)
    first = budget_options(results, comparison)[0]
    assert first.repeats == 4
    assert first.gap == pytest.approx(
        detectable_gap(scatter(comparison), 4, pairs=len(comparison.pairs))
    )
