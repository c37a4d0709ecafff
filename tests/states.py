"""Studies in every state that a reader may meet, without training and without a database."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import optuna

from lightning_modules.configuration import Configuration
from studies.arms import arms
from studies.records import Outcome
from studies.results import StudyResults, Trial
from studies.spec import Spec
from tests.made import OPTIMIZERS, spec_of, study, trial

SEEDS, EPOCHS = 9, 4
HEAD = """
study: made
description: "Which is **best**? <script>alert(1)</script>"
data: digits
model: {name: mlp, hidden: [4]}
trainer: {epochs: 4}
objective: {metric: val/accuracy}
search: {method: random, trials: 4}
confirm: {top: 1, seeds: 9}
"""
SCHEDULES = (
    HEAD
    + """
optimizer: {name: sgd, lr: {min: 1e-3, max: 1.0, log: true}}
schedule:
  - {name: constant}
  - {name: step, step_size: {min: 1, max: 3}}
  - {name: plateau, patience: {values: [0, 1]}}
  - {name: one_cycle, warmup: 1}
compare: {factor: schedule}
"""
)
REGULARIZATION = (
    HEAD
    + """
regularization:
  - {label: none}
  - {l2: {min: 1e-6, max: 1e-1, log: true}}
  - {dropout: {values: [0.1, 0.5]}}
compare: {factor: regularization}
"""
)
NAMES = (
    "<script>alert(1)<b>",
    "**bold** [x](http:e) $a$ :smile: # | `c`",
    "a.b[0]" + 54 * "x",
)
FORTY = [f"arm-{number:02}" for number in range(40)]
KINDS = HEAD.replace(
    "[4]", "[4], activation: {values: [relu, tanh]}, batch_norm: {values: [true, false]}"
)
KINDS += "compare: {factor: model.activation}"


def labelled(names: Iterable[str]) -> str:
    """A study file with one and the same optimizer under several names."""
    ranges = "lr: {min: 1e-3, max: 1.0, log: true}"
    lines = [f"  - {{name: sgd, label: {name!r}, {ranges}}}" for name in names]
    return "\n".join([HEAD, "compare: {factor: optimizer}", "optimizer:", *lines])


ERRORS = """
study: made
data: diabetes
model: {name: mlp, hidden: [4]}
optimizer:
  - {name: sgd, lr: {min: 1e-4, max: 0.1, log: true}}
  - {name: adam, lr: {min: 1e-4, max: 0.1, log: true}}
trainer: {epochs: 4}
objective: {metric: val/rmse}
search: {method: random, trials: 4}
compare: {factor: optimizer}
confirm: {top: 1, seeds: 9}
"""

CLASSES = """
study: made
data: {class: "mine:Rows", batch_size: 8}
model:
  - {class: "mine:Module", label: narrow, width: 4, lr: {min: 1e-3, max: 1.0, log: true}}
  - {class: "mine:Module", label: wide, width: 64, lr: {min: 1e-3, max: 1.0, log: true}}
trainer: {epochs: 4}
objective: {metric: val_acc, goal: maximize}
search: {method: random, trials: 4}
compare: {factor: model}
confirm: {top: 1, seeds: 9}
"""
PROGRAMS = """
study: made
model: {command: [sh, "{optimizer.name}", "{optimizer.lr}", "{seed}"]}
optimizer:
  - {name: sgd, lr: {min: 1e-4, max: 0.1, log: true}}
  - {name: adam, lr: {min: 1e-4, max: 0.1, log: true}}
