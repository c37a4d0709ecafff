"""Studies made by hand, without a database: what the read side would give."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from lightning_modules.configuration import Configuration
from studies.home import Home
from studies.records import Outcome, Trial
from studies.results import StudyResults
from studies.study_file import Spec, document, resolve

START = datetime(2026, 1, 1)
HOME = Home(Path("nowhere"), "sqlite:///nowhere/optuna.db", "sqlite:///nowhere/mlflow.db")
OPTIMIZERS = """
study: made
data: digits
model: {name: mlp, hidden: [4]}
optimizer:
  - {name: sgd, lr: {min: 1e-3, max: 1.0, log: true}}
  - {name: momentum, lr: {min: 1e-3, max: 1.0, log: true}}
  - {name: adam, lr: {min: 1e-4, max: 1e-1, log: true}}
trainer: {epochs: 10}
objective: {metric: val/accuracy}
search: {method: random, trials: 4}
compare: {factor: optimizer, claim: configurations}
confirm: {top: 1, seeds: 9}
"""
COMPARE = "compare: {factor: optimizer, claim: configurations}\n"
ARMS = OPTIMIZERS.replace(COMPARE, "compare: {factor: optimizer, claim: arms}\n").replace(
    "trials: 4", "trials: 4, repeats: 6"
)
ARMS = ARMS.replace("seeds: 9", "seeds: 1")
"""The same arms, each searched six times."""


def spec_of(text: str = OPTIMIZERS) -> Spec:
    return resolve(document.parse(text, "made.yaml"))


def trial(
    spec: Spec,
    arm: str,
    number: int,
    value: float | None,
    *,
    lr: float = 0.05,
    phase: str = "search",
    seed: int = 0,
    outcome: Outcome = Outcome.completed,
    epochs: int = 10,
    curve: Mapping[int, float] | None = None,
    test: Mapping[str, float] | None = None,
    **changes: Any,
) -> Trial:
    """A trial of an arm of `OPTIMIZERS` with that learning rate."""
    metric = spec.objective.metric
    name = arm.partition(" ")[0] or "sgd"
    configuration = Configuration.resolve(
        {
            "data": "digits",
            "model": {"name": "mlp", "hidden": [4]},
            "optimizer": {"name": name, "lr": lr},
            "trainer": {"epochs": 10},
        }
    )
    return Trial(
        **{
            "key": f"{arm}-{phase}-{number}",
            "arm": arm,
            "phase": phase,
            "outcome": outcome,
            "value": value if outcome == Outcome.completed else None,
            "seed": seed,
            "configuration": configuration.to_dict(),
            "config_hash": configuration.hash,
            "epochs": epochs,
            "best_epoch": epochs,
            "best": {} if value is None else {metric: value, "val/loss": 1 - value},
            "test": test or {},
            "reason": "",
            "seconds": 2.0,
            "run_id": f"run-{arm}-{phase}-{number}",
            "duplicate_of": None,
            "default": number == 0 and phase == "search",
            "params": {"optimizer.lr": lr},
            "curve": curve or {},
            "started": START + timedelta(seconds=number),
            "ended": START + timedelta(seconds=number + 1),
            **changes,
        }
    )


def study(spec: Spec, trials: Sequence[Trial], *, finished: bool = True) -> StudyResults:
    return StudyResults(HOME, spec, trials, finished)


def searched(spec: Spec, best: Mapping[str, float], count: int = 4) -> list[Trial]:
    """The same search for every arm: values that rise to the arm's best."""
    return [
        trial(spec, arm, i, value - 0.01 * (count - 1 - i), lr=0.01 * (i + 2))
        for arm, value in best.items()
        for i in range(count)
    ]


def confirmed(
    spec: Spec, arm: str, values: Sequence[float | None], *, lr: float = 0.05, **changes: Any
) -> list[Trial]:
    """The arm's best configuration of `searched` on fresh seeds 1, 3, 5, ...; None has failed."""
    return [
        trial(
            spec,
            arm,
            i,
            value,
            lr=lr,
            phase="confirm",
            seed=2 * i + 1,
            outcome=Outcome.completed if value is not None else Outcome.diverged,
            test={} if value is None else {"test/accuracy": value - 0.01},
            **changes,
        )
        for i, value in enumerate(values)
    ]
