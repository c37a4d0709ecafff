"""Trials by arm and by repeat, described by their own values."""

import math
from dataclasses import replace

import pytest
from scipy import stats

from studies.analysis.trial_groups import trial_groups
from studies.records import Outcome
from tests.support.made import ARMS, OPTIMIZERS, spec_of, trial

SPEC = spec_of(OPTIMIZERS)


def test_a_group_has_the_mean_of_its_completed_trials_with_students_interval() -> None:
    values = [0.7, 0.8, 0.95]
    trials = [trial(SPEC, "adam", number, value) for number, value in enumerate(values)]
    lost = trial(SPEC, "adam", 7, None, outcome=Outcome.diverged)
    pruned = trial(SPEC, "adam", 8, 0.99, outcome=Outcome.pruned)
    (group,) = trial_groups([*trials, lost, pruned], "arm", SPEC)
    assert (group.name, group.trials, group.completed, group.failures) == ("adam", 5, 3, 1)
    assert group.best is not None and group.best.value == 0.95
    low, high = stats.t.interval(0.95, 2, sum(values) / 3, stats.sem(values))
    assert group.mean.estimate == pytest.approx(sum(values) / 3)
    assert (group.mean.low, group.mean.high) == pytest.approx((low, high))


def test_arms_stand_in_the_order_of_the_file_and_repeats_by_number() -> None:
    made = [trial(SPEC, arm, 0, 0.5) for arm in ("adam", "sgd", "momentum")]
    assert [g.name for g in trial_groups(made, "arm", SPEC)] == ["sgd", "momentum", "adam"]
    spec = spec_of(ARMS)
    again = [replace(trial(spec, "sgd", 0, 0.5), repeat=repeat) for repeat in (10, 2, 1)]
    assert [g.name for g in trial_groups(again, "repeat", spec)] == ["1", "2", "10"]


def test_a_group_without_values_has_none_and_infinite_ones_count_for_no_mean() -> None:
    lost = trial(SPEC, "sgd", 0, None, outcome=Outcome.error)
    (group,) = trial_groups([lost], "arm", SPEC)
    assert math.isnan(group.mean.estimate)
    assert (group.best, group.failures) == (None, 1)
    odd = [trial(SPEC, "sgd", number, value) for number, value in enumerate((math.inf, 0.4, 0.4))]
    (group,) = trial_groups(odd, "arm", SPEC)
    assert (group.completed, group.mean.estimate) == (3, pytest.approx(0.4))
