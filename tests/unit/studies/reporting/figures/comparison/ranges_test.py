"""The objective against one parameter: bins, sensitivity, and what is drawn of many trials."""

import numpy as np

from studies.records import Outcome
from studies.reporting.figures.comparison.ranges import effect_info, searched_numbers, sensitivity
from studies.reporting.figures.comparison.working_range import range_words
from studies.results import StudyResults
from tests.support.made import spec_of, study, trial
from tests.support.states import KINDS, trials_of

SPEC = spec_of()


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
    assert searched_numbers(results.spec.arms, "optimizer") == {"optimizer.lr": True}
    info = effect_info(results, "optimizer.lr", "val/accuracy", "maximize", ["sgd"], log=True)
    assert list(info.bins["parameter"]) == [0.02, 0.1, 0.9]  # two bins for a power of ten
    assert list(info.bins["value"]) == [0.6, 0.9, 0.895]
    assert list(info.bins["trials"]) == [2, 1, 1]
    failed = info.data[info.data["outcome"] == "diverged"]
    assert list(failed["shown"]) == [info.y.edge]  # below all that has a value
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
    assert searched_numbers(results.spec.arms, "model") == {}
    assert effect_info(
        results, "model.batch_norm", "val/accuracy", "maximize", results.arms, log=False
    ).empty


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


def words_of(results: StudyResults) -> str:
    info = effect_info(results, "optimizer.lr", "val/accuracy", "maximize", ["sgd"], log=True)
    (words,) = range_words(results, info)
    return words


def test_a_working_range_has_no_stretch_in_it_that_fails() -> None:
    results = searching((0.001, 0.9), (0.01, 0.5), (0.05, 0.899), (0.1, 0.905), (0.9, 0.6))
    assert "optimizer.lr works from 0.05 to 0.1 (within 1 point of its best, 90.50 % at 0.1)" in (
        words_of(results)
    )  # 0.001 is as good, but 0.01 between them is not


def test_a_working_range_has_every_trial_near_the_best_of_its_stretch() -> None:
    results = searching((0.001, 0.2), (0.486, 0.9556), (0.6912, 0.9556))
    assert "works from 0.486 to 0.691 " in words_of(results)  # both are in one bin


def test_the_lowest_rate_that_diverged_is_told_and_none_where_none_did() -> None:
    assert "; the lowest that diverged is 0.7;" in words_of(
        searching((0.1, 0.9), (0.9, None), (0.7, None))
    )
    assert "diverged" not in words_of(searching((0.1, 0.9), (0.2, 0.8)))


def test_listed_rates_far_apart_are_on_a_logarithmic_axis() -> None:
    listed = "lr: {values: [%s]}"
    found = {
        values: searched_numbers(
            spec_of(
                "study: made\ndata: {name: digits}\nmodel: {name: mlp, hidden: [4]}\n"
                f"optimizer: {{name: sgd, {listed % values}}}\ntrainer: {{epochs: 10}}\n"
                "search: {method: grid}\n"
            ).arms,
            "optimizer",
        )["optimizer.lr"]
        for values in ("0.01, 0.1, 1.0e+30", "0.01, 0.02, 0.05", "0.001, 0.099")
    }
    assert list(found.values()) == [True, False, False]  # less than a hundred times
