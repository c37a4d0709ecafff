"""Losses and metrics follow their formulas."""

import math

import pytest
import torch
from sklearn import metrics as sklearn_metrics
from torch import Tensor

from lightning_modules.components import (
    resolve_component,
)
from lightning_modules.optimization import LOSSES, METRICS, goal_of, objective_metrics


def loss_of(
    name: str, outputs: Tensor, targets: Tensor, smoothing: float = 0.0, **given: float
) -> float:
    row, parameters = resolve_component(LOSSES, {"name": name, **given}, "loss")
    return float(row.build(**parameters)(outputs, targets, smoothing))


LOGITS = torch.tensor([[2.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
CLASSES = torch.tensor([0, 2])
LOG_SUM = math.log(math.exp(2) + math.exp(1) + 1)


def test_cross_entropy_is_minus_the_log_probability_of_the_right_class() -> None:
    wanted = ((LOG_SUM - 2) + math.log(3)) / 2
    assert loss_of("cross_entropy", LOGITS, CLASSES) == pytest.approx(wanted, rel=1e-6)


def test_label_smoothing_mixes_the_target_with_the_uniform_distribution() -> None:
    uniform = LOG_SUM - (2 + 1 + 0) / 3
    wanted = ((0.7 * (LOG_SUM - 2) + 0.3 * uniform) + math.log(3)) / 2
    assert loss_of("cross_entropy", LOGITS, CLASSES, 0.3) == pytest.approx(wanted, rel=1e-6)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_binary_cross_entropy_is_the_cross_entropy_of_two_classes(smoothing: float) -> None:
    logit = torch.tensor([[-1.5], [0.3], [2.0]])
    targets = torch.tensor([1, 0, 1])
    both = torch.cat([torch.zeros(3, 1), logit], dim=1)
    assert loss_of("binary_cross_entropy", logit, targets, smoothing) == pytest.approx(
        loss_of("cross_entropy", both, targets, smoothing), rel=1e-6
    )


def test_binary_cross_entropy_of_an_undecided_output_is_log_two() -> None:
    value = loss_of("binary_cross_entropy", torch.zeros(4, 1), torch.tensor([0, 1, 1, 1]))
    assert value == pytest.approx(math.log(2))


@pytest.mark.parametrize(
    ("name", "given", "wanted"),
    [
        ("mse", {}, (9 + 0.25) / 2),
        ("mae", {}, (3 + 0.5) / 2),
        ("huber", {}, ((3 - 0.5) + 0.125) / 2),
        ("huber", {"delta": 2.0}, (2 * (3 - 1) + 0.125) / 2),
    ],
)
def test_a_loss_of_a_regression_has_the_value_found_by_hand(
    name: str, given: dict[str, float], wanted: float
) -> None:
    outputs, targets = torch.tensor([[4.0], [1.5]]), torch.tensor([[1.0], [2.0]])
    assert loss_of(name, outputs, targets, **given) == pytest.approx(wanted)


def test_label_smoothing_leaves_a_regression_alone() -> None:
    outputs, targets = torch.tensor([[4.0]]), torch.tensor([[1.0]])
    for name in ("mse", "mae", "huber"):
        assert loss_of(name, outputs, targets, 0.3) == loss_of(name, outputs, targets)


# Metrics


def metric(task: str, name: str, predictions: Tensor, targets: Tensor, classes: int = 0) -> float:
    return float(METRICS[task][name].compute(predictions, targets, classes))


def test_the_metrics_of_a_classification_are_those_of_scikit_learn() -> None:
    generator = torch.Generator().manual_seed(0)
    targets = torch.randint(4, (60,), generator=generator)
    guesses = torch.randint(4, (60,), generator=generator)
    predictions = torch.where(torch.arange(60) % 3 == 0, guesses, targets)
    accuracy = sklearn_metrics.accuracy_score(targets, predictions)
    f1 = sklearn_metrics.f1_score(targets, predictions, average="macro")
    assert 0 < f1 < 1
    assert metric("classification", "accuracy", predictions, targets, 4) == pytest.approx(accuracy)
    assert metric("classification", "f1", predictions, targets, 4) == pytest.approx(f1)


def test_f1_averages_over_the_classes_that_occur() -> None:
    targets, predictions = torch.tensor([0, 0, 1, 1]), torch.tensor([0, 1, 1, 1])
    wanted = (2 / 3 + 4 / 5) / 2
    assert sklearn_metrics.f1_score(targets, predictions, average="macro") == pytest.approx(wanted)
    assert metric("classification", "f1", predictions, targets, 3) == pytest.approx(wanted)


def test_the_metrics_of_a_regression_are_those_of_scikit_learn() -> None:
    generator = torch.Generator().manual_seed(0)
    targets = 150 + 70 * torch.randn(50, 1, generator=generator)
    predictions = targets + 30 * torch.randn(50, 1, generator=generator)
    wanted = {
        "mae": sklearn_metrics.mean_absolute_error(targets, predictions),
        "rmse": sklearn_metrics.root_mean_squared_error(targets, predictions),
        "r2": sklearn_metrics.r2_score(targets, predictions),
    }
    assert METRICS["regression"].keys() == wanted.keys()
    for name, value in wanted.items():
        assert metric("regression", name, predictions, targets) == pytest.approx(value, rel=1e-5)


def test_r2_of_predicting_the_mean_is_zero_and_of_the_truth_is_one() -> None:
    targets = torch.tensor([[1.0], [2.0], [6.0]])
    assert metric("regression", "r2", torch.full((3, 1), 3.0), targets) == pytest.approx(0)
    assert metric("regression", "r2", targets, targets) == 1


def test_losses_and_errors_are_minimized_and_scores_are_maximized() -> None:
    goals = {name: goal_of(name) for task in METRICS for name in objective_metrics(task)}
    better_low = {name for name, goal in goals.items() if goal == "minimize"}
    errors = ("loss", "rmse", "mae", "mape")
    assert better_low == {f"{part}/{name}" for part in ("val", "train") for name in errors}
    assert {"val/accuracy", "train/f1", "val/auroc", "val/r2"} < goals.keys()
