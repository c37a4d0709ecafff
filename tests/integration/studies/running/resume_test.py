"""A study that stops at any moment goes on to what it would have been: the same configurations,
numbers, seeds, prunings and values, for every sampler and pruner, with one worker.

The driver of these studies ends after the things that it writes, as if it had been killed there, or
is stopped in good order every few epochs, and then goes on.
"""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import optuna
import pytest

from studies import results
from studies.engines import Task
from studies.engines.inline import InlineEngine
from studies.home import Home
from studies.records import EpochReport, Outcome, Record, Trial, TrialEnd
from studies.running.trial_loop import Display, Runner
from studies.search.arm_search import build_sampler
from studies.study_file import Spec, document, resolve

EPOCHS = 6
FILE = f"""
study: resumed
data: digits
model: {{name: mlp, hidden: {{values: [[4], [8]]}}}}
optimizer:
  name: momentum
  lr: {{min: 1e-3, max: 1.0, log: true}}
  momentum: {{min: 0.0, max: 0.9}}
trainer: {{epochs: {EPOCHS}}}
objective: {{metric: val/loss}}
search: {{method: METHOD, trials: TRIALS, pruner: PRUNER}}
"""
GRID = FILE.replace("log: true", "log: true, num: 3").replace("max: 0.9", "max: 0.9, num: 2")
SAMPLERS = {
    "random": "random",
    "grid": "grid",
    "tpe": "{name: tpe, n_startup_trials: 3}",
    "qmc": "qmc",
    "cmaes": "{name: cmaes, n_startup_trials: 1}",
    "gp": "{name: gp, n_startup_trials: 1}",
}
TRIALS = {"gp": 5, "cmaes": 14}
"""A generation of CMA-ES has six trials; a trial of GP takes long."""
PRUNERS = {
    "median": "{name: median, n_startup_trials: 2}",
    "hyperband": "{name: hyperband, reduction_factor: 2}",
    "successive_halving": "{name: successive_halving, reduction_factor: 2}",
}
EVERY = {"median": 3, "hyperband": 1, "successive_halving": 3}
"""Of how many epochs one is tried; of the beginnings and ends of trials all are."""


@dataclass
class Watched(Record):
    """A record that counts what is written, and keeps what is on the disk after each thing.

    That is what a driver leaves that is killed at that moment.
    """

    copies: Path | None = None
    """A folder for the copies; None for no copies."""
    written: list[str] = field(default_factory=list)

    def begin(self, trial: Trial, sampler_state: Mapping[str, object] | None = None) -> Trial:
        begun = super().begin(trial, sampler_state)
        self.count("begin")
        return begun

    def epoch(self, trial: int, epoch: int, metrics: Mapping[str, float], value: float) -> None:
        super().epoch(trial, epoch, metrics, value)
        self.count("epoch")

    def finish(self, trial: Trial) -> Trial:
        finished = super().finish(trial)
        self.count("finish")
        return finished

    def count(self, what: str) -> None:
        self.written.append(what)
        if self.copies is not None:
            home = Home.at(self.copies / str(len(self.written)))
            home.create("resumed")
            with (
                closing(sqlite3.connect(self.path)) as source,
                closing(sqlite3.connect(home.record("resumed"))) as target,
            ):
                source.backup(target)


def spec_of(sampler: str, pruner: str) -> Spec:
    text = GRID.replace("trials: TRIALS, ", "") if sampler == "grid" else FILE
    text = text.replace("METHOD", SAMPLERS[sampler]).replace("PRUNER", PRUNERS[pruner])
    return resolve(document.parse(text.replace("TRIALS", str(TRIALS.get(sampler, 10))), "file"))


def perform(task: Task, on_epoch: Callable[[EpochReport], bool]) -> TrialEnd:
    """A training whose curve depends on its configuration; curves cross."""
    known = task.configuration.optimizer.parameters
    rate, momentum = float(known["lr"]), float(known["momentum"])
    best: dict[str, float] = {}
    for epoch in range(1, EPOCHS + 1):
        value = abs(rate - 0.1) + (1 - momentum) / epoch + momentum * epoch / 20
        best = {"val/loss": value}
        if not on_epoch(EpochReport(epoch, best)):
            return TrialEnd(Outcome.pruned, epochs=epoch, best_epoch=epoch, best=best)
    return TrialEnd(Outcome.completed, epochs=EPOCHS, best_epoch=EPOCHS, best=best)


def run(
    home: Home, spec: Spec, copies: Path | None = None, stop_after: int | None = None
) -> Sequence[str]:
    """Run or continue the study to its end, or until its driver is stopped after it has written so
    many things; what was written."""
    engine = InlineEngine(perform)
    try:
        with Watched.writing(home, spec.study) as record:
            assert isinstance(record, Watched)
            record.copies = copies
            record.close_abandoned()

            def stopping() -> bool:
                return stop_after is not None and len(record.written) >= stop_after

            Runner(spec, home, record, engine, Display(), stopping).run()
    finally:
        engine.close()
    return record.written


def facts(home: Home) -> list[Trial]:
    """All that does not depend on the time."""
    return [
        replace(trial, started=None, ended=None, seconds=0.0, system={}, revision=0)
        for trial in results.load_results(home, "resumed").trials
    ]


def is_modelled(trials: Sequence[Trial], sampler: str) -> bool:
    """Whether the last trial is more than a random draw, where the sampler can do more."""
    spec, last = spec_of("random", "median"), trials[-1]
    drawn = spec.arms[0].space.suggest(
        optuna.create_study(sampler=build_sampler(spec, last.number)).ask()
    )
    rate = drawn["optimizer"]["lr"]
    return sampler == "random" or last.params["optimizer.lr"] != rate


@pytest.mark.parametrize("pruner", PRUNERS)
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_study_whose_driver_was_killed_at_any_moment_ends_as_if_it_had_not_been(
    sampler: str, pruner: str, tmp_path: Path
) -> None:
    spec, whole = spec_of(sampler, pruner), Home.at(tmp_path / "whole")
    written = run(whole, spec, copies=tmp_path)
    expected = facts(whole)
    assert sampler == "gp" or Outcome.pruned in {trial.outcome for trial in expected}
    assert is_modelled(expected, sampler)
    for moment, what in enumerate(written[:-1], start=1):
        if what == "epoch" and moment % EVERY[pruner]:
            continue
        home = Home.at(tmp_path / str(moment))
        assert len(run(home, spec)) > 0
        assert facts(home) == expected, moment


@pytest.mark.parametrize("steps", [2, 3, 9])
@pytest.mark.parametrize("pruner", PRUNERS)
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_study_that_is_stopped_again_and_again_ends_as_if_it_had_not_been(
    sampler: str, pruner: str, steps: int, tmp_path: Path
) -> None:
    spec, whole = spec_of(sampler, pruner), Home.at(tmp_path / "whole")
    run(whole, spec)
    home, runs = Home.at(tmp_path / "stopped"), 1
    while run(home, spec, stop_after=steps):
        runs += 1
    assert runs > len(facts(whole)) / steps
    assert facts(home) == facts(whole)
