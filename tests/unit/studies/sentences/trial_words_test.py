"""What is said of a trial beside others, and what can be done about one that did not complete."""

import re
from dataclasses import replace

import pytest

from studies.records import Outcome, Trial
from studies.results import StudyResults
from studies.sentences.trial_words import Standing, same_configuration, standing, way_on
from tests.support.made import OPTIMIZERS, confirmed, searched, spec_of, study, trial

RESET = "`fairtune reset made --failed --home nowhere`"
RUN = "`fairtune run made --home nowhere`"


@pytest.fixture(scope="module")
def results() -> StudyResults:
    """Searches of four trials, adam's winner on three fresh seeds, and a trial that diverged."""
    spec = spec_of(OPTIMIZERS)
    trials = searched(spec, {"sgd": 0.93, "adam": 0.98})
    winner = next(each for each in trials if each.arm == "adam" and each.value == 0.98)
    fresh = [
        replace(each, config_hash=winner.config_hash)
        for each in confirmed(spec, "adam", [0.9, 0.91, 0.92])
    ]
    lost = trial(spec, "adam", 9, None, lr=5.0, outcome=Outcome.diverged)
    return study(spec, [*trials, *fresh, lost])


def of(results: StudyResults, **wanted: object) -> Trial:
    return next(
        t for t in results.trials if all(getattr(t, n) == value for n, value in wanted.items())
    )


def test_a_trial_has_a_rank_among_its_own_search_with_its_neighbours(results: StudyResults) -> None:
    ranked = [t.key for t in results.ranked(results.searched("adam", 1))]
    best, second, last = (of(results, key=ranked[at]) for at in (0, 1, -1))
    of_four = "of 4 completed trials of its search of adam"
    assert standing(results, best) == Standing(f"1st {of_four}", "", ranked[1])
    assert standing(results, second) == Standing(f"2nd {of_four}", ranked[0], ranked[2])
    assert standing(results, last) == Standing(f"4th {of_four}", ranked[-2], "")


def test_what_did_not_complete_or_is_no_trial_of_a_search_has_no_rank(
    results: StudyResults,
) -> None:
    for wanted in ({"outcome": Outcome.diverged}, {"phase": "confirm"}):
        assert standing(results, of(results, **wanted)) == Standing("")


def test_a_configuration_is_found_with_its_runs_on_fresh_seeds(results: StudyResults) -> None:
    winner = of(results, arm="adam", value=0.98)
    fresh = [each.key for each in results.trials if each.phase == "confirm"]
    assert same_configuration(results, winner) == fresh
    assert same_configuration(results, of(results, key=fresh[1])) == [winner.key]
    assert same_configuration(results, of(results, outcome=Outcome.diverged)) == []


def ended(results: StudyResults, outcome: Outcome) -> str:
    return way_on(results, replace(of(results, arm="adam"), outcome=outcome))


def test_what_can_be_done_about_each_outcome(results: StudyResults) -> None:
    for outcome in (Outcome.error, Outcome.crashed, Outcome.out_of_memory):
        said = ended(results, outcome)
        assert said.endswith(
            f"{RESET} then queues the failed trials of all arms again, and {RUN} trains them"
        )
    assert ended(results, Outcome.interrupted) == f"{RUN} continues it where it was"
    assert RESET in ended(results, Outcome.timeout)
    assert "--set trainer.trial_timeout=7200`" in ended(results, Outcome.timeout)
    assert ended(results, Outcome.pruned).startswith("Nothing is wrong")
    assert ended(results, Outcome.completed) == ""
    assert way_on(results, replace(of(results, arm="adam"), outcome=None)) == ""


def test_every_command_is_whole(results: StudyResults) -> None:
    for outcome in Outcome:
        for command in re.findall(r"`(fairtune [^`]*)`", ended(results, outcome)):
            assert command.count("--home nowhere") == 1 and "..." not in command


def test_a_trial_that_diverged_is_told_by_its_rate(results: StudyResults) -> None:
    said = way_on(results, of(results, outcome=Outcome.diverged))
    assert said == (
        "This is its result, and no command trains it again. A study whose range of optimizer.lr "
        "ends at 0.05 loses fewer trials"
    )
    low = replace(of(results, arm="adam"), outcome=Outcome.diverged)
    assert "is not above the largest that completed (0.05)" in way_on(results, low)


@pytest.mark.parametrize(
    ("number", "word"), [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (21, "21st")]
)
def test_a_rank_is_an_ordinal(number: int, word: str) -> None:
    spec = spec_of(OPTIMIZERS)
    trials = [trial(spec, "adam", n, 1 - n / 100) for n in range(30)]
    found = standing(study(spec, trials), trials[number - 1])
    assert found.words.partition(" ")[0] == word
