"""Importances are those of Optuna's own evaluator."""

import warnings
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.importance import PedAnovaImportanceEvaluator

from studies.statistics.ped_anova import binned, evaluate

KINDS: dict[str, BaseDistribution] = {
    "rate": FloatDistribution(1e-4, 1.0, log=True),
    "momentum": FloatDistribution(0.0, 0.99),
    "stepped": FloatDistribution(0.0, 1.0, step=0.1),
    "few": IntDistribution(1, 4),
    "many": IntDistribution(16, 512, step=16),
    "doubled": IntDistribution(1, 100, log=True),
    "choice": CategoricalDistribution(["a", "b", "c"]),
}


@pytest.mark.parametrize("goal", ["minimize", "maximize"])
@pytest.mark.parametrize("missing", [0.0, 0.5, 0.97])
@pytest.mark.parametrize("count", [50, 51, 500])
def test_every_importance_is_that_of_optuna(count: int, missing: float, goal: str) -> None:
    rng = np.random.default_rng(count)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1), direction=goal)
    for _ in range(count):
        given = [name for name in KINDS if name == "rate" or rng.random() >= missing]
        trial = study.ask({name: KINDS[name] for name in given})
        off = abs(np.log10(trial.params["rate"]) + 2) + 0.3 * (trial.params.get("choice") == "b")
        study.tell(trial, round(float(off + 0.5 * rng.random()), 1))  # some values are equal
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wanted = PedAnovaImportanceEvaluator().evaluate(study)
    assert evaluated(study) == pytest.approx(wanted, rel=1e-9, abs=1e-12)


def evaluated(study: optuna.Study) -> dict[str, float]:
    """The importances of all parameters that a trial has."""
    params: list[dict[str, Any]] = [trial.params for trial in study.trials]
    values = np.array([trial.value for trial in study.trials])
    known = {name: kind for name, kind in KINDS.items() if any(name in each for each in params)}
    places = {
        name: binned(kind, [each.get(name) for each in params]) for name, kind in known.items()
    }
    return evaluate(places, values if study.direction.name == "MINIMIZE" else -values)
