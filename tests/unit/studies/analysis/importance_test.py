"""Importances are told where the best tenth of the trials is enough to tell them from."""

import numpy as np
import pytest

from studies.analysis.importance import Importances, importances
from tests.support.made import ARMS, OPTIMIZERS, spec_of, study, trial

SPEC = spec_of(
    OPTIMIZERS.replace("name: momentum,", "name: momentum, momentum: {min: 0, max: 0.99},")
)
ARM = "momentum"


def found(count: int, equal: bool = False) -> Importances:
    """Of so many trials, whose value follows the learning rate alone."""
    trials = [
        trial(
            SPEC,
            ARM,
            number,
            0.5 if equal else 0.5 + 0.4 * rate,
            params={"optimizer.lr": 10 ** (-3 * (1 - rate)), "optimizer.momentum": 0.99 * other},
        )
        for number, (rate, other) in enumerate(np.random.default_rng(0).random((count, 2)))
    ]
    return importances(study(SPEC, trials), ARM)


def test_fifty_trials_are_enough() -> None:
    made = found(50)
    assert (made.arm, made.trials, made.why_none) == (ARM, 50, "")
    assert [row.parameter for row in made.parameters] == ["optimizer.lr", "optimizer.momentum"]
    rate, momentum = made.parameters
    assert rate.share > rate.by_chance and momentum.share < momentum.by_chance
    assert abs(rate.share + momentum.share - 1) < 1e-12


def test_fewer_than_fifty_are_not_and_it_is_said() -> None:
    made = found(49)
    assert (made.parameters, made.trials) == ([], 49)
    assert made.why_none == (
        "49 different configurations have completed; below 50 the best tenth of them is too few "
        "to tell a pattern from chance"
    )


def test_trials_that_are_all_alike_have_no_best_tenth() -> None:
    assert found(60, equal=True).why_none == "every completed trial has the same value"


def test_of_many_trials_five_hundred_in_equal_steps_are_looked_at() -> None:
    made = found(700)
    assert (made.trials, len(made.parameters)) == (500, 2)


def test_the_same_trials_have_the_same_importances() -> None:
    assert found(60) == found(60)


@pytest.mark.parametrize(("step", "counted"), [("", 60), (", step: 16", 59)])
def test_whole_numbers_count_as_far_as_they_are_in_the_range_as_it_is(
    step: str, counted: int
) -> None:
    """One of the trials is of a range that had another step."""
    sizes = f"{{name: digits, batch_size: {{min: 16, max: 128{step}}}}}"
    spec = spec_of(OPTIMIZERS.replace("data: digits", f"data: {sizes}"))
    rng = np.random.default_rng(0)
    batches = [20, *(int(16 * number) for number in rng.integers(1, 9, 59))]
    trials = [
        trial(
            spec,
            ARM,
            number,
            0.5 + size / 1000,
            params={"optimizer.lr": 10 ** (-3 * rng.random()), "data.batch_size": size},
        )
        for number, size in enumerate(batches)
    ]
    made = importances(study(spec, trials), ARM)
    assert made.trials == counted
    assert made.parameters[0].parameter == "data.batch_size"
    assert made.parameters[0].share > made.parameters[0].by_chance


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
