"""What must hold after every fault, and after the same command has run again (I1 to I8)."""

import sqlite3
import subprocess
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import torch

from lightning_modules.configuration import Configuration
from lightning_modules.training.building import build_data, restore
from studies.home import Home
from studies.mirrors.sync import sync
from studies.records import Outcome, RecordReader, Trial
from studies.results import StudyResults
from tests.support.accounts import Runs
from tests.support.agreement import check_agreement

CANARY = "swordfish-canary-3141"
"""A password that tests give to drivers, and that must appear nowhere."""
VARIABLE, TOKEN = "A_FAULT_TEST_API_KEY", "marlin-canary-5926"
"""A variable that looks like a secret, and its value, which must appear nowhere either."""


def check_invariants(home: Home, study: str) -> StudyResults:
    """Assert I1 to I8 of a study that nobody runs at the moment; I5 is `no_orphans`.

    What a driver that was killed has left to the mirrors is delivered first.
    """
    assert home.driver(study) is None
    sync(home, study)
    found = check_agreement(home, study)  # I1, I2 and I4 in both mirrors
    with RecordReader.open(home, study) as record:
        trials = record.trials()
    assert all(trial.outcome is not None for trial in trials)  # I1
    for trial in trials:
        steps = list(trial.curve)
        assert steps == list(range(1, len(steps) + 1)), trial.key  # I4
        assert (trial.outcome == Outcome.completed) == (trial.value is not None), trial.key
    nothing_was_trained_twice(trials)
    if found.finished:
        the_budget_is_exact(found)
    databases_are_whole(home)
    no_secret_is_written(home.path)
    the_best_value_can_be_read_again(home, found, Runs.of(home, study))
    return found


def nothing_was_trained_twice(trials: list[Trial]) -> None:
    """I3: a configuration is trained once with a seed on a split, and once at all in a search."""
    trained = [trial for trial in trials if trial.duplicate_of is None]
    counts = Counter((t.arm, t.config_hash, t.seed, t.split) for t in trained)
    assert not [key for key, count in counts.items() if count > 1]
    searched = [trial for trial in trained if trial.phase == "search"]
    counts = Counter((t.search, t.config_hash) for t in searched)
    assert not [key for key, count in counts.items() if count > 1]


def the_budget_is_exact(found: StudyResults) -> None:
    """I3."""
    if found.planned is not None:
        assert len(found.search) == found.planned
    if found.spec.sampler.name == "grid":
        points = [(trial.arm, trial.config_hash) for trial in found.search]
        assert len(points) == len(set(points))
    assert all(trial.outcome != Outcome.interrupted for trial in found.ended)


def databases_are_whole(home: Home) -> None:
    """I6: all open, as `check_invariants` has shown, and SQLite finds no fault in them."""
    for path in [*home.path.glob("*.db"), *home.path.glob("studies/*/*.db")]:
        with closing(sqlite3.connect(path)) as database:
            assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def no_secret_is_written(folder: Path) -> None:
    """I7. Not read by this process: to close a database's file would drop SQLite's locks on it."""
    found = subprocess.run(
        ["grep", "--recursive", "--files-with-matches", "--fixed-strings", "--file=-", folder],
        input=f"{CANARY}\n{TOKEN}\n",  # another test may look at this process's arguments
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
