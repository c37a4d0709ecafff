"""Losses: what a training minimizes, beside its penalties.

`build(**parameters)` gives a function of (outputs, targets), the label smoothing (0 for none) and,
of those for classification, the weights of the classes (classes,), to a scalar tensor: a mean in
which a row counts as much as its class.

Shapes: classification outputs (n, classes) and targets (n,) of class numbers, or (n, classes) of
shares where rows are mixed; `binary_cross_entropy` outputs (n, 1); multilabel outputs and targets
(n, labels), 1 where a row has a label; regression outputs and targets (n, k).
"""

from __future__ import annotations

from lightning_modules.components import Loss, Number
from lightning_modules.components.reference import later_configured

_FUNCTIONS = "lightning_modules.optimization.loss_functions"

LOSSES: dict[str, Loss] = {
    "cross_entropy": Loss(
        "minus the log probability of the right class",
        later_configured(f"{_FUNCTIONS}:cross_entropy"),
        tasks=("classification",),
    ),
    "binary_cross_entropy": Loss(
        "cross entropy of two classes from a single output, or of each label, mean over labels",
        later_configured(f"{_FUNCTIONS}:binary_cross_entropy"),
        tasks=("classification", "multilabel"),
    ),
    "multilabel_soft_margin": Loss(
        "the same of labels, by torch's name: it says the task where the data is a class of yours",
        later_configured(f"{_FUNCTIONS}:binary_cross_entropy"),
        tasks=("multilabel",),
    ),
    "mse": Loss("mean squared error", later_configured(f"{_FUNCTIONS}:mse"), tasks=("regression",)),
    "mae": Loss(
        "mean absolute error", later_configured(f"{_FUNCTIONS}:mae"), tasks=("regression",)
    ),
    "huber": Loss(
        "squared up to delta, absolute beyond: outliers weigh less",
        later_configured(f"{_FUNCTIONS}:huber"),
        {"delta": Number(1.0, "where it turns", low=0, open="low", tune=(0.1, 10.0), log=True)},
        source="Huber 1964",
        tasks=("regression",),
    ),
}

DEFAULT_LOSS = {
    "classification": "cross_entropy",
    "regression": "mse",
    "multilabel": "binary_cross_entropy",
}
LEARNED = {"classification": "classes", "regression": "numbers", "multilabel": "labels of 0 and 1"}
"""What the targets of a task are."""


def misfit(loss: str, task: str, targets: str, wanted: str) -> str:
    """What is said where a loss is for a task and the targets are of the `wanted` one."""
    way_out = f'give loss="{DEFAULT_LOSS[wanted]}"'
    return f"{loss} is a loss for {task}, and {targets} are {LEARNED[wanted]}; {way_out}"
