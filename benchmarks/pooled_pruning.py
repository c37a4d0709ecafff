"""Whether pruning across arms picks the wrong one, where the right one is known.

    python benchmarks/pooled_pruning.py
    python benchmarks/pooled_pruning.py --studies 1000 --output pooled_pruning.json

Nothing is trained. A trial is a formula of its learning rate, its schedule and its seed: `cosine`
ends higher than `constant` by `GAIN` at every learning rate, but it is behind until the last third
of the epochs, as schedules that cool down late are. Each training has a deviation of its own
(`SEED_NOISE`) and each epoch another one (`EPOCH_NOISE`). The choice between two arms is made from
the same number of trials, by random search with the same median pruner, in several ways:

- *unpruned*: one Optuna study with the schedule as a categorical parameter and no pruner; its best
  trial decides;
- *pooled*: the same with the pruner;
- *arms*: fairtune's search, in which every arm has its own half of the trials and its own pruner;
  the best trial decides;
- *confirmed*: the same search, and the best configuration of each arm on fresh seeds; their means
  decide; the *verdict* may also be that no difference is detectable.

Wrong is `constant`. The shares have Clopper and Pearson's 95 % intervals.
"""

from __future__ import annotations

import argparse
import json
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import optuna
from machine import machine
from replay import run
from rich.box import MARKDOWN
from rich.console import Console
from rich.table import Table
from scipy.stats import binomtest

from studies.analysis import compare
from studies.engines import Task
from studies.home import Home
from studies.records import EpochReport, Outcome, Record, TrialEnd
from studies.study_file.methods.pruners import PRUNERS

ARMS = RIGHT, WRONG = "cosine", "constant"
TRIALS, EPOCHS, SEEDS = 40, 20, 10
"""Trials in all, epochs of each, fresh seeds for the winner of each arm."""
GAIN = 0.010
BEHIND = 0.060
SEED_NOISE, EPOCH_NOISE = 0.004, 0.002
LOW, BEST, HIGH = 1e-4, 1e-2, 1.0


def curve(schedule: str, lr: float, seed: int) -> list[float]:
    """The accuracy after every epoch."""
    rng = np.random.default_rng(seed)
    end = 0.90 - 0.02 * math.log10(lr / BEST) ** 2 + SEED_NOISE * rng.standard_normal()
    done = np.arange(1, EPOCHS + 1) / EPOCHS
    learned = end - 0.3 * np.exp(-8 * done)
    if schedule == RIGHT:
        learned += GAIN - BEHIND * (1 + np.cos(np.pi * done)) / 2
    return [float(value) for value in learned + EPOCH_NOISE * rng.standard_normal(EPOCHS)]


@dataclass(frozen=True)
class Choices:
    """What each way chose in one study, and the share of each arm's trials that were pruned."""

    unpruned: str
    pooled: str
    arms: str
    confirmed: str
    verdict: str
    """`none` where no difference was detectable."""
    pooled_pruned: Mapping[str, float]
    arms_pruned: Mapping[str, float]


def pooled(seed: int, pruner: str, **parameters: Any) -> tuple[str, dict[str, float]]:
    """What a study of Optuna chooses in which the schedule is one more parameter."""
    noise = np.random.SeedSequence(seed).generate_state(TRIALS)

    def objective(trial: optuna.Trial) -> float:
        schedule = trial.suggest_categorical("schedule", ARMS)
        values = curve(
            schedule, trial.suggest_float("lr", LOW, HIGH, log=True), noise[trial.number]
        )
        for epoch, value in enumerate(values, start=1):
            trial.report(value, epoch)
            if trial.should_prune():
                raise optuna.TrialPruned
        return max(values)

    study = optuna.create_study(
        direction="maximize",
        sampler=optuna.samplers.RandomSampler(seed=seed),
        pruner=PRUNERS[pruner].build(EPOCHS, **parameters),
    )
    study.optimize(objective, n_trials=TRIALS)
    ended = [
        (t.params["schedule"], t.state == optuna.trial.TrialState.PRUNED) for t in study.trials
    ]
    return study.best_params["schedule"], shares(ended)


