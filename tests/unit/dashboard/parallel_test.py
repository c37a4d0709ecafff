"""What brushes on parallel coordinates mean."""

import math
from dataclasses import replace

import pytest

from dashboard.page.parallel.component import brushed_range
from studies.reporting.figures.axes import Axis
from studies.reporting.figures.points import trial_points
from studies.reporting.figures.search.parallel import ParallelAxis, ParallelInfo, parallel_info
from studies.reporting.within import ChoiceRange, NumberRange
from tests.support.arms_made import arms_study

MADE = arms_study({"sgd": [0.9, 0.8, 0.7], "adam": [0.7, 0.6, 0.5]})
LR = Axis("optimizer.lr", 1e-4, 1.0, log=True)


def info() -> ParallelInfo:
    points = trial_points(MADE, "val/accuracy", "maximize", ["sgd"])
    return parallel_info(points, [LR])


def test_lines_go_from_the_worst_trial_to_the_best() -> None:
    found = info()
    assert list(found.data["value"]) == sorted(found.data["value"])
    lr, metric = found.axes
    assert [lr.value(place) for place in lr.positions] == pytest.approx(
        list(found.data["optimizer.lr"])
    )
    assert metric.positions[0] == 0 and metric.positions[-1] == 1
    assert (0.5, "0.01") in [(round(place, 6), text) for place, text in lr.ticks]


def test_a_trial_without_a_parameter_has_a_gap() -> None:
    points = trial_points(MADE, "val/accuracy", "maximize", ["sgd"])
    bare = replace(points, trials=[replace(trial, params={}) for trial in points.trials])
    assert all(math.isnan(place) for place in parallel_info(bare, [LR]).axes[0].positions)


def test_a_brush_is_a_range_of_values() -> None:
    found = info()
    lr, metric = found.axes
    assert brushed_range(found, lr, [(0.25, 0.75)]) == NumberRange("optimizer.lr", 0.001, 0.1)
    assert brushed_range(found, lr, [(0, 1)]) is None
    kept = brushed_range(found, metric, [(0.0, 0.5)])
    assert isinstance(kept, NumberRange) and kept.metric
    assert sum(trial in kept for trial in MADE.search if trial.arm == "sgd") == sum(
        place <= 0.5 for place in metric.positions
    )


def test_whole_numbers_and_choices_are_kept_whole() -> None:
    found = info()
    layers = ParallelAxis(Axis("model.layers", 1, 5, integer=True), [], [])
    assert brushed_range(found, layers, [(0.2, 0.6)]) == NumberRange("model.layers", 2, 3)
    sizes = ParallelAxis(Axis("model.size", labels=("a", "b", "c")), [], [])
    assert brushed_range(found, sizes, [(0, 1 / 3), (2 / 3, 1)]) == ChoiceRange(
        "model.size", ("a", "c")
    )