trainer: {epochs: 4}
objective: {metric: val/score, goal: maximize}
search: {method: random, trials: 4}
compare: {factor: optimizer}
confirm: {top: 1, seeds: 9}
"""

Value = Callable[[int, int], float | None]
"""The objective by the place of the arm and the number of the trial, or the seed."""


def rising(arm: int, number: int) -> float:
    """Later arms are better, and so are later trials."""
    return 0.5 + 0.01 * arm + 0.002 * number


def falling(arm: int, number: int) -> float:
    """The same for errors."""
    return 1 - rising(arm, number)


def trials_of(
    spec: Spec,
    value: Value = rising,
    *,
    outcome: Outcome = Outcome.completed,
    count: int = 4,
    seeds: int = SEEDS,
) -> list[Trial]:
    """A search of every arm with points of its own space, and its best point on fresh seeds."""
    made = []
    for place, arm in enumerate(arms(spec)):
        sampler = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=place))
        found = []
        for number in range(count):
            asked = sampler.ask()
            configuration = Configuration.resolve(arm.space.suggest(asked))
            about = {
                "configuration": configuration.to_dict(),
                "config_hash": configuration.hash,
                "params": asked.params,
            }
            found.append(
                _trial(spec, arm.name, number, value(place, number), outcome=outcome, **about)
            )
        made += found
        if outcome == Outcome.completed:
            best = found[-1]
            about = {
                name: getattr(best, name) for name in ("configuration", "config_hash", "params")
            }
            made += [
                _trial(spec, arm.name, n, value(place, n), phase="confirm", seed=n, **about)
                for n in range(1, seeds + 1)
            ]
    return made


def _trial(spec: Spec, arm: str, number: int, value: float | None, **changes: Any) -> Trial:
    metric = spec.objective.metric
    name = metric.rpartition("/")[2]
    known = value if value is not None and math.isfinite(value) else 0.0
    best = {metric: value, f"train/{name}": known + 0.05, "val/loss": 1 - known}
    outcome = changes.pop("outcome", Outcome.completed)
    phase = changes.pop("phase", "search")
    made = trial(spec, "sgd", number, value, phase=phase, outcome=outcome, epochs=EPOCHS)
    return replace(
        made,
        key=f"{arm}-{phase}-{number}",
        arm=arm,
        run_id=f"run-{arm}-{phase}-{number}",
        curve={} if value is None else {e: value - 0.1 / e for e in range(1, EPOCHS + 1)},
        best={} if value is None else best,
        **changes,
    )


def states() -> Mapping[str, StudyResults]:
    """Every state by its name."""
    plain = spec_of(OPTIMIZERS)
    without = spec_of(OPTIMIZERS.replace("confirm: {top: 1, seeds: 9}", "confirm: null"))
    one = spec_of(OPTIMIZERS.replace("  - {name: momentum", "#").replace("  - {name: adam", "#"))
    nothing_compared = spec_of(
        HEAD + "optimizer: {name: sgd, lr: {min: 1e-3, max: 1.0, log: true}}"
    )
    waiting = replace(trials_of(plain, count=1, seeds=0)[0], outcome=None, value=None, best={})
    values = (math.inf, math.nan, 0.7, 0.8)

    def odd(arm: int, number: int) -> float:
        return values[(arm + number) % 4]

    return {
        "finished": study(plain, trials_of(plain)),
        "schedules": study(spec := spec_of(SCHEDULES), trials_of(spec)),
        "regularization": study(spec := spec_of(REGULARIZATION), trials_of(spec)),
        "errors to minimize": study(spec := spec_of(ERRORS), trials_of(spec, falling)),
        "nothing started": study(plain, [], finished=False),
        "none completed": study(plain, trials_of(plain, outcome=Outcome.pruned), finished=False),
        "all failed": study(plain, trials_of(plain, lambda *_: None, outcome=Outcome.diverged)),
        "not confirmed": study(without, trials_of(without, seeds=0)),
        "running": study(plain, [*trials_of(plain, count=2, seeds=0), waiting], finished=False),
        "interrupted": study(plain, trials_of(plain, count=2, seeds=0), finished=False),
        "one arm": study(one, trials_of(one)),
        "nothing compared": study(nothing_compared, trials_of(nothing_compared)),
        "forty arms": study(
            spec := spec_of(labelled(f"arm-{i:02}" for i in range(40))), trials_of(spec, seeds=3)
        ),
        "choices": study(spec := spec_of(KINDS), trials_of(spec)),
        "own classes": study(spec := spec_of(CLASSES), trials_of(spec)),
        "programs": study(spec := spec_of(PROGRAMS), trials_of(spec)),
        "infinite": study(plain, trials_of(plain, odd)),
        "hostile": study(spec := spec_of(labelled(NAMES)), trials_of(spec)),
    }
