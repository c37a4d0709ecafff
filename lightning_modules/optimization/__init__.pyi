from .losses import LOSSES
from .metrics import (
    METRICS,
    goal_of,
    loss_beside,
    lower_is_better,
    metrics_for,
    objective_metrics,
)
from .regularization import REGULARIZATION, regularizers
from .schedules import SCHEDULES

__all__ = [
    "LOSSES",
    "METRICS",
    "REGULARIZATION",
    "SCHEDULES",
    "goal_of",
    "loss_beside",
    "lower_is_better",
    "metrics_for",
    "objective_metrics",
    "regularizers",
]
