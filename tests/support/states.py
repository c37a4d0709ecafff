"""Studies in every state that a reader may meet, without training and without a database."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import optuna

from lightning_modules.configuration import Configuration
from studies.records import Annotation, Outcome, Trial
from studies.results import StudyResults, on_test
from studies.study_file import Spec
from tests.support.made import ARMS, OPTIMIZERS, spec_of, study, trial

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
compare: {factor: schedule, claim: configurations}
"""
)
REGULARIZATION = (
    HEAD
    + """
regularization:
  - {label: none}
  - {l2: {min: 1e-6, max: 1e-1, log: true}}
  - {dropout: {values: [0.1, 0.5]}}
compare: {factor: regularization, claim: configurations}
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
KINDS += "compare: {factor: model.activation, claim: configurations}"


def labelled(names: Iterable[str]) -> str:
    """A study file with one and the same optimizer under several names."""
    ranges = "lr: {min: 1e-3, max: 1.0, log: true}"
    lines = [f"  - {{name: sgd, label: {name!r}, {ranges}}}" for name in names]
    compare = "compare: {factor: optimizer, claim: configurations}"
    return "\n".join([HEAD, compare, "optimizer:", *lines])


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
compare: {factor: optimizer, claim: configurations}
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
compare: {factor: model, claim: configurations}
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
compare: {factor: optimizer, claim: configurations}
confirm: {top: 1, seeds: 9}
"""

Value = Callable[[int, int], float | None]
"""The objective by the place of the arm and the number of the trial, or the seed."""


def rising(arm: int, number: int) -> float:
    """Later arms are better, and so are later trials."""
    return 0.5 + 0.01 * arm + 0.002 * number


def scattered(arm: int, number: int) -> float:
    """Later arms are better by 0.1, and trials differ as draws do."""
    return 0.4 + 0.1 * arm + 0.2 * (number * 0.618 % 1.0)


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
    top: int = 1,
) -> list[Trial]:
    """A search of every arm with points of its own space, and its best point, or so many of them
    once each, on fresh seeds."""
    made = []
    for place, arm in enumerate(spec.arms):
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
            runs = [(seed, found[-1], seed) for seed in range(1, seeds + 1)]
            if top > 1:
                drawn = sorted(found[1:], key=lambda trial: trial.value or 0.0)
                runs = [(index, trial, 1) for index, trial in enumerate(drawn[-top:])]
            for number, best, seed in runs:
                about = {
                    name: getattr(best, name) for name in ("configuration", "config_hash", "params")
                }
                fresh = value(place, number) if top == 1 else best.value
                made.append(
                    _trial(spec, arm.name, number, fresh, phase="confirm", seed=seed, **about)
                )
    return made


def _trial(spec: Spec, arm: str, number: int, value: float | None, **changes: Any) -> Trial:
    metric = spec.objective.metric
    name = metric.rpartition("/")[2]
    known = value if value is not None and math.isfinite(value) else 0.0
    best: Any = {metric: value, f"train/{name}": known + 0.05, "val/loss": 1 - known}
    outcome = changes.pop("outcome", Outcome.completed)
    phase = changes.pop("phase", "search")
    repeat = changes.get("repeat", 1)
    again = f"-r{repeat}" if repeat > 1 else ""
    made = trial(spec, "sgd", number, value, phase=phase, outcome=outcome, epochs=EPOCHS)
    return replace(
        made,
        key=f"{arm}{again}-{phase}-{number}",
        arm=arm,
        run_id=f"run-{arm}{again}-{phase}-{number}",
        curve={} if value is None else {e: value - 0.1 / e for e in range(1, EPOCHS + 1)},
        best={} if value is None else best,
        **changes,
    )


Repeated = Callable[[int, int, int], float]
"""The objective by the place of the arm, the repeat and the number of the trial."""


def steady(arm: int, repeat: int, number: int) -> float:
    """Later arms are better by nearly as much in every repeat, on splits that differ far more."""
    return 0.4 + 0.05 * (repeat % 4) + 0.1 * arm + 0.004 * (repeat * arm % 3) + 0.002 * number


def steady_loss(arm: int, repeat: int, number: int) -> float:
    """The same for errors, which are smaller by a nearly equal ratio."""
    return math.exp(-3 * steady(arm, repeat, number))


