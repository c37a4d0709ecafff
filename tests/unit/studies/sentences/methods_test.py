"""How a study was made, in the words of its report."""

from dataclasses import replace

from studies.analysis import compare
from studies.results import StudyResults
from studies.results.study_results import Look
from studies.sentences.methods import methods
from tests.support.states import states

STATES = states()
USED = "The arm whose configuration is to be used is the one with the best mean on the test parts."


def paragraph(results: StudyResults, heading: str) -> str:
    return dict(methods(results, compare(results)))[heading]


def test_rows_that_every_repeat_divides_anew_are_called_so() -> None:
    results = replace(STATES["arms"], redrawn=("train", "validation", "test"))
    assert "divided anew in every repeat (the first with seed 0), the same for all arms" in (
        paragraph(results, "Data")
    )
    assert "divided with seed 0, the same for all arms" in paragraph(STATES["finished"], "Data")


def test_the_one_choice_by_the_test_parts_is_told() -> None:
    assert paragraph(STATES["arms"], "Data").endswith(USED)
    for state in ("finished", "arms on one split", "arms at a budget"):
        assert USED not in paragraph(STATES[state], "Data")


def test_of_a_search_that_is_read_at_a_budget_every_draw_has_a_seed_of_its_own() -> None:
    said = paragraph(STATES["arms at a budget"], "Confirmation")
    assert said.startswith(
        "Then the best 8 draws of every arm trained again, each on 1 fresh seed of its own; these"
    )
    statistics = paragraph(STATES["arms at a budget"], "Statistics")
    assert "One random search of 20 matched trials" in statistics
    assert "repeats" not in statistics
    assert "Below 4 repeats there is no verdict" in paragraph(STATES["arms"], "Statistics")


def test_what_changed_between_two_looks_is_named() -> None:
    results = STATES["arms"]
    more = replace(results, looks=[Look(4, 4, None, 1)])
    assert "extended after a verdict (searches of each arm from 4 to 6), so" in (
        paragraph(more, "Statistics")
    )
    longer = replace(results, looks=[Look(6, 2, None, 1)])
    assert "after a verdict (trials of a search from 2 to 4), so" in (
        paragraph(longer, "Statistics")
    )
