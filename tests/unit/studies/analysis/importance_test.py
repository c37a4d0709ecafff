"""Importances are told where the best tenth of the trials is enough to tell them from."""

import numpy as np

from studies.analysis.importance import Importances, importances
from tests.support.made import OPTIMIZERS, spec_of, study, trial

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
