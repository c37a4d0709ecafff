"""What a study found, on one card."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from studies.analysis import compare
from studies.reporting.answer import answer
from studies.reporting.content import report
from studies.statistics import Interval
from tests.support.states import states

STATES = states()


@pytest.mark.parametrize("state", STATES)
def test_every_state_has_a_sentence_and_a_command(state: str) -> None:
    results = STATES[state]
    found = report(results, compare(results)).answer
    assert found.sentence.endswith(".") and found.sentence[0] == found.sentence[0].strip()
    assert found.command.startswith("fairtune ")
    assert results.study in found.command
    assert bool(found.trial) == bool(results.ranking) == bool(found.file)
    assert len(found.parameters) <= 4


def test_the_best_of_several_arms_is_set_beside_the_one_that_comes_closest() -> None:
    results = STATES["arms"]
    found = report(results, compare(results)).answer
    assert found.sentence == (
        "adam is better than every other arm when each is tuned with 4 trials; momentum comes "
        "closest: by 10.00 points (95 % interval 9.50 to 10.50)."
    )
    assert (found.leader, found.metric) == ("adam", "test/accuracy")
    assert found.command == "fairtune promote made --home nowhere"


def test_configurations_are_not_called_arms() -> None:
    results = STATES["finished"]
    sentence = report(results, compare(results)).answer.sentence
    assert sentence.startswith("The configuration found for adam is better")
    assert "; the one found for momentum comes closest" in sentence


def test_without_a_verdict_the_card_has_the_command_that_leads_to_one() -> None:
    results = STATES["arms without a verdict"]
    found = report(results, compare(results)).answer
    assert found.sentence.startswith("No verdict: 2 searches of each arm")
    assert found.command == "fairtune run made --home nowhere --set search.repeats=6"


def test_a_study_under_way_is_continued_by_its_command() -> None:
    results = STATES["interrupted"]
    found = report(results, compare(results)).answer
    assert found.command == "fairtune run made --home nowhere"


def test_the_network_of_a_program_is_not_promoted() -> None:
    results = STATES["programs"]
    assert report(results, compare(results)).answer.command.startswith("fairtune best made")


def test_an_arm_that_came_to_nothing_is_no_number_away() -> None:
    comparison = compare(STATES["arms"])
    unknown = Interval(math.nan, math.nan, math.nan, "none")
    pairs = [
        replace(pair, result=replace(pair.result, difference=unknown)) for pair in comparison.pairs
    ]
    found = answer(STATES["arms"], replace(comparison, pairs=pairs), "adam is better.", [], None)
    assert found.sentence == "adam is better."
