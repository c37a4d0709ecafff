"""Why there is no verdict is said once: with the arms, or as missing where none was run."""

from dataclasses import replace

from studies.analysis import compare
from studies.sentences.verdict_sentences import summary
from tests.support.arms_made import TWO_ARMS, arms_study

TWO_REPEATS = TWO_ARMS.replace("repeats: 6", "repeats: 2")
VALUES = {"adam": [0.95, 0.96], "sgd": [0.93, 0.94]}


def test_arms_that_were_compared_have_their_reason_in_the_headline() -> None:
    found = compare(arms_study(VALUES, TWO_REPEATS))
    reason = f"no verdict: {found.design.why_none}"
    assert [said for said in summary(found) if found.design.why_none in said] == [reason]


def test_a_lost_repeat_is_no_reason_to_say_it_again() -> None:
    found = compare(arms_study({"adam": [0.95, 0.96], "sgd": [None, None]}, TWO_REPEATS))
    assert sum(found.design.why_none in said for said in summary(found)) == 1


def test_arms_without_fresh_runs_have_their_reason_among_what_is_missing() -> None:
    made = arms_study(VALUES, TWO_REPEATS)
    searched = replace(made, trials=made.search)
    found = compare(searched)
    assert found.design.why_none
    assert f"no verdict: {found.design.why_none}" in found.missing
