"""What must hold after every fault, and after the same command has run again (I1 to I8)."""

import json
import math
import sqlite3
import subprocess
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import torch
from optuna.trial import FrozenTrial, TrialState

from lightning_modules.building import build_data, restore
from lightning_modules.configuration import Configuration
from studies import results
from studies.home import Home
from studies.mirrors.mlflow_client import Run
from studies.records import Outcome
from studies.results import StudyResults
from tests.integration.accounts import Runs, optuna_trials

CANARY = "swordfish-canary-3141"
"""A password that tests give to drivers, and that must appear nowhere."""
STATES = {Outcome.completed: TrialState.COMPLETE, Outcome.pruned: TrialState.PRUNED}


def check_invariants(home: Home, study: str) -> StudyResults:
    """Assert I1 to I8 of a study that nobody runs at the moment; I5 is `no_orphans`."""
    assert home.driver(study) is None
    found = results.load(home, study)
    trials = [trial for trial in optuna_trials(home, study) if "key" in trial.user_attrs]
    runs = Runs.of(home, study)
    by_key = {run.data.tags["fairtune.trial"]: run for run in runs.children}
    assert len(by_key) == len(runs.children)
    run_ids = {trial.key: trial.run_id for trial in found.trials}
    for trial in trials:
        if trial.user_attrs["key"] not in by_key:
            was_never_begun(trial)
            continue
        run = by_key.pop(trial.user_attrs["key"])
        assert run_ids[trial.user_attrs["key"]] == run.info.run_id
        nothing_is_running(trial, run)
        state_status_and_outcome_agree(trial, run)
        every_point_is_there_once(trial, run, runs, found.spec.objective.metric)
    assert not by_key  # no run without a trial
    assert runs.parent.info.status == ("FINISHED" if found.finished else "KILLED")
    nothing_was_trained_twice(trials)
    if found.finished:
        the_budget_is_exact(found)
    databases_are_whole(home)
    no_secret_is_written(home.path)
    the_best_value_can_be_read_again(home, found, runs)
    return found


def was_never_begun(trial: FrozenTrial) -> None:
    """I2: a driver that dies right after asking leaves a trial that waits and has no run."""
    assert trial.state == TrialState.WAITING, trial.user_attrs["key"]
    assert not trial.intermediate_values, trial.user_attrs["key"]


def nothing_is_running(trial: FrozenTrial, run: Run) -> None:
    """I1."""
    assert trial.state != TrialState.RUNNING, trial.user_attrs["key"]
    assert run.info.status in ("FINISHED", "FAILED", "KILLED"), trial.user_attrs["key"]


def state_status_and_outcome_agree(trial: FrozenTrial, run: Run) -> None:
    """I2."""
    outcome = Outcome(trial.user_attrs["outcome"])
    if outcome == Outcome.interrupted:
        assert trial.state == TrialState.WAITING
    else:
        assert trial.state == STATES.get(outcome, TrialState.FAIL), outcome
        told = json.loads(trial.user_attrs["end"])
        assert run.data.tags["fairtune.reason"] == told["reason"]
    assert run.data.tags["fairtune.outcome"] == outcome.value
    assert run.info.status == outcome.mlflow_status
    assert (trial.state == TrialState.COMPLETE) <= (trial.value is not None)


def nothing_was_trained_twice(trials: list[FrozenTrial]) -> None:
    """I3: a configuration is trained once with a seed, and once at all in a search."""
    trained = [trial for trial in trials if "twin" not in trial.user_attrs]
    told = Counter((t.user_attrs["config_hash"], t.user_attrs["seed"]) for t in trained)
    assert not [key for key, count in told.items() if count > 1]


def the_budget_is_exact(found: StudyResults) -> None:
    """I3."""
    if found.planned is not None:
        assert len(found.search) == found.planned
    if found.spec.sampler.name == "grid":
        points = [(trial.arm, trial.config_hash) for trial in found.search]
        assert len(points) == len(set(points))
    assert all(trial.outcome != Outcome.interrupted for trial in found.ended)


def every_point_is_there_once(trial: FrozenTrial, run: Run, runs: Runs, objective: str) -> None:
    """I4: steps without a gap, one value each, and what Optuna was told MLflow holds as well."""
    for name, steps in runs.steps(run).items():
        once = name.startswith(("best/", "test/"))
        assert len(steps) == 1 if once else steps == list(range(1, len(steps) + 1)), (name, steps)
    history = runs.client.get_metric_history(run.info.run_id, objective)
    held = {point.step: point.value for point in history}
    if "twin" not in trial.user_attrs:
        reported = {
            step: value for step, value in trial.intermediate_values.items() if math.isfinite(value)
        }
        held = {step: value for step, value in held.items() if math.isfinite(value)}
        if trial.state == TrialState.WAITING and len(reported) == len(held) + 1:
            del reported[max(reported)]  # killed between the two records; it tells the epoch again
        assert held == reported


def databases_are_whole(home: Home) -> None:
    """I6: both open, as `check_invariants` has shown, and SQLite finds no fault in them."""
    for path in home.path.glob("*.db"):
        with closing(sqlite3.connect(path)) as database:
            assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def no_secret_is_written(folder: Path) -> None:
    """I7. Not read by this process: to close a database's file would drop SQLite's locks on it."""
    found = subprocess.run(
        ["grep", "--recursive", "--files-with-matches", "--fixed-strings", CANARY, folder],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (found.stdout, found.stderr, found.returncode) == ("", "", 1)


def the_best_value_can_be_read_again(home: Home, found: StudyResults, runs: Runs) -> None:
    """I8: in the metrics of its run, and by its checkpoint on the data."""
    if not found.ranking:
        return
    best, metric = found.ranking[0], found.spec.objective.metric
    run = next(run for run in runs.children if run.info.run_id == best.run_id)
    assert run.data.metrics[f"best/{metric}"] == best.value
    history = runs.client.get_metric_history(run.info.run_id, metric)
    assert next(point.value for point in history if point.step == best.best_epoch) == best.value
    checkpoint = home.checkpoint(found.study, best.key)
    if metric == "val/accuracy" and checkpoint.exists():
        module = restore(checkpoint)
        inputs, targets = build_data(Configuration.resolve(best.configuration)).splits.validation
        with torch.no_grad():
            right: Any = (module(inputs).argmax(1) == targets).float().mean()
        assert float(right) == best.value
