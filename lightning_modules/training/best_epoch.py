"""Which epoch of a training is its best one."""

from __future__ import annotations

import math
from collections.abc import Mapping

from lightning_modules.configuration import Objective
from lightning_modules.optimization import loss_beside


def is_better(
    metrics: Mapping[str, float], best: Mapping[str, float], objective: Objective
) -> bool:
    """Whether an epoch is better than the best one before it, whose metrics are `best`, if any.

    Epochs that are equal by the objective, as accuracies of few rows often are, are compared by
    the loss on the same part. Those that are equal by that too leave the earlier one the best. An
    epoch without a value of the objective is no better.
    """
    if objective.metric not in metrics:
        return False
    if not best:
        return True
    value, known = metrics[objective.metric], best[objective.metric]
    if value != known:
        return value > known if objective.goal == "maximize" else value < known
    name = loss_beside(objective.metric)
    return name is not None and _loss(metrics, name) < _loss(best, name)


def _loss(metrics: Mapping[str, float], name: str) -> float:
    """A loss; infinite, which is the worst, where it is missing or not finite."""
    value = metrics.get(name, math.inf)
    return value if math.isfinite(value) else math.inf
