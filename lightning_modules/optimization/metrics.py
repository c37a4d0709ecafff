"""Metrics: what is logged of the training and the validation part after every epoch.

A metric is a function of a whole epoch's predictions and targets. Classification: predicted class
numbers, or probabilities (n, classes) where a metric reads those, and targets (n,). Regression:
values (n, k) in the units of the data. `METRICS` are logged by every training, one of `ON_REQUEST`
only where it is the objective, so that nobody else waits for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
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
    reads_probabilities: bool = False
    """Whether it is computed from probabilities (n, classes) instead of class numbers."""


def _accuracy(predictions: Tensor, targets: Tensor, classes: int) -> Tensor:
    return (predictions == targets).float().mean()


def _f1(predictions: Tensor, targets: Tensor, classes: int) -> Tensor:
    """Macro F1 over the classes that are predicted or there, as in scikit-learn."""
    right = targets[predictions == targets].bincount(minlength=classes)
    total = predictions.bincount(minlength=classes) + targets.bincount(minlength=classes)
    return (2 * right[total > 0] / total[total > 0]).mean()


def _balanced_accuracy(predictions: Tensor, targets: Tensor, classes: int) -> Tensor:
    """Mean over the classes that are there of the share that is right, as in scikit-learn."""
    right = targets[predictions == targets].bincount(minlength=classes)
    total = targets.bincount(minlength=classes)
    return (right[total > 0] / total[total > 0]).mean()


def _precision(predictions: Tensor, targets: Tensor, classes: int) -> Tensor:
    from torchmetrics.functional.classification import multiclass_precision

    return multiclass_precision(predictions, targets, classes, "macro", validate_args=False)


def _recall(predictions: Tensor, targets: Tensor, classes: int) -> Tensor:
    from torchmetrics.functional.classification import multiclass_recall

    return multiclass_recall(predictions, targets, classes, "macro", validate_args=False)


def _auroc(probabilities: Tensor, targets: Tensor, classes: int) -> Tensor:
    """Mean over the classes that are there, each against all others; nan where there is one."""
    import torch
    from torchmetrics.functional.classification import binary_auroc

    there = sorted(set(targets.tolist()))
    if len(there) < 2:
        return torch.tensor(torch.nan)
    sides = there if classes > 2 else [1]  # of two classes both have the same curve
    areas = [
        binary_auroc(probabilities[:, each], (targets == each).long(), validate_args=False)
        for each in sides
    ]
    return torch.stack(areas).mean()


def _mape(predictions: Tensor, targets: Tensor, classes: int) -> Tensor:
    from torchmetrics.functional import mean_absolute_percentage_error

    return mean_absolute_percentage_error(predictions, targets)


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

ON_REQUEST: dict[str, dict[str, Metric]] = {
    "classification": {
        "balanced_accuracy": Metric(
            "share of right rows of a class, mean over classes", "maximize", _balanced_accuracy
        ),
        "precision": Metric(
            "share of right rows among those that are given a class, mean over classes",
            "maximize",
            _precision,
        ),
        "recall": Metric(
            "share of right rows of a class, mean over the classes that are there or predicted",
            "maximize",
            _recall,
        ),
        "auroc": Metric(
            "area under the ROC curve of a class against all others, mean over classes",
            "maximize",
            _auroc,
            reads_probabilities=True,
        ),
    },
    "regression": {
        "mape": Metric(
            "mean absolute error as a share of the target (0.1 is 10 %)", "minimize", _mape
        ),
    },
}
"""Metrics that are computed where the objective names one of them."""

PART = re.compile(r"([^/]+/|(?:train|training|val|valid|validation|dev|test)_)[^/]")
"""The beginning of a metric's name that says the part of the data, with what divides the two."""

DEFAULT_OBJECTIVE = {"classification": "val/accuracy", "regression": "val/rmse"}


def objective_metrics(task: str) -> list[str]:
    """The names that an objective may have: those that are logged anyway, and those on request."""
    names = ["loss", *METRICS[task], *ON_REQUEST[task]]
    return [f"{part}/{name}" for part in ("val", "train") for name in names]


def metrics_for(task: str, objective: str) -> Mapping[str, Metric]:
    """The metrics that a training with this objective, such as `val/auroc`, computes."""
    name = objective.rpartition("/")[2]
    requested = {name: ON_REQUEST[task][name]} if name in ON_REQUEST[task] else {}
    return METRICS[task] | requested


def lower_is_better() -> frozenset[str]:
    """The error measures among the metrics."""
    tables = (*METRICS.values(), *ON_REQUEST.values())
    return frozenset(
        name for rows in tables for name, row in rows.items() if row.goal != "maximize"
    )


def goal_of(metric: str) -> Literal["minimize", "maximize"]:
    """The direction in which a logged metric is better, `maximize` or `minimize`."""
    name = metric.rpartition("/")[2]
    for rows in (*METRICS.values(), *ON_REQUEST.values()):
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
