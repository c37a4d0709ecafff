"""Why trials failed, in sentences that say no more than is true."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studies.analysis.failure_causes import Beyond, beyond_what_worked, failure_causes
from studies.records import Outcome, Trial
from studies.sentences.failure_words import beyond_words, cause_words
from tests.support.made import OPTIMIZERS, spec_of, study, trial

SPEC = spec_of(OPTIMIZERS)
positive = st.floats(1e-12, 1e12)


def searched(rates: dict[float, Outcome | None]) -> list[Trial]:
    """Trials of adam with these learning rates, which ended so; None for one that runs."""
    return [
        replace(
            trial(SPEC, "adam", number, 0.9, lr=rate, outcome=outcome or Outcome.interrupted),
            outcome=outcome,
        )
        for number, (rate, outcome) in enumerate(rates.items())
    ]


WORKED = dict.fromkeys((0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.255, 0.26), Outcome.completed)
LOST = dict.fromkeys((1.5, 2.0, 4.0, 5.0, 8.0, 13.0), Outcome.diverged)


def beyond(rates: dict[float, Outcome | None], rate: float = 13.0) -> list[str]:
    trials = searched(rates)
    one = next(each for each in trials if each.params["optimizer.lr"] == rate)
    return [beyond_words(each) for each in beyond_what_worked(study(SPEC, trials), one)]


def test_a_cause_is_told_with_its_parameters() -> None:
    (cause,) = failure_causes(study(SPEC, searched({**WORKED, **LOST})))
    assert cause_words(cause) == (
        "6 of 14 diverged; all had optimizer.lr >= 1.5, the largest that worked is 0.26"
    )


def test_a_rate_is_told_by_how_many_times_it_is_above_what_worked() -> None:
    said = "optimizer.lr 13: 50 times above the largest that worked, 0.26"
    assert beyond({**WORKED, **LOST}) == [f"{said}. All 6 trials above that failed"]
    assert beyond({**WORKED, 13.0: Outcome.error}) == [said]


@pytest.mark.parametrize("outcome", [Outcome.interrupted, None])
def test_nothing_is_said_where_a_trial_above_has_not_failed(outcome: Outcome | None) -> None:
    assert beyond({**WORKED, **LOST, 9.0: outcome}) == []


def test_nothing_is_said_of_a_rate_among_those_that_worked_or_where_none_did() -> None:
    assert beyond({**WORKED, 0.15: Outcome.diverged}, 0.15) == []
    assert beyond(dict(LOST)) == []
    assert beyond({**WORKED, **LOST}, 0.26) == []  # it worked


def test_a_parameter_that_chance_may_have_set_apart_is_not_named() -> None:
    def named(count: int) -> list[str]:
        trials = [
            replace(each, params={**each.params, "dropout": 0.1 * (each.number + 1)})
            for each in [
                replace(each, number=number)
                for number, each in enumerate(searched({**WORKED, **LOST})[: 8 + count])
            ]
        ]
        found = beyond_what_worked(study(SPEC, trials), trials[-1])
        return [each.name for each in found]

    assert named(1) == ["optimizer.lr"]
    assert named(6) == ["optimizer.lr", "dropout"]


@given(positive, positive, st.integers(1, 9))
def test_no_ratio_is_larger_than_it_is(value: float, limit: float, failed: int) -> None:
    if value == limit:
        return
    found = Beyond("lr", value, limit, value > limit, failed)
    said = beyond_words(found)
    ratio = max(value, limit) / min(value, limit)
    told = re.search(r": ([\d,.e+]+) times", said)
    if told is None:
        assert ratio < 1.1
        assert ": slightly " in said
    else:
        assert 0.9 * ratio <= float(told[1].replace(",", "")) <= ratio * (1 + 1e-6)
    assert ("above the largest" in said) == (value > limit)
    assert ("All" in said) == (failed > 1)


@given(st.floats(0, 1e300), st.floats(-1e300, 0))
def test_of_numbers_that_have_no_ratio_none_is_told(value: float, limit: float) -> None:
    said = beyond_words(Beyond("shift", value, limit, True, 1))
    assert " times " not in said
    assert ": above the largest that worked, " in said
