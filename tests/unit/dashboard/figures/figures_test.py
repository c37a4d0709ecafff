"""The figures of a comparison: their numbers, on studies whose numbers are known by hand."""

import math
from dataclasses import replace

import numpy as np
import pytest

from dashboard.figures.common import colours, finite
from dashboard.figures.comparison.differences import differences_info
from dashboard.figures.comparison.gains import gains_info
from dashboard.figures.comparison.pairs import draw_pairs, pairs_info
from dashboard.figures.comparison.ranges import effect_info, searched_numbers, sensitivity
from dashboard.figures.comparison.ranking import ranking_info
from dashboard.figures.comparison.spending import cost_info, outcomes_info
from dashboard.figures.points import results_of_search
from dashboard.figures.search.searching import history_info, searches_info
from dashboard.figures.training.learning import learning_info
from dashboard.figures.training.overfitting import gap_info, overfitting_info
from dashboard.figures.training.rates import planned, rates_info, rates_of
from dashboard.figures.training.trials import curve_names, curves_info, defaults_of, study_file
from dashboard.figures.training.winners import winner_trainings
from lightning_modules.errors import UserError
from studies.analysis import compare
from studies.analysis.curves import curves
from studies.analysis.importance import importances
from studies.records import Outcome, Trial
from studies.reporting.figures import ArmStyle
from studies.reporting.palette import COLOURS
from studies.results import StudyResults
from tests.support.made import ARMS, confirmed, spec_of, study, trial
from tests.support.made import searched as search
from tests.support.states import KINDS, SCHEDULES, states, trials_of

SPEC = spec_of()
SEEDS = 9
STATES = states()


def compared() -> StudyResults:
    """adam is 0.2 better than sgd in every seed; momentum was never confirmed."""
    trials = search(SPEC, {"sgd": 0.6, "momentum": 0.5, "adam": 0.8})
    trials += confirmed(SPEC, "sgd", [0.50 + 0.01 * seed for seed in range(SEEDS)])
    trials += confirmed(SPEC, "adam", [0.70 + 0.01 * seed for seed in range(SEEDS)])
    return study(SPEC, trials)


def test_an_arm_has_the_same_colour_everywhere_and_colours_come_again() -> None:
    assert colours(["a", "b"]) == list(COLOURS[:2])
    assert colours([str(i) for i in range(9)])[7:] == list(COLOURS[:2])


def test_an_arm_has_the_same_colour_in_the_dashboard_and_in_a_report() -> None:
    arms = [str(index) for index in range(9)]
    style = ArmStyle(arms, "study")
    assert [style.colour(arm) for arm in arms] == colours(arms)


def test_no_axis_has_infinity() -> None:
    assert [finite(x) for x in (0.5, math.inf, -math.inf, math.nan, None)] == [0.5] + 4 * [None]


# --- comparing ------------------------------------------------------------------------------------


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
    assert info.metric == "test/accuracy"
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
    assert "no verdict is given of any pair: 2 searches of each arm cannot say" in info.caption
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


def test_a_parameter_counts_by_the_ranks_within_each_search_not_by_the_easiest_split() -> None:
    """The split moves values by far more than the learning rate; momentum does nothing."""
    arm = "momentum"
    spec = spec_of(
        ARMS.replace("name: momentum,", "name: momentum, momentum: {min: 0, max: 0.99},")
    )
    rng = np.random.default_rng(0)
    trials = [
        trial(
            spec,
            arm,
            number,
            repeat + 0.01 * rate,
            repeat=repeat,
            params={"optimizer.lr": 10 ** (-3 * (1 - rate)), "optimizer.momentum": 0.99 * other},
        )
        for repeat in range(1, 7)
        for number, (rate, other) in enumerate(rng.random((12, 2)))
    ]
    found = importances(study(spec, trials), arm)
    assert [row.parameter for row in found.parameters] == ["optimizer.lr", "optimizer.momentum"]
    assert found.parameters[0].share > max(0.9, found.parameters[0].by_chance)


def test_winners_of_all_searches_stand_for_an_arm() -> None:
    results = STATES["arms"]
    assert [trial.repeat for trial in winner_trainings(results, "adam")] == [1, 2, 3, 4, 5, 6]
    info = learning_info(results, "val/accuracy", {}, ["adam"])
    assert info.caption.startswith(
        "The winners of all searches of each arm, each on its own split, 6 trainings"
    )


def test_a_trial_is_compared_with_the_defaults_of_its_own_search_and_kept_on_its_split() -> None:
    results = STATES["arms"]
    third = next(t for t in results.search if (t.arm, t.repeat, t.number) == ("adam", 3, 0))
    assert (found := defaults_of(results, third)) and found.repeat == 3
    assert "split_seed: 1003" in study_file("made", third)


# --- spending -------------------------------------------------------------------------------------


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


# --- training -------------------------------------------------------------------------------------


def trained(*curves: dict[int, float]) -> StudyResults:
    best = trial(SPEC, "sgd", 0, 0.9, curve={1: 0.9})
    runs = [
        trial(SPEC, "sgd", i, 0.9, phase="confirm", seed=i + 1, curve=curve)
        for i, curve in enumerate(curves)
    ]
    return study(SPEC, [best, *runs])


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
    low, high = learning_info(trained(curve), "val/accuracy", {}, ["sgd"]).axis
    assert (low, high) == pytest.approx((0.794, 0.906))


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


# --- ranges ---------------------------------------------------------------------------------------


def searching(*points: tuple[float, float | None]) -> StudyResults:
    return study(
        SPEC,
        [
            trial(
                SPEC,
                "sgd",
                number,
                value,
                lr=lr,
                outcome=Outcome.diverged if value is None else Outcome.completed,
            )
            for number, (lr, value) in enumerate(points)
        ],
    )