def repeats_of(
    spec: Spec,
    value: Repeated = steady,
    *,
    repeats: int | None = None,
    lost: Mapping[str, Iterable[int]] | None = None,
    own_splits: bool = True,
    cross: bool = False,
) -> list[Trial]:
    """Several searches of every arm, each with its winner on one fresh seed; the test part is
    0.01 below. `lost`: the repeats in which an arm's winner diverges."""
    made = []
    for repeat in range(1, (repeats or spec.repeats) + 1):
        for place, arm in enumerate(spec.arms):
            about: dict[str, Any] = {"repeat": repeat}
            about["split"] = 1000 + repeat if own_splits else None
            sampler = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=repeat))
            for number in range(4):
                asked = sampler.ask()
                configuration = Configuration.resolve(arm.space.suggest(asked))
                about |= {
                    "configuration": configuration.to_dict(),
                    "config_hash": configuration.hash,
                    "params": asked.params,
                    "rows": {"train": 600, "validation": 200, "test": 200},
                }
                found = value(place, repeat, number)
                made.append(_trial(spec, arm.name, number, found, **about))
            failed = repeat in (lost or {}).get(arm.name, ())
            fresh = value(place, repeat, 0)
            other = {"repeat": 3 - repeat, "split": 1003 - repeat}
            phases = ["confirm", "cross"] if cross and repeat < 3 else ["confirm"]
            for phase in phases:
                tested = {} if phase == "cross" else {on_test(spec.objective.metric): fresh - 0.01}
                made.append(
                    _trial(
                        spec,
                        arm.name,
                        repeat,
                        None if failed else fresh,
                        phase=phase,
                        outcome=Outcome.diverged if failed else Outcome.completed,
                        test={} if failed else tested,
                        **(about | other if phase == "cross" else about),
                    )
                )
                made[-1] = replace(made[-1], seed=100 + repeat)
    return made


def annotated(results: StudyResults) -> StudyResults:
    """The same with notes and tags of people on the study and on all trials."""
    said = Annotation("\n".join(NAMES), {"seen by": NAMES[0]})
    trials = [replace(each, annotation=said) for each in results.trials]
    return replace(results, trials=trials, annotation=said)


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

    of_arms = spec_of(ARMS)
    losses = spec_of(ARMS.replace("val/accuracy", "val/loss"))
    two = spec_of(ARMS.replace("repeats: 6", "repeats: 2"))
    looked_at = spec_of(ARMS.replace("repeats: 6", "repeats: auto"))
    one_split = spec_of(ARMS.replace("data: digits", "data: {name: digits, split: fixed}"))
    at = spec_of(
        ARMS.replace("trials: 4, repeats: 6", "trials: 20, pruner: none")
        .replace("claim: arms", "claim: arms, at: 5")
        .replace("top: 1, ", "")
    )
    alone = spec_of(
        HEAD.replace("trials: 4", "trials: 4, repeats: 3").replace("confirm: ", "#")
        + "optimizer: {name: sgd, lr: {min: 1e-3, max: 1.0, log: true}}"
    )
    return {
        "arms": study(of_arms, repeats_of(of_arms, cross=True)),
        "arms by losses": study(losses, repeats_of(losses, steady_loss)),
        "arms with lost repeats": study(
            of_arms, repeats_of(of_arms, lost={"momentum": (2, 5), "adam": (2,)})
        ),
        "arms that lost everything": study(of_arms, repeats_of(of_arms, lost={"sgd": range(1, 7)})),
        "arms without a verdict": study(two, repeats_of(two)),
        "arms after the first look": study(looked_at, repeats_of(looked_at, repeats=6)),
        "arms half way": study(of_arms, repeats_of(of_arms, repeats=3), finished=False),
        "arms on one split": study(one_split, repeats_of(one_split, own_splits=False)),
        "arms at a budget": study(at, trials_of(at, scattered, count=21, top=8)),
        "searches of one arm": study(alone, [t for t in repeats_of(alone) if t.phase == "search"]),
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
        "hostile": annotated(study(spec := spec_of(labelled(NAMES)), trials_of(spec))),
    }
