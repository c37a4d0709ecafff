"""A home with a study of any size, written in bulk as a run of it would have left it.

The study compares four optimizers, or several copies of each, by random search with a pruner and
confirms their winners. No
network is trained: values are drawn around a curve over the learning rate.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from optuna.distributions import (
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
    distribution_to_json,
)

from lightning_modules.configuration import Configuration
from studies.home import Home
from studies.records import Outcome, TrialEnd
from studies.search.arm_search import derive_seed, new_trial
from studies.search.names import trial_key
from studies.study_file import Spec, confirm_seeds, document, resolve
from tests.support.bulk import Made, write

STUDY = "large"
FILE = """
study: large
description: Which optimizer suits a small network on handwritten digits?
data: {{name: digits, batch_size: {{values: [32, 64, 128]}}}}
model: {{name: mlp, hidden: {{values: [[32], [64], [64, 64]]}}}}
optimizer:
{optimizers}
regularization: {{dropout: {{min: 0.0, max: 0.6}}}}
trainer: {{epochs: {epochs}}}
objective: {{metric: val/accuracy, goal: maximize}}
search: {{method: random, trials: {trials}, pruner: {{name: median}}}}
compare: {{factor: optimizer, claim: configurations}}
confirm: {{top: 1}}
"""
OPTIMIZERS = {
    "sgd": "lr: {min: 1e-3, max: 10.0, log: true}",
    "momentum": "lr: {min: 1e-4, max: 1.0, log: true}, momentum: {min: 0.5, max: 0.99}",
    "adam": "lr: {min: 1e-5, max: 0.1, log: true}",
    "adamw": "lr: {min: 1e-5, max: 0.1, log: true}",
}
"""With what is searched of each."""
BEST_LR = {"sgd": 0.3, "momentum": 0.05, "adam": 2e-3, "adamw": 3e-3}
TOP = {"sgd": 0.95, "momentum": 0.965, "adam": 0.97, "adamw": 0.972}
PRUNED, DIVERGED_BEYOND = 0.2, 1.6
"""The share of trials that are pruned, and the powers of ten above the best rate that diverge."""
START = datetime(2026, 1, 1)


@dataclass
class Drawn:
    """A suggester that draws, and remembers what the record has of it."""

    rng: np.random.Generator
    given: Mapping[str, Any]
    """Values that are not drawn."""
    params: dict[str, Any] = field(default_factory=dict)
    distributions: dict[str, str] = field(default_factory=dict)

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        ends = (math.log(low), math.log(high)) if log else (low, high)
        value = float(self.rng.uniform(*ends))
        value = min(max(math.exp(value) if log else value, low), high)
        value = float(self.given.get(name, value))
        self._note(name, value, FloatDistribution(low, high, log=log, step=step))
        return value

    def suggest_int(
        self, name: str, low: int, high: int, *, step: int = 1, log: bool = False
    ) -> int:
        value = int(self.given.get(name, self.rng.integers(low, high + 1)))
        self._note(name, value, IntDistribution(low, high, log=log, step=step))
        return value

    def suggest_categorical(self, name: str, choices: Any) -> Any:
        index = int(self.rng.integers(len(choices)))
        index = choices.index(self.given[name]) if name in self.given else index
        self._note(name, choices[index], CategoricalDistribution(choices))
        return choices[index]

    def _note(self, name: str, value: Any, kind: Any) -> None:
        self.params[name], self.distributions[name] = value, distribution_to_json(kind)


def generate(home: Home, trials: int, epochs: int = 20, seed: int = 0, arms: int = 4) -> None:
    """Fill an empty home with a study of so many trials, its confirmation among them; `arms` is a
    multiple of 4."""
    home.create(STUDY)
    seeds = confirm_seeds(_spec(trials, epochs, arms))
    each = (trials - arms * seeds) // arms
    spec = _spec(each, epochs, arms)
    made = list(_search(spec, each, np.random.default_rng(seed)))
    made += _confirmation(spec, made, seeds, np.random.default_rng(seed + 1))
    write(home, spec, made)


def _spec(trials: int, epochs: int, arms: int) -> Spec:
    lines = [
        f"  - {{name: {name}, {searched}}}"
        if arms == len(OPTIMIZERS)
        else f"  - {{name: {name}, label: {name}-{copy:02}, {searched}}}"
        for copy in range(arms // len(OPTIMIZERS))
        for name, searched in OPTIMIZERS.items()
    ]
    text = FILE.format(trials=trials, epochs=epochs, optimizers="\n".join(lines))
    return resolve(document.parse(text, "large.yaml"))


def _optimizer(arm: str) -> str:
    """The optimizer of an arm, of which there may be several copies."""
    return arm.partition("-")[0]


def _search(spec: Spec, each: int, rng: np.random.Generator) -> Iterator[Made]:
    for number in range(each):
        for index, arm in enumerate(spec.arms):
            drawn = Drawn(rng, {} if number else arm.space.default())
            configuration = Configuration.resolve(arm.space.suggest(drawn))
            lr = float(configuration.optimizer.parameters["lr"])
            off = math.log10(lr / BEST_LR[_optimizer(arm.name)])
            outcome = Outcome.completed
            if off > DIVERGED_BEYOND:
                outcome = Outcome.diverged
            elif number and rng.random() < PRUNED:
                outcome = Outcome.pruned
            yield _made(
                spec, arm.name, number, "search", configuration, outcome, off, rng,
                number * len(spec.arms) + index, derive_seed(spec.seed, "search", number),
                default=number == 0, params=drawn.params, distributions=drawn.distributions,
            )  # fmt: skip


def _confirmation(
    spec: Spec, searched: list[Made], seeds: int, rng: np.random.Generator
) -> list[Made]:
    made: list[Made] = []
    names = [arm.name for arm in spec.arms]
    done = [made.trial for made in searched if made.trial.outcome == Outcome.completed]
    best = {
        arm: max((t for t in done if t.arm == arm), key=lambda trial: trial.value or 0.0)
        for arm in names
    }
    for index in range(seeds):
        for arm in names:
            number = len(made)
            configuration = Configuration.resolve(best[arm].configuration)
            made.append(
                _made(
                    spec, arm, number, "confirm", configuration, Outcome.completed, 0.0, rng,
                    len(searched) + number, derive_seed(spec.seed, "confirm", index),
                    seed_index=index,
                )
            )  # fmt: skip
    return made


def _made(
    spec: Spec, arm: str, number: int, phase: str, configuration: Configuration,
    outcome: Outcome, off: float, rng: np.random.Generator, place: int, seed: int, **known: Any,
) -> Made:  # fmt: skip
    """A training whose accuracy rises to what its learning rate allows."""
    full = spec.max_epochs
    epochs = full if outcome == Outcome.completed else int(rng.integers(3, max(4, full // 2)))
    top = max(0.1, TOP[_optimizer(arm)] - 0.12 * off * off + rng.normal(0, 0.008))
    steps = np.arange(1, epochs + 1)
    accuracy = np.clip(top - (top - 0.1) * np.exp(-steps / 3) + rng.normal(0, 0.006, epochs), 0, 1)
    loss = -np.log(np.clip(accuracy, 1e-3, 1 - 1e-3)) + 0.05
    columns = {
        "val/loss": loss,
        "val/accuracy": accuracy,
        "val/f1": accuracy - 0.004,
        "train/loss": loss * 0.7,
        "train/accuracy": np.clip(accuracy + 0.02, 0, 1),
        "train/f1": np.clip(accuracy + 0.016, 0, 1),
        "optim/lr": np.full(epochs, configuration.optimizer.parameters["lr"]),
        "time/epoch_s": np.abs(rng.normal(0.05, 0.005, epochs)),
    }
    metrics = {
        int(step): {name: float(values[i]) for name, values in columns.items()}
        for i, step in enumerate(steps)
    }
    best = int(accuracy.argmax()) + 1
    tests = {"test/loss": "val/loss", "test/accuracy": "val/accuracy", "test/f1": "val/f1"}
    seconds = float(sum(epoch["time/epoch_s"] for epoch in metrics.values()))
    end = TrialEnd(
        outcome,
        reason="" if outcome == Outcome.completed else f"{outcome} at epoch {epochs}",
        epochs=epochs,
        best_epoch=best,
        best=metrics[best],
        test={a: metrics[best][b] for a, b in tests.items()} if phase == "confirm" else {},
        seconds=seconds,
        device="cpu",
    )
    started = START + timedelta(seconds=0.6 * place)
    trial = new_trial(
        configuration, key=trial_key(arm, number, phase=phase), number=number, arm=arm,
        phase=phase, seed=seed, started=started, **known,
    )  # fmt: skip
    value = metrics[best][spec.objective.metric]
    return Made(trial.finished(end, value, started + timedelta(seconds=seconds)), metrics)