def test_the_learning_rate_is_searched_in_log_and_its_bins_hold_the_best_of_each() -> None:
    results = searching((0.01, 0.5), (0.02, 0.6), (0.1, 0.9), (0.9, 0.895), (1.0, None))
    assert searched_numbers(results, "optimizer") == {"optimizer.lr": True}
    info = effect_info(results, "optimizer.lr", "val/accuracy", "maximize", ["sgd"], log=True)
    assert list(info.bins["parameter"]) == [0.02, 0.1, 0.9]  # two bins for a power of ten
    assert list(info.bins["value"]) == [0.6, 0.9, 0.895]
    assert list(info.bins["trials"]) == [2, 1, 1]
    assert list(info.data["at_edge"].unique()) == [0.5]  # what failed lies on the worst value
    assert info.caption.startswith("5 trials of the search, 4 of them completed.")
    assert dict(sensitivity(info).iloc[0]) == {
        "arm": "sgd",
        "best": "90.00 %",
        "at": "0.1",
        "within 1 point": "0.1 to 0.9",
        "defaults": "50.00 %",
        "defaults at": "0.01",
        "diverged": "20%",
    }


def test_where_less_is_better_the_best_of_a_bin_is_the_lowest() -> None:
    results = searching((0.01, 0.5), (0.02, 0.6))
    info = effect_info(results, "optimizer.lr", "val/loss", "minimize", ["sgd"], log=True)
    assert list(info.bins["value"]) == [0.4]


def test_only_numbers_are_put_on_an_axis() -> None:
    results = study(spec := spec_of(KINDS), trials_of(spec))
    assert searched_numbers(results, "model") == {}
    assert effect_info(
        results, "model.batch_norm", "val/accuracy", "maximize", results.arms, log=False
    ).empty


# --- rates ----------------------------------------------------------------------------------------


def test_a_plan_is_in_shares_of_the_rate_and_begins_at_epoch_one() -> None:
    step = planned("step", {"name": "step", "step_size": 1, "gamma": 0.5}, epochs=2, lr=0.1)
    info = rates_info([step], ["step"])
    first, second = info.data.iloc[0], info.data.iloc[-1]
    assert (first["epoch"], first["share"]) == (1.0, 1.0)
    assert (second["share"], second["rate"]) == (0.5, 0.05)
    assert len(info.data) == 40
    assert len(planned("long", {"name": "cosine"}, epochs=1000).planned) == 2000


def test_on_a_logarithmic_axis_what_is_zero_is_left_out() -> None:
    line = planned("line", {"name": "linear"}, epochs=2)
    assert rates_info([line], ["line"], log=True).data["rate"].min() > 0


def test_a_wrong_parameter_is_said() -> None:
    with pytest.raises(UserError, match="did you mean gamma"):
        planned("step", {"name": "step", "gama": 1}, epochs=2)


def _plateau() -> tuple[StudyResults, Trial]:
    spec = spec_of(SCHEDULES)
    results = study(spec, trials_of(spec))
    return results, next(t for t in results.trials if t.arm == "plateau")


def test_plateau_is_planned_from_what_the_training_reached() -> None:
    results, trial_ = _plateau()
    patience = trial_.configuration["schedule"]["patience"]
    never = {epoch: 0.5 for epoch in range(1, 5)}
    found = rates_of(results, replace(trial_, curve=never), {1: 0.3})
    steps = len(found.planned) // 4
    shares = [rate / found.lr for rate in found.planned[::steps]]
    drops = [1.0, 1.0, 0.1, 0.01] if patience == 0 else [1.0, 1.0, 1.0, 0.1]
    assert shares == pytest.approx(drops)
    assert found.logged == {1: 0.3}


def test_metrics_are_drawn_by_name_however_their_part_is_written() -> None:
    curves = {
        "train/loss": {1: 0.5, 2: 0.4},
        "val_loss": {1: 0.6, 2: 0.5},
        "val_acc": {1: 0.7},
        "drift": {1: 3.0},
        "optim/lr": {1: 0.1},
    }
    assert curve_names([curves]) == ["loss", "acc", "drift", "optim/lr"]
    info = curves_info("loss", [(trial(SPEC, "sgd", 0, 0.9), curves)])
    assert list(zip(info.data["part"], info.data["value"], strict=True)) == [
        ("training", 0.5), ("training", 0.4), ("validation", 0.6), ("validation", 0.5),
    ]  # fmt: skip
    (drift,) = curves_info("drift", [(trial(SPEC, "sgd", 0, 0.9), curves)]).data["part"]
    assert drift == "logged"


def test_of_many_trials_some_are_drawn_the_best_among_them_and_all_are_counted() -> None:
    values = np.random.default_rng(0).uniform(0.2, 0.8, 4000)
    trials = [
        trial(SPEC, "sgd", i, float(value), lr=0.01 + i * 1e-5)
        if i % 4
        else trial(SPEC, "sgd", i, None, lr=0.01 + i * 1e-5, outcome=Outcome.diverged)
        for i, value in enumerate(values)
    ]
    every = study(SPEC, trials)
    info = effect_info(every, "optimizer.lr", "val/accuracy", "maximize", ["sgd"], log=True)
    assert 3000 <= len(info.data) < 3050
    assert info.caption.startswith("4,000 trials of the search, 3000 of them completed. ")
    assert f"{len(info.data):,} of them are drawn, in equal steps." in info.caption
    assert info.data["value"].max() == max(v for i, v in enumerate(values) if i % 4)
    assert list(sensitivity(info)["diverged"]) == ["25%"]
    assert info.bins["trials"].sum() == 3000
