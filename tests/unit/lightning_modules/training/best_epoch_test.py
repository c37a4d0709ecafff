"""The best epoch is chosen by the objective, then by the loss on the same part, then by time."""

import math

import pytest

from lightning_modules.configuration import Objective
from lightning_modules.optimization import METRICS, loss_beside, objective_metrics
from lightning_modules.training.best_epoch import is_better

ACCURACY = Objective("val/accuracy", "maximize")


@pytest.mark.parametrize(
    ("metric", "loss"),
    [
        ("val/accuracy", "val/loss"),
        ("val_f1", "val_loss"),
        ("train/r2", "train/loss"),
        ("train_top_5", "train_loss"),
        ("val/loss", None),
        ("val_loss", None),
        ("val/nll_loss", None),
        ("accuracy", None),
        ("macro_f1", None),
        ("val", None),
        ("val/", None),
    ],
)
def test_the_loss_beside_a_metric_is_that_of_its_part(metric: str, loss: str | None) -> None:
    assert loss_beside(metric) == loss


@pytest.mark.parametrize("task", METRICS)
def test_every_metric_of_a_task_has_a_loss_that_is_logged(task: str) -> None:
    names = objective_metrics(task)
    assert {loss_beside(name) for name in names} == {"val/loss", "train/loss", None}
    assert [name for name in names if loss_beside(name) is None] == ["val/loss", "train/loss"]


def test_the_first_epoch_is_better_than_none() -> None:
    assert is_better({"val/accuracy": 0.0}, {}, ACCURACY)


def test_the_objective_decides_whatever_the_loss() -> None:
    one, other = {"val/accuracy": 0.9, "val/loss": 9.0}, {"val/accuracy": 0.8, "val/loss": 1.0}
    assert is_better(one, other, ACCURACY)
    assert not is_better(other, one, ACCURACY)
    assert is_better(other, one, Objective("val/accuracy", "minimize"))


def test_equal_epochs_are_told_apart_by_the_loss_on_the_same_part_alone() -> None:
    one = {"val/accuracy": 1.0, "val/loss": 0.2, "train/loss": 0.5}
    other = {"val/accuracy": 1.0, "val/loss": 0.3, "train/loss": 0.1}
    assert is_better(one, other, ACCURACY)
    assert not is_better(other, one, ACCURACY)


def test_an_epoch_that_is_equal_in_both_is_not_better() -> None:
    one = {"val/accuracy": 1.0, "val/loss": 0.2}
    assert not is_better(one, one, ACCURACY)
    assert not is_better({"val/loss": 0.2}, {"val/loss": 0.2}, Objective("val/loss", "minimize"))


@pytest.mark.parametrize("loss", [{}, {"val/loss": math.nan}, {"val/loss": math.inf}])
def test_a_loss_that_is_missing_or_not_finite_is_the_worst(loss: dict[str, float]) -> None:
    without = {"val/accuracy": 1.0, **loss}
    known = {"val/accuracy": 1.0, "val/loss": 1e9}
    assert is_better(known, without, ACCURACY)
    assert not is_better(without, known, ACCURACY)
    assert not is_better(without, without, ACCURACY)
