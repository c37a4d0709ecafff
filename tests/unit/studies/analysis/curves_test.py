"""Curves of a study on numbers that are known by hand."""

import math
from datetime import timedelta

import numpy as np
import pytest

from studies.analysis.curves import curves, learning_curve, search_curves
from studies.records import Outcome
from tests.support.made import ARMS, OPTIMIZERS, START, confirmed, searched, spec_of, study, trial
from tests.support.states import repeats_of

RANDOM = OPTIMIZERS
TPE = OPTIMIZERS.replace("method: random", "method: tpe")
PRUNED = OPTIMIZERS.replace("method: random", "method: random, pruner: median")
GRID = OPTIMIZERS.replace("method: random, trials: 4", "method: grid").replace(
    "log: true", "log: true, num: 2"
)


@pytest.mark.parametrize(
    ("file", "why"),
    [
        (RANDOM, ""),
        (OPTIMIZERS.replace("method: random", "method: qmc"), ""),
        (TPE, "tpe chooses its trials by the results of earlier ones"),
        (PRUNED, "trials were pruned by the results of others"),
        (GRID, "the points of a grid are no random draws"),
    ],
)
def test_only_independent_trials_have_a_band(file: str, why: str) -> None:
    spec = spec_of(file)
    found = curves(study(spec, searched(spec, {"sgd": 0.9, "momentum": 0.95, "adam": 0.97})))
    assert found.why_no_bands == why
    assert [each.arm for each in found.tuning] == ([] if why else ["sgd", "momentum", "adam"])
    assert [each.arm for each in found.best_so_far] == (["sgd", "momentum", "adam"] if why else [])


def test_a_tuning_curve_leaves_out_the_defaults_and_counts_a_failed_one_as_the_worst() -> None:
    spec = spec_of()
    values = [0.99, 0.80, None, 0.90]  # the first has the defaults
    trials = [
        trial(
            spec, "sgd", i, value, outcome=Outcome.diverged if value is None else Outcome.completed
        )
        for i, value in enumerate(values)
    ]
    (found,) = curves(study(spec, trials)).tuning
    assert found.trials == 3
    assert found.curve.ns.tolist() == [1, 2, 3]
    assert found.curve.median.tolist() == [0.80, 0.90, 0.90]
    assert (found.curve.low <= found.curve.median).all()
    assert (found.curve.high <= 1.0).all()


def test_an_arm_without_a_value_has_no_curve() -> None:
    spec = spec_of()
    failed = [trial(spec, "sgd", i, None, outcome=Outcome.diverged) for i in range(3)]
    found = curves(study(spec, failed))
    assert (found.tuning, found.learning) == ([], [])


def test_the_best_so_far_counts_all_epochs_in_the_order_in_which_trials_ended() -> None:
    spec = spec_of(TPE)
    rows = [  # value, epochs, ended after
        (0.90, 10, 3),
        (None, 4, 1),
        (0.80, 10, 2),
        (0.85, 10, 4),
    ]
    trials = [
        trial(
            spec,
            "adam",
            i,
            value,
            epochs=epochs,
            outcome=Outcome.pruned if value is None else Outcome.completed,
            ended=START + timedelta(seconds=second),
        )
        for i, (value, epochs, second) in enumerate(rows)
    ]
    (found,) = curves(study(spec, trials)).best_so_far
    assert found.epochs == [14, 24, 34]
    assert found.values == [0.80, 0.90, 0.90]
    assert found.trials == 4


def test_the_best_so_far_falls_where_the_goal_is_to_minimize() -> None:
    spec = spec_of(TPE.replace("val/accuracy", "val/loss"))
    trials = [trial(spec, "adam", i, value) for i, value in enumerate([0.5, 0.7, 0.4])]
    (found,) = curves(study(spec, trials)).best_so_far
    assert found.values == [0.5, 0.4, 0.4]


def test_a_learning_curve_is_the_median_of_the_fresh_seeds_with_all_that_lies_between() -> None:
    spec = spec_of()
    trials = searched(spec, {"adam": 0.9})
    runs = confirmed(spec, "adam", [0.9, 0.8, 0.7])
    steps = ({1: 0.1, 2: 0.9}, {1: 0.2, 2: 0.8}, {1: 0.6, 2: 0.7})
    trials += [
        trial(spec, "adam", i, run.value, phase="confirm", seed=run.seed, curve=curve)
        for i, (run, curve) in enumerate(zip(runs, steps, strict=True))
    ]
    (found,) = curves(study(spec, trials)).learning
    assert (found.epochs, found.seeds) == ((1, 2), 3)
    assert (found.low, found.median, found.high) == ((0.1, 0.7), (0.2, 0.8), (0.6, 0.9))


def test_a_learning_curve_ends_where_fewer_than_half_of_the_seeds_still_train() -> None:
    found = learning_curve("adam", [{1: 1.0, 2: 2.0, 3: 3.0}, {1: 3.0, 2: math.nan}, {1: 2.0}, {}])
    assert found is not None
    assert (found.epochs, found.median, found.seeds) == ((1,), (2.0,), 3)
    assert learning_curve("adam", [{}, {}]) is None


def test_equal_results_give_equal_bands() -> None:
    spec = spec_of()
    results = study(spec, searched(spec, {"sgd": 0.9}, count=8))
    first, second = (curves(results).tuning[0].curve for _ in range(2))
    assert np.array_equal(first.low, second.low) and np.array_equal(first.high, second.high)


def test_several_searches_keep_a_curve_each_and_have_a_median() -> None:
    spec = spec_of(ARMS)
    rows = {1: [0.5, 0.7, 0.6], 2: [None, 0.6, 0.9], 3: [0.9]}
    trials = [
        trial(
            spec,
            "sgd",
            i,
            value,
            repeat=repeat,
            outcome=Outcome.diverged if value is None else Outcome.completed,
        )
        for repeat, values in rows.items()
        for i, value in enumerate(values)
    ]
    found = curves(study(spec, trials))
    assert (found.tuning, found.best_so_far) == ([], [])
    (sgd,) = found.searches
    assert sgd.searches == {1: {1: 0.5, 2: 0.7, 3: 0.7}, 2: {2: 0.6, 3: 0.9}, 3: {1: 0.9}}
    assert sgd.median == pytest.approx({1: 0.7, 2: 0.65, 3: 0.8})


def test_the_bands_of_repeats_are_those_of_one_search() -> None:
    spec = spec_of(ARMS)
    trials = [
        trial(spec, "sgd", i, 0.1 * repeat + 0.01 * i, repeat=repeat)
        for repeat in (1, 2)
        for i in range(5)
    ]
    tuning, _, why = search_curves(study(spec, trials), repeat=2)
    (found,) = tuning
    assert (found.trials, why) == (4, "")  # the defaults, which nobody drew, are left out
    assert found.curve.median.max() == pytest.approx(0.24)


def test_the_winners_of_all_searches_learn() -> None:
    spec = spec_of(ARMS)
    results = study(spec, repeats_of(spec))
    learning = {each.arm: each for each in curves(results).learning}
    assert learning["adam"].seeds == 6
