"""Metrics: what is logged of the training and the validation part after every epoch.

A metric is a function of a whole epoch's predictions and targets. Classification: predicted class
numbers, or probabilities (n, classes) where a metric reads those, and targets (n,). Multilabel:
the same of shape (n, labels), 1 where a row has a label. Regression: values (n, k) in the units of
the data. `METRICS` are logged by every training, one of `ON_REQUEST`
only where it is the objective, so that nobody else waits for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
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


def _exact_match(predictions: Tensor, targets: Tensor, labels: int) -> Tensor:
    return (predictions == targets).all(dim=1).float().mean()


def _label_f1(predictions: Tensor, targets: Tensor, labels: int) -> Tensor:
    """Macro F1 over the labels that are predicted or there."""
    import torch

    right = (predictions * targets).sum(0)
    total = predictions.sum(0) + targets.sum(0)
    if not (total > 0).any():
        return torch.tensor(0.0)
    return (2 * right[total > 0] / total[total > 0]).mean()


def _label_auroc(probabilities: Tensor, targets: Tensor, labels: int) -> Tensor:
    """Mean over the labels that some rows have and others do not; nan where there is none."""
    import torch
    from torchmetrics.functional.classification import binary_auroc

    areas = [
        binary_auroc(of_label, truth, validate_args=False)
        for of_label, truth in zip(probabilities.T, targets.T, strict=True)
        if 0 < truth.sum() < len(truth)
    ]
    return torch.stack(areas).mean() if areas else torch.tensor(torch.nan)


def _mape(predictions: Tensor, targets: Tensor, classes: int) -> Tensor:
    from torchmetrics.functional import mean_absolute_percentage_error

    return mean_absolute_percentage_error(predictions, targets)


def _mae(predictions: Tensor, targets: Tensor, classes: int) -> Tensor:
    return (predictions - targets).abs().mean()


def _rmse(predictions: Tensor, targets: Tensor, classes: int) -> Tensor:
    import torch

    squares = (predictions - targets).square()
    if squares.ndim < 2:
        return squares.mean().sqrt()
    return torch.stack([column.mean().sqrt() for column in squares.T]).mean()


def _r2(predictions: Tensor, targets: Tensor, classes: int) -> Tensor:
    spread = (targets - targets.mean(0)).square().sum(0)
    return (1 - (predictions - targets).square().sum(0) / spread).mean()


METRICS: dict[str, dict[str, Metric]] = {
    "classification": {
        "accuracy": Metric("share of right classes", "maximize", _accuracy),
        "f1": Metric("harmonic mean of precision and recall, mean over classes", "maximize", _f1),
    },
    "multilabel": {
        "accuracy": Metric("share of right answers, mean over labels", "maximize", _accuracy),
        "exact_match": Metric("share of rows of which all labels are right", "maximize",
                              _exact_match),
        "f1": Metric("harmonic mean of precision and recall, mean over labels", "maximize",
                     _label_f1),
    },
    "regression": {
        "mae": Metric(
            "mean absolute error, in units of the target, mean over targets", "minimize", _mae
        ),
        "rmse": Metric(
            "root mean squared error, in units of the target, mean over targets", "minimize", _rmse
        ),
        "r2": Metric("share of the variance explained, mean over targets", "maximize", _r2),
    },
}  # fmt: skip

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
    "multilabel": {
        "auroc": Metric(
            "area under the ROC curve of a label, mean over labels",
            "maximize",
            _label_auroc,
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

OF_TARGET = re.compile("(?:^|/)(mae|rmse|r2|mape)_")
"""The beginning of a metric of one of several targets."""
PART = re.compile(r"([^/]+/|(?:train|training|val|valid|validation|dev|test)_)[^/]")
"""The beginning of a metric's name that says the part of the data, with what divides the two."""

MANY = 10
"""Values of a regression that have metrics of their own, at most."""
DEFAULT_OBJECTIVE = {
    "classification": "val/accuracy",
    "regression": "val/rmse",
    "multilabel": "val/f1",
}


def default_objective(task: str, targets: int) -> str:
    """What chooses where nobody says: of several values, in units of their own, their explained
    variance, since the largest would decide their error."""
    if task == "regression" and targets > 1:
        return "val/r2"
    return DEFAULT_OBJECTIVE[task]


def objective_metrics(task: str, targets: Sequence[str] = ()) -> list[str]:
    """The names that an objective may have: those that are logged anyway, those on request, and
    those of each of several `targets` of a regression."""
    names = ["loss", *METRICS[task], *ON_REQUEST[task]]
    each = [f"{name}_{target}" for name in METRICS["regression"] for target in targets[:MANY]]
    return [
        *(f"{part}/{name}" for part in ("val", "train") for name in names),
        *(f"val/{name}" for name in each if task == "regression" and len(targets) > 1),
    ]


def measure_of(metric: str) -> str:
    """The name of a metric without its part, and without the target that it is of: `val/rmse_price`
    gives `rmse`."""
    found = OF_TARGET.search(metric)
    return found[1] if found else metric.rpartition("/")[2]


def metrics_for(task: str, objective: str) -> Mapping[str, Metric]:
    """The metrics that a training with this objective, such as `val/auroc`, computes."""
    name = objective.rpartition("/")[2]
    requested = {name: ON_REQUEST[task][name]} if name in ON_REQUEST[task] else {}
    return METRICS[task] | requested


def computed_metrics(
    task: str,
    objective: str,
    predictions: Tensor,
    probabilities: Callable[[], Tensor],
    targets: Tensor,
    *,
    classes: int,
    names: Sequence[str] = (),
) -> dict[str, Tensor]:
    """Every metric by its name; those of a regression (n, k) also of each value that has a name, as
    `rmse_price`, for the first `MANY`."""
    found = {}
    for name, metric in metrics_for(task, objective).items():
        read = probabilities() if metric.reads_probabilities else predictions
        found[name] = metric.compute(read, targets, classes)
        for at, each in enumerate(names[:MANY]):
            of_one = predictions[:, at : at + 1], targets[:, at : at + 1]
            found[f"{name}_{each}"] = metric.compute(*of_one, classes)
    return found


def lower_is_better() -> frozenset[str]:
    """The error measures among the metrics."""
    tables = (*METRICS.values(), *ON_REQUEST.values())
    return frozenset(
        name for rows in tables for name, row in rows.items() if row.goal != "maximize"
    )


def goal_of(metric: str) -> Literal["minimize", "maximize"]:
    """The direction in which a logged metric is better, `maximize` or `minimize`."""
    name = measure_of(metric)
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
