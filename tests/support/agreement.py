"""Record, Optuna's storage and MLflow say the same of every trial of a study."""

import json
import math
from collections.abc import Mapping
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from studies import results
from studies.home import Home
from studies.mirrors.mlflow.client import Run
from studies.records import Outcome, RecordReader, Trial
from studies.records.types import EpochRow, Search
from studies.results import StudyResults
from tests.support.accounts import Runs

STATES = {
    Outcome.completed: TrialState.COMPLETE,
    Outcome.pruned: TrialState.PRUNED,
    Outcome.interrupted: TrialState.WAITING,
}
Curve = Mapping[int, float]


def check_agreement(home: Home, study: str) -> StudyResults:
    """Assert that both mirrors hold what the record says of a study that nobody runs, each thing
    once, and nothing beside it."""
    found = results.load_results(home, study)
    with RecordReader.open(home, study) as record:
        searches = record.searches()
        trials = record.trials()
        epochs = {trial.key: record.epochs(trial.id) for trial in trials}
    for search in searches:
        mine = [trial for trial in trials if trial.search == search.id]
        optuna_holds(home, search, mine)
    runs = Runs.of(home, study)
    by_key = {run.data.tags["fairtune.trial"]: run for run in runs.children}
    assert len(by_key) == len(runs.children)
    assert by_key.keys() == epochs.keys()
    ids = {trial.key: trial.run_id for trial in found.trials}
    for trial in trials:
        run = by_key[trial.key]
        assert ids.get(trial.key, run.info.run_id) == run.info.run_id
        mlflow_holds(trial, epochs[trial.key], run, runs)
    assert runs.parent.info.status == ("FINISHED" if found.finished else "KILLED")
    return found


def optuna_holds(home: Home, search: Search, trials: list[Trial]) -> None:
    """The same numbers, states, parameters, values and intermediate values."""
    storage = optuna.storages.RDBStorage(home.optuna_url)
    study = optuna.load_study(study_name=search.name, storage=storage)
    mirrored = study.get_trials()
    storage.remove_session()
    storage.engine.dispose()
    assert [each.number for each in mirrored] == [trial.number for trial in trials]
    for trial, held in zip(trials, mirrored, strict=True):
        assert held.state == STATES.get(trial.outcome, TrialState.FAIL), trial.key
        assert held.params == trial.params, trial.key
        kinds = {
            n: optuna.distributions.distribution_to_json(k) for n, k in held.distributions.items()
        }
        assert kinds == trial.distributions, trial.key
        assert same(held.intermediate_values, trial.curve), trial.key
        assert same({0: held.value}, {0: optuna_value(trial)}), trial.key
        told_of(trial, held)


def optuna_value(trial: Trial) -> float | None:
    """A pruned trial has its last value in Optuna."""
    if trial.outcome == Outcome.pruned and trial.curve:
        last = trial.curve[max(trial.curve)]
        return None if math.isnan(last) else last
    return trial.value


def told_of(trial: Trial, held: FrozenTrial) -> None:
    """What the attributes of a mirrored trial say."""
    assert trial.outcome is not None, trial.key
    known = held.user_attrs
    assert known["key"] == trial.key
    assert (known["seed"], known["config_hash"]) == (trial.seed, trial.config_hash)
    assert json.loads(known["configuration"]) == trial.configuration
    assert known["outcome"] == trial.outcome.value
    end = json.loads(known["end"])
    assert (end["reason"], end["epochs"]) == (trial.reason, trial.epochs)


def mlflow_holds(trial: Trial, epochs: list[EpochRow], run: Run, runs: Runs) -> None:
    """The same outcome, parameters, and one point for every metric of every epoch."""
    assert trial.outcome is not None
    assert run.info.status == trial.outcome.mlflow_status, trial.key
    tags = run.data.tags
    assert tags["fairtune.outcome"] == trial.outcome.value
    assert tags["fairtune.reason"] == trial.reason[:8000]
    assert (tags["fairtune.seed"], tags["fairtune.config_hash"]) == (
        str(trial.seed),
        trial.config_hash,
    )
    recorded: dict[str, dict[int, float]] = {}
    for row in epochs:
        for name, value in row.metrics.items():
            if not math.isinf(value):  # MLflow would give back the largest number
                recorded.setdefault(name, {})[row.epoch] = value
    last: dict[str, Any] = {f"best/{name}": value for name, value in trial.best.items()}
    if trial.best_epoch is not None:
        last["best/epoch"] = trial.best_epoch
    if trial.outcome != Outcome.interrupted:
        for name, value in {**last, **trial.test, **trial.system}.items():
            if not math.isinf(value):
                recorded[name] = {trial.best_epoch or 0: value}
    assert run.data.metrics.keys() == recorded.keys(), trial.key
    for name, curve in recorded.items():
        points = runs.client.get_metric_history(run.info.run_id, name)
        assert len(points) == len(curve), (trial.key, name)
        assert same({point.step: point.value for point in points}, curve), (trial.key, name)


def same(one: Mapping[int, Any], other: Mapping[int, Any]) -> bool:
    """Equal, where NaN equals NaN."""
    return one.keys() == other.keys() and all(
        one[key] == other[key] or (one[key] != one[key] and other[key] != other[key]) for key in one
    )
