"""What is said of trials that ran with several versions of the code."""

from dataclasses import replace

from studies.records import Outcome, Search
from studies.results import mixed_code
from studies.results.code_versions import code_versions
from tests.support.record_made import trial_of

SEARCH = Search(1, "kept", "adam", 1, "search", None, "minimize")
DONE = replace(trial_of(SEARCH), outcome=Outcome.completed)


def test_one_version_is_not_worth_a_word() -> None:
    codes = code_versions([replace(DONE, code="v1"), replace(DONE, code="v1")])
    assert codes == {"v1": {"adam": 2}} and mixed_code(codes) == []
    assert mixed_code({}) == []


def test_two_versions_are_told_with_the_trials_of_each_arm() -> None:
    two = [DONE, replace(DONE, code="a" * 16, arm="sgd"), replace(DONE, code="a" * 16)]
    (said,) = mixed_code(code_versions(two))
    assert "2 versions of the code (no own code: adam 1; aaaaaaaa: sgd 1, adam 1)" in said


def test_trials_that_have_not_ended_do_not_count() -> None:
    open_ones = [replace(DONE, code="v2", outcome=each) for each in (None, Outcome.interrupted)]
    assert code_versions([replace(DONE, code="v1"), *open_ones]) == {"v1": {"adam": 1}}


def test_without_arms_trials_are_counted() -> None:
    codes = code_versions([replace(DONE, code=code, arm="") for code in ("v1", "v2", "v2")])
    assert "(v1: 1 trial; v2: 2 trials)" in mixed_code(codes)[0]
