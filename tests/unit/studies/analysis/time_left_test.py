"""How long a study still takes, from what its trials took."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studies.analysis.time_left import time_left
from studies.records import Outcome
from studies.results import StudyResults
from studies.study_file import confirm_seeds
from tests.support.made import OPTIMIZERS, spec_of, study, trial

SPEC = spec_of()


def begun(ended: int, *, at_once: int = 1, confirmed: int = 0) -> StudyResults:
    """A study whose trials took two seconds each, so many of them side by side."""
    trials = [trial(SPEC, "sgd", number, 0.5) for number in range(ended)]
    trials += [trial(SPEC, "sgd", n, 0.5, phase="confirm", seed=n) for n in range(confirmed)]
    made = study(SPEC, trials, finished=False)
    return replace(made, seconds=2.0 * len(trials) / at_once)


def test_nothing_is_known_before_a_trial_has_ended() -> None:
    left = time_left(begun(0))
    assert left.search is None and left.confirmation is None


@given(st.integers(1, 10), st.integers(1, 4))
def test_what_is_left_takes_as_long_as_what_was_done(ended: int, at_once: int) -> None:
    results = begun(ended, at_once=at_once)
    assert results.planned is not None
    left = time_left(results)
    side_by_side = min(at_once, ended * 2.0 / results.seconds)
    assert left.search == pytest.approx(2.0 * (results.planned - ended) / side_by_side)


def test_the_fresh_seeds_come_after_the_search_and_count_down() -> None:
    searches = len(SPEC.arms) * SPEC.repeats
    planned = SPEC.design.top * confirm_seeds(SPEC) * searches
    assert time_left(begun(2)).confirmation == pytest.approx(2.0 * planned)
    assert time_left(begun(2, confirmed=3)).confirmation == pytest.approx(2.0 * (planned - 3))
    assert time_left(begun(2, confirmed=planned)).confirmation == 0


def test_without_a_completed_trial_the_fresh_seeds_are_not_known() -> None:
    failed = [trial(SPEC, "sgd", 0, None, outcome=Outcome.diverged)]
    results = replace(study(SPEC, failed, finished=False), seconds=2.0)
    assert time_left(results).confirmation is None


def test_without_confirmation_none_is_left() -> None:
    spec = replace(spec_of(OPTIMIZERS), confirm=None)
    results = replace(study(spec, [trial(spec, "sgd", 0, 0.5)], finished=False), seconds=2.0)
    assert time_left(results).confirmation == 0
