"""The figures of a comparison: their numbers, on studies whose numbers are known by hand."""

import math

import pytest

from studies.analysis import compare
from studies.records import Outcome
from studies.reporting.figures.comparison.differences import differences_info
from studies.reporting.figures.comparison.gains import gains_info
from studies.reporting.figures.comparison.pairs import draw_pairs, pairs_info
from studies.reporting.figures.comparison.ranking import ranking_info
from studies.reporting.figures.comparison.spending import cost_info, outcomes_info
from studies.reporting.figures.training.learning import learning_info
from studies.reporting.figures.training.overfitting import gap_info
from studies.results import StudyResults
from tests.support.made import confirmed, spec_of, study, trial
from tests.support.made import searched as search
from tests.support.states import states

SPEC = spec_of()
SEEDS = 9
STATES = states()


def compared() -> StudyResults:
    """adam is 0.2 better than sgd in every seed; momentum was never confirmed."""
    trials = search(SPEC, {"sgd": 0.6, "momentum": 0.5, "adam": 0.8})
    trials += confirmed(SPEC, "sgd", [0.50 + 0.01 * seed for seed in range(SEEDS)])
    trials += confirmed(SPEC, "adam", [0.70 + 0.01 * seed for seed in range(SEEDS)])
    return study(SPEC, trials)


def test_the_ranking_has_every_seed_and_the_mean_of_every_arm() -> None:
    results = compared()
    info = ranking_info(results, compare(results))
    assert info.order == ("adam", "sgd", "momentum")
    assert info.arms == ("sgd", "momentum", "adam")  # whose colours are those of the file
    adam = info.data[info.data["arm"] == "adam"]
    assert list(adam["unit"]) == [2 * i + 1 for i in range(SEEDS)]
    assert list(adam["value"]) == pytest.approx([0.70 + 0.01 * i for i in range(SEEDS)])
    assert list(adam["mean"]) == pytest.approx(SEEDS * [0.74])
    unconfirmed = info.data[info.data["arm"] == "momentum"].iloc[0]
    assert math.isnan(unconfirmed["value"])
    assert unconfirmed["search_best"] == 0.5
    assert info.confirmed
    assert info.caption.startswith("Small points: 9 fresh seeds for each of 3 arms.")


def test_without_fresh_seeds_the_ranking_says_that_it_is_optimistic() -> None:
    results = study(SPEC, search(SPEC, {"sgd": 0.6, "adam": 0.8}))
    info = ranking_info(results, compare(results))
    assert not info.confirmed
    assert info.order[:2] == ("adam", "sgd")
    assert "better than it would be again" in info.caption


def test_a_study_without_completed_trials_has_no_figures() -> None:
    failed = [trial(SPEC, "sgd", 0, None, outcome=Outcome.diverged)]
    for results in (study(SPEC, []), study(SPEC, failed)):
        comparison = compare(results)
        assert ranking_info(results, comparison).empty
        assert gains_info(results, comparison).empty
        assert pairs_info(comparison).empty
        assert learning_info(results, comparison.metric, {}, results.arms).empty
        assert gap_info(results, comparison.metric, results.arms).empty


def test_gains_are_the_default_the_found_and_the_confirmed_value() -> None:
    results = compared()
    info = gains_info(results, compare(results))
    sgd = info.data[info.data["arm"] == "sgd"].set_index("kind")["value"]
    assert dict(sgd) == pytest.approx({"defaults": 0.57, "found": 0.6, "confirmed": 0.54})
    assert "confirmed" not in set(info.data[info.data["arm"] == "momentum"]["kind"])
    assert "by 6.00 points on average" in info.caption  # 0.8 - 0.74 and 0.6 - 0.54


def test_the_matrix_is_row_minus_column_seen_from_both_sides() -> None:
    results = compared()
    info = pairs_info(compare(results))
    cells = info.data.set_index(["arm", "other"])
    assert len(cells) == 2  # momentum has no fresh seeds
    for arm, other, verdict, sign in (("adam", "sgd", "better", 1), ("sgd", "adam", "worse", -1)):
        cell = cells.loc[(arm, other)]
        assert cell["verdict"] == verdict
        assert cell["difference"] == pytest.approx(sign * 0.2)
        assert cell["low"] <= cell["difference"] <= cell["high"]
        assert cell["written"] == f"{sign * 20:+.2f}"
        assert cell["share_better"] == (1.0 if sign == 1 else 0.0)
    assert "1 of 1 pair decided" in info.caption


