"""Trials in tables that a person looks through: small curves, groups, several beside each other."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from studies.analysis.trial_groups import TrialGroup
from studies.records import Trial
from studies.reporting.figures.training.trials import difference
from studies.results import StudyResults, duration, is_share, level
from studies.results.wording import within

POINTS = 20
"""Values of a curve that a small picture of it has."""


def thinned(curve: Mapping[int, float], most: int = POINTS) -> list[float]:
    """A curve by its values at so many epochs, equally far apart, the first and last among them."""
    values = [value for _, value in sorted(curve.items()) if math.isfinite(value)]
    if len(values) <= most:
        return values
    return [values[round(place)] for place in np.linspace(0, len(values) - 1, most)]


def groups_table(groups: Sequence[TrialGroup], metric: str) -> pd.DataFrame:
    """A row for each group of trials; the mean and the best are numbers, shares in percent."""
    rows, factor = [], 100 if is_share(metric) else 1
    for group in groups:
        low, high = within(metric, group.mean.low, group.mean.high)
        known = math.isfinite(low)
        rows.append(
            {
                "group": group.name,
                "trials": group.trials,
                "completed": group.completed,
                "mean": factor * group.mean.estimate,
                "interval": f"{level(metric, low)} to {level(metric, high)}" if known else "–",
                "best": factor * _value(group.best),
                "best trial": group.best.key if group.best else "–",
                "failed": group.failures,
            }
        )
    return pd.DataFrame(rows)


def _value(trial: Trial | None) -> float:
    return math.nan if trial is None or trial.value is None else trial.value


def beside_each_other(
    results: StudyResults, trials: Sequence[Trial], *, only: bool
) -> pd.DataFrame:
    """Trials in a column each: what they reached and took, then their configurations; with `only`
    what differs. The objective is always there."""
    objective = results.spec.objective.metric
    first, *others = trials
    logged = dict.fromkeys(name for trial in trials for name in (*trial.best, *trial.test))
    metrics = [name for name in logged if not name.startswith(("optim/", "time/"))]
    told = {objective: [level(objective, trial.value) for trial in trials]}
    told["outcome"] = [str(trial.outcome or "running").replace("_", " ") for trial in trials]
    for name in metrics:
        values = [trial.best.get(name, trial.test.get(name)) for trial in trials]
        told.setdefault(name, [level(name, value) for value in values])
    told["best epoch"] = [str(trial.best_epoch or "–") for trial in trials]
    told["epochs"] = [str(trial.epochs or "–") for trial in trials]
    told["time"] = [duration(trial.seconds) if trial.outcome else "–" for trial in trials]
    for name in ("arm", "repeat", "seed"):
        told[name] = [str(getattr(trial, name) or "–") for trial in trials]
    keys = [trial.key for trial in trials]
    rows = [
        {"": name} | dict(zip(keys, texts, strict=True))
        for name, texts in told.items()
        if name == objective or not only or len(set(texts)) > 1
    ]
    configurations = difference(first, {each.key: each for each in others}, only=only).table
    return pd.concat(
        [pd.DataFrame(rows), configurations.rename(columns={"parameter": ""})], ignore_index=True
    )
