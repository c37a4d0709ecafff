"""How the winners learn, and what they do on rows that they have not seen."""

import math

import pytest

from studies.reporting.figures.training.learning import learning_info
from studies.reporting.figures.training.overfitting import gap_info, overfitting_info
from studies.reporting.figures.training.winners import winner_trainings
from studies.results import StudyResults
from tests.support.made import searched as search
from tests.support.made import spec_of, study, trial
from tests.support.states import states

SPEC = spec_of()
STATES = states()


def trained(*curves: dict[int, float]) -> StudyResults:
    best = trial(SPEC, "sgd", 0, 0.9, curve={1: 0.9})
    runs = [
        trial(SPEC, "sgd", i, 0.9, phase="confirm", seed=i + 1, curve=curve)
        for i, curve in enumerate(curves)
    ]
    return study(SPEC, [best, *runs])


def test_winners_of_all_searches_stand_for_an_arm() -> None:
    results = STATES["arms"]
    assert [trial.repeat for trial in winner_trainings(results, "adam")] == [1, 2, 3, 4, 5, 6]
    info = learning_info(results, "val/accuracy", {}, ["adam"])
    assert info.caption.startswith(
        "The winners of all searches of each arm, each on its own split, 6 trainings"
    )


def test_learning_curves_are_medians_between_the_lowest_and_the_highest_seed() -> None:
    results = trained({1: 0.1, 2: 0.4}, {1: 0.2, 2: 0.5}, {1: 0.6})
    info = learning_info(results, "val/accuracy", {}, ["sgd"])
    assert list(info.data["epoch"]) == [1, 2]
    assert list(info.data["low"]) == [0.1, 0.4]
    assert list(info.data["median"]) == [0.2, 0.45]
    assert list(info.data["high"]) == [0.6, 0.5]
    assert "3 seeds" in info.caption


def test_the_axis_of_learning_curves_leaves_out_a_bad_beginning() -> None:
    curve = {1: 0.1, 2: 0.8, 3: 0.85, 4: 0.9}
    axis = learning_info(trained(curve), "val/accuracy", {}, ["sgd"]).axis
    assert (axis.low, axis.high) == pytest.approx((0.795, 0.905))


def test_another_metric_than_the_objective_comes_from_the_histories() -> None:
    results = trained({1: 0.1}, {1: 0.2})
    runs = [run.key for run in winner_trainings(results, "sgd")]
    histories = {run: {"val/loss": {1: 2.0 + i}} for i, run in enumerate(runs)}
    info = learning_info(results, "val/loss", histories, ["sgd"])
    assert list(info.data["median"]) == [2.5]


def test_without_fresh_seeds_the_best_trial_of_the_search_stands_for_an_arm() -> None:
    results = study(SPEC, search(SPEC, {"sgd": 0.6}))
    assert [trial.key for trial in winner_trainings(results, "sgd")] == ["sgd-search-3"]
    assert winner_trainings(results, "adam") == []


def test_overfitting_has_a_median_for_each_part() -> None:
    results = trained({1: 0.1}, {1: 0.2})
    runs = [run.key for run in winner_trainings(results, "sgd")]
    histories = {run: {"train/accuracy": {1: 0.5 + 0.1 * i}} for i, run in enumerate(runs)}
    info = overfitting_info(results, "val/accuracy", histories, ["sgd"])
    parts = info.data.set_index("part")["median"]
    assert dict(parts) == pytest.approx({"training": 0.55, "validation": 0.15})


def test_the_gap_is_training_minus_validation_of_each_seed() -> None:
    runs = [
        trial(SPEC, "sgd", i, 0.9, phase="confirm", best={"train/accuracy": t, "val/accuracy": v})
        for i, (t, v) in enumerate([(1.0, 0.9), (0.9, 0.6), (0.9, math.nan)])
    ]
    results = study(SPEC, [trial(SPEC, "sgd", 0, 0.9), *runs])
    info = gap_info(results, "val/accuracy", ["sgd"])
    assert list(info.data["gap"]) == pytest.approx([0.1, 0.3])
    assert list(info.data["mean"]) == pytest.approx([0.2, 0.2])
    assert list(info.data["written"]) == ["+10.00 points", "+30.00 points"]
