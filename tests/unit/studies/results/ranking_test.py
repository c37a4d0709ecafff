"""The order in which trials are listed."""

import math
from dataclasses import replace

from studies.records import Outcome
from studies.results.ranking import in_order
from tests.support.made import OPTIMIZERS, spec_of, trial


def test_the_best_come_first_and_failed_and_running_ones_last() -> None:
    spec = spec_of(OPTIMIZERS)
    expected = [
        trial(spec, "sgd", 1, 0.9),
        trial(spec, "adam", 2, 0.8, phase="confirm"),
        trial(spec, "adam", 3, 0.7),
        trial(spec, "adam", 4, math.nan),
        trial(spec, "adam", 5, 0.95, outcome=Outcome.pruned),
        trial(spec, "adam", 6, 0.2, outcome=Outcome.pruned),
        trial(spec, "adam", 7, None, outcome=Outcome.interrupted),
        trial(spec, "adam", 8, None, outcome=Outcome.diverged),
        replace(trial(spec, "adam", 9, 0.99), outcome=None, value=None),
    ]
    assert in_order(reversed(expected), spec) == expected


def test_the_smallest_comes_first_where_less_is_better() -> None:
    spec = spec_of(OPTIMIZERS.replace("val/accuracy", "val/loss"))
    made = [trial(spec, "sgd", number, value) for number, value in enumerate((0.3, 0.1, 0.2))]
    assert [each.value for each in in_order(made, spec)] == [0.1, 0.2, 0.3]
