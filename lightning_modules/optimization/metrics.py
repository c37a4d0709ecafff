"""Metrics: what is logged of the training and the validation part after every epoch.

A metric is a function of a whole epoch's predictions and targets. Classification: predicted class
numbers and targets, both (n,). Regression: values (n, k) in the units of the data.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Metric:
    """A row of the metric table; `compute(predictions, targets, classes)` gives a scalar."""

    summary: str
    goal: Literal["minimize", "maximize"]
    compute: Callable[[Tensor, Tensor, int], Tensor]


def _accuracy(predictions: Tensor, targets: Tensor, classes: int) -> Tensor:
    return (predictions == targets).float().mean()


def _f1(predictions: Tensor, targets: Tensor, classes: int) -> Tensor:
    """Macro F1 over the classes that are predicted or there, as in scikit-learn."""
    right = targets[predictions == targets].bincount(minlength=classes)
    total = predictions.bincount(minlength=classes) + targets.bincount(minlength=classes)
    return (2 * right[total > 0] / total[total > 0]).mean()


def _mae(predictions: Tensor, targets: Tensor, classes: int) -> Tensor:
    return (predictions - targets).abs().mean()


def _rmse(predictions: Tensor, targets: Tensor, classes: int) -> Tensor:
    return (predictions - targets).square().mean().sqrt()


def _r2(predictions: Tensor, targets: Tensor, classes: int) -> Tensor:
    spread = (targets - targets.mean(0)).square().sum(0)
    return (1 - (predictions - targets).square().sum(0) / spread).mean()


METRICS: dict[str, dict[str, Metric]] = {
    "classification": {
        "accuracy": Metric("share of right classes", "maximize", _accuracy),
        "f1": Metric("harmonic mean of precision and recall, mean over classes", "maximize", _f1),
    },
    "regression": {
        "mae": Metric("mean absolute error, in units of the target", "minimize", _mae),
        "rmse": Metric("root mean squared error, in units of the target", "minimize", _rmse),
        "r2": Metric("share of the variance explained", "maximize", _r2),
    },
}

PART = re.compile(r"([^/]+/|(?:train|training|val|valid|validation|dev|test)_)[^/]")
"""The beginning of a metric's name that says the part of the data, with what divides the two."""

DEFAULT_OBJECTIVE = {"classification": "val/accuracy", "regression": "val/rmse"}


def logged_metrics(task: str) -> list[str]:
    """The names that every epoch logs and that a study may optimize."""
    names = ["loss", *METRICS[task]]
    return [f"{part}/{name}" for part in ("val", "train") for name in names]


def goal_of(metric: str) -> Literal["minimize", "maximize"]:
    """The direction in which a logged metric is better, `maximize` or `minimize`."""
    name = metric.rpartition("/")[2]
    for rows in METRICS.values():
        if name in rows:
            return rows[name].goal
    return "minimize"


@lru_cache(maxsize=256)
def loss_beside(metric: str) -> str | None:
    """The name of the loss on the part that a metric is of: `val/accuracy` gives `val/loss`.

    None for a loss itself, and for a name that says no part.
    """
    found = PART.match(metric)
    return None if found is None or "loss" in metric else f"{found[1]}loss"
