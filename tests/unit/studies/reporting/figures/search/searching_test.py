"""What every search found for its budget."""

from studies.analysis.curves import curves
from studies.reporting.figures.points import results_of_search
from studies.reporting.figures.search.searching import history_info, searches_info
from tests.support.states import states

STATES = states()


def test_every_search_has_a_line_and_every_arm_a_median() -> None:
    results = STATES["arms"]
    info = searches_info(results, curves(results), ["adam", "sgd"])
    assert set(info.data["arm"]) == {"adam", "sgd"}
    assert set(info.data["search"]) == {"median", *(f"search {n}" for n in range(1, 7))}
    assert "each on validation of its own split" in info.caption


def test_one_search_is_shown_without_the_rows_of_the_others() -> None:
    one = results_of_search(STATES["arms"], 2)
    assert {(trial.repeat, trial.split) for trial in one.search} == {(2, 1002)}
    info = history_info(one, "val/accuracy", "maximize", ["adam"])
    assert len(info.data) == 4
