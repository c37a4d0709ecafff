"""Why trials failed, and what they have in common."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from studies.analysis.failure_causes import separations


def apart(failed: list[dict[str, object]], worked: list[dict[str, object]]) -> list[str]:
    return list(separations(failed, worked))


def test_rates_above_all_that_worked_are_named() -> None:
    failed = [{"optimizer.lr": lr} for lr in (1.5, 2.0, 4.0)]
    worked = [{"optimizer.lr": lr} for lr in (0.01, 0.05, 0.1, 0.2, 0.26, 0.02)]
    assert apart(failed, worked) == ["all had optimizer.lr >= 1.5, the largest that worked is 0.26"]


def test_rates_below_all_that_worked_are_named() -> None:
    failed = [{"optimizer.lr": lr} for lr in (1e-9, 1e-8, 1e-7)]
    worked = [{"optimizer.lr": lr} for lr in (0.01, 0.05, 0.1, 0.2, 0.26, 0.02)]
    assert apart(failed, worked) == [
        "all had optimizer.lr <= 1e-07, the smallest that worked is 0.01"
    ]


def test_a_choice_with_which_nothing_worked_is_named() -> None:
    failed = [{"activation": "none", "lr": lr} for lr in (0.1, 0.2, 0.3, 0.4)]
    worked = [{"activation": "relu", "lr": lr} for lr in (0.15, 0.25, 0.35, 0.05, 0.45)]
    assert apart(failed, worked) == ["all had activation = none, with which none worked"]


def test_one_failure_among_few_says_nothing() -> None:
    """Of ten trials one would have the largest rate in any case."""
    worked = [{"optimizer.lr": 0.01 * number} for number in range(1, 10)]
    assert apart([{"optimizer.lr": 1.5}], worked) == []


def test_overlapping_values_say_nothing() -> None:
    failed = [{"lr": lr} for lr in (0.1, 1.5, 2.0)]
    worked = [{"lr": lr} for lr in (0.01, 0.05, 0.2, 0.3, 0.26, 0.02)]
    assert apart(failed, worked) == []


def test_a_parameter_that_some_failed_trials_have_not_says_nothing() -> None:
    failed = [{"lr": 1.5, "momentum": 0.9}, {"lr": 2.0}, {"lr": 3.0}]
    worked = [{"lr": 0.1, "momentum": 0.1} for _ in range(8)]
    assert apart(failed, worked) == ["all had lr >= 1.5, the largest that worked is 0.1"]


def test_nothing_is_said_where_nothing_worked() -> None:
    assert apart([{"lr": 1.5}] * 9, []) == []


@given(st.lists(st.floats(0, 1), min_size=8, max_size=8, unique=True))
def test_what_is_said_holds_of_every_trial(values: list[float]) -> None:
    failed, worked = values[:4], values[4:]
    said = apart([{"lr": value} for value in failed], [{"lr": value} for value in worked])
    assert bool(said) == (min(failed) > max(worked) or max(failed) < min(worked))