def test_of_one_search_of_each_arm_the_figures_speak_of_configurations() -> None:
    results = compared()
    comparison = compare(results)
    ranking, pairs = ranking_info(results, comparison), pairs_info(comparison)
    assert ranking.alt.startswith("Configurations found, by their mean: val/accuracy of 3 arms")
    assert "The order says nothing about the arms." in ranking.alt
    assert pairs.row == "the row's configuration is"
    assert "of the configurations found" in pairs.caption
    assert pairs.alt.startswith("Pairs of configurations")
    found = differences_info(comparison)
    assert list(found.data["value"]) == pytest.approx(SEEDS * [20.0])
    assert "To the right of zero the configuration found for the first is better." in found.caption


def test_of_repeated_searches_a_point_is_the_winner_of_one_on_its_own_split() -> None:
    results = STATES["arms"]
    comparison = compare(results)
    info = ranking_info(results, comparison)
    adam = info.data[info.data["arm"] == "adam"]
    assert list(adam["unit"]) == [1, 2, 3, 4, 5, 6]
    assert info.axis.metric == "test/accuracy"
    assert "on the test part of that search's own split" in info.caption
    assert gains_info(results, comparison).kinds == ("defaults", "found", "tested")
    assert pairs_info(comparison).row == "row is"
    assert set(pairs_info(comparison).data["units"]) == {6}


def test_differences_are_within_repeats_and_the_interval_is_that_of_the_verdict() -> None:
    comparison = compare(STATES["arms"])
    info = differences_info(comparison)
    first = info.data[info.data["pair"] == "adam − momentum"]
    a, b = (
        next(arm.confirmed for arm in comparison.arms if arm.arm == name)
        for name in ("adam", "momentum")
    )
    assert list(first["value"]) == pytest.approx([100 * (a[n] - b[n]) for n in range(1, 7)])
    interval = comparison.pairs[0].result.difference
    assert first["low"].iloc[0] == pytest.approx(100 * interval.low)
    assert "on equal rows and seeds" in info.caption


def test_errors_are_drawn_as_ratios() -> None:
    comparison = compare(STATES["arms by losses"])
    info, pairs = differences_info(comparison), pairs_info(comparison)
    assert info.ratios
    assert info.order[0] == "adam ÷ momentum"
    a, b = comparison.arms[0].confirmed, comparison.arms[1].confirmed
    assert list(info.data["value"][:6]) == pytest.approx([a[n] / b[n] for n in range(1, 7)])
    cells = pairs.data.set_index(["arm", "other"])["written"]
    assert (cells[("adam", "momentum")], cells[("momentum", "adam")]) == ("-27.5", "+37.9")
    assert pairs.caption.startswith("How many percent the row lies above the column")


def test_without_a_verdict_no_cell_has_one() -> None:
    info = pairs_info(compare(STATES["arms without a verdict"]))
    assert set(info.data["verdict"]) == {"no verdict"}
    assert info.caption.endswith("no verdict is given of any pair.")  # the answer says why
    assert draw_pairs(info).to_dict()["layer"][0]["encoding"]["color"]["scale"]["domain"] == [
        "no verdict"
    ]


def test_a_lost_repeat_is_no_point_and_its_arm_stays_in_the_matrix() -> None:
    results = STATES["arms that lost everything"]
    comparison = compare(results)
    assert "sgd" in pairs_info(comparison).order
    assert "sgd" not in " ".join(differences_info(comparison).order)
    lost = ranking_info(results, comparison).data.set_index("arm")["lost"]
    assert lost["sgd"] == 6


def test_outcomes_are_shares_of_the_search() -> None:
    made = [trial(SPEC, "sgd", i, 0.5) for i in range(3)]
    made.append(trial(SPEC, "sgd", 3, None, outcome=Outcome.diverged))
    results = study(SPEC, made)
    info = outcomes_info(results, compare(results))
    assert dict(zip(info.data["outcome"], info.data["share"], strict=True)) == {
        "completed": 0.75,
        "diverged": 0.25,
    }
    assert info.caption == "4 trials of the search, 1 of them failed."


def test_cost_counts_epochs_and_those_up_to_the_reference() -> None:
    results = compared()
    info = cost_info(results, compare(results))
    rows = info.data.set_index("arm")
    assert dict(rows["epochs"]) == {"adam": 40, "sgd": 40, "momentum": 40}
    assert rows.loc["adam", "minutes"] == pytest.approx(8 / 60)
    # the reference is momentum's 0.5, which its last trial reaches and all others at once
    assert dict(rows["epochs_to_reference"]) == {"adam": 10, "sgd": 10, "momentum": 40}
    assert info.caption.startswith("120 epochs in 24.0 s")
