"""What a study found, on one card."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import pytest

from studies.analysis import compare
from studies.reporting.answer import answer
from studies.reporting.content import report
from studies.statistics import Interval
from studies.study_file import Spec
from tests.support.made import spec_of, study
from tests.support.states import ARMS, Repeated, repeats_of, states

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


def sentence_of(spec: Spec, value: Repeated) -> str:
    results = study(spec, repeats_of(spec, value))
    return report(results, compare(results)).answer.sentence


AGAINST = spec_of(ARMS.replace("claim: arms", "claim: arms, against: sgd"))


def mixed(arm: int, repeat: int, number: int) -> float:
    """Only the last arm is better; the others are now better and now worse."""
    return 0.5 + 0.2 * (arm == 2) + 0.03 * (-1) ** repeat * arm + 1e-4 * number


def level_arms(arm: int, repeat: int, number: int) -> float:
    """No arm is better: each is now ahead and now behind."""
    return 0.5 + 0.03 * (-1) ** repeat * arm + 1e-4 * number


def test_a_winner_against_a_reference_has_its_distance_and_interval() -> None:
    said = sentence_of(AGAINST, mixed)
    assert said.startswith("Better than sgd: adam, when each is tuned with 4 trials")
    assert re.search(
        r"; adam by \d+\.\d+ points \(95 % interval \d[\d.]* to [\d.]+\) over sgd\.$", said
    )


def test_where_nothing_is_decided_the_largest_difference_is_told_with_its_interval() -> None:
    for spec in (AGAINST, spec_of(ARMS)):
        said = sentence_of(spec, level_arms)
        assert said.startswith("No arm is detectably better")
        told = (
            r"; the largest difference observed: \w+ by [\d.]+ points \(95 % interval -[\d.]+ to "
        )
        assert re.search(told, said), said