def perform(task: Task, on_epoch: Callable[[EpochReport], bool]) -> TrialEnd:
    """A training of fairtune's search."""
    told = task.configuration
    values = curve(told.schedule.name, float(told.optimizer.parameters["lr"]), task.seed)
    for epoch, value in enumerate(values, start=1):
        last = epoch == EPOCHS
        if not on_epoch(EpochReport(epoch, {"val/accuracy": value})) and not last:
            return TrialEnd(Outcome.pruned, epochs=epoch)
    best = max(values)
    at = values.index(best) + 1
    return TrialEnd(Outcome.completed, epochs=EPOCHS, best_epoch=at, best={"val/accuracy": best})


def choices(seed: int) -> Choices:
    """All ways on one study."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = {
        "study": "pooled-pruning",
        "data": "digits",
        "model": "mlp",
        "optimizer": {"name": "sgd", "lr": {"min": LOW, "max": HIGH, "log": True}},
        "schedule": list(ARMS),
        "trainer": {"epochs": EPOCHS},
        "objective": {"metric": "val/accuracy"},
        "search": {"method": "random", "trials": TRIALS // 2, "pruner": "median", "seed": seed},
        "compare": {"factor": "schedule", "claim": "configurations"},
        "confirm": {"top": 1, "seeds": SEEDS},
    }
    with TemporaryDirectory() as folder:
        results = run(study, Record.in_memory(), Home.at(Path(folder)), perform)
    compared = compare(results)
    (pair,) = compared.pairs
    better = pair.result.verdict.better
    chosen, pruned = pooled(seed, "median", n_startup_trials=5)
    ended = [(trial.arm, trial.outcome == Outcome.pruned) for trial in results.search]
    return Choices(
        unpruned=pooled(seed, "none")[0],
        pooled=chosen,
        arms=results.ranking[0].arm,
        confirmed=compared.arms[0].arm,
        verdict={"a": pair.a, "b": pair.b}.get(better, "none"),
        pooled_pruned=pruned,
        arms_pruned=shares(ended),
    )


def shares(ended: Sequence[tuple[str, bool]]) -> dict[str, float]:
    """The pruned share of each arm's trials; NaN for an arm without any."""
    counts = {arm: [pruned for name, pruned in ended if name == arm] for arm in ARMS}
    return {arm: sum(c) / len(c) if c else math.nan for arm, c in counts.items()}


def show(made: Sequence[Choices], console: Console) -> dict[str, Any]:
    """Print how often each way was wrong and what was pruned; the same as a record."""
    table = Table(box=MARKDOWN)
    for column in ("way", "wrong arm", "no difference", *(f"pruned of {arm}" for arm in ARMS)):
        table.add_column(column, justify="left" if column == "way" else "right")
    record: dict[str, Any] = {}
    ways = [field.name for field in fields(Choices) if not field.name.endswith("_pruned")]
    for way in ways:
        told = Counter(getattr(each, way) for each in made)
        interval = binomtest(told[WRONG], len(made)).proportion_ci()
        pruned = {arm: 0.0 for arm in ARMS}
        if way != "unpruned":
            told_of = "pooled_pruned" if way == "pooled" else "arms_pruned"
            cut = [getattr(each, told_of) for each in made]
            pruned = {arm: float(np.nanmean([share[arm] for share in cut])) for arm in ARMS}
        table.add_row(
            way,
            f"{told[WRONG] / len(made):.1%} ({interval.low:.1%} – {interval.high:.1%})",
            f"{told['none'] / len(made):.1%}" if way == "verdict" else "",
            *(f"{share:.0%}" for share in pruned.values()),
        )
        record[way] = {
            "wrong": told[WRONG],
            "none": told["none"],
            "interval": [interval.low, interval.high],
            "pruned": pruned,
        }
    console.print(table)
    console.print(f"{len(made)} studies of {TRIALS} trials; {RIGHT} is better by {GAIN:.1%}.")
    return record


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark, print its table and write its JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--studies", type=int, default=400)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--output", type=Path, help="JSON file to write")
    options = parser.parse_args(arguments)
    with ProcessPoolExecutor(options.processes) as pool:
        made = list(pool.map(choices, range(options.studies), chunksize=5))
    record = show(made, Console(width=160))
    if options.output:
        result = {"machine": machine(), "studies": options.studies, "ways": record}
        options.output.write_text(json.dumps(result, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
