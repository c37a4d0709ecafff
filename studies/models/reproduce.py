"""Trains a recorded trial again and says whether the numbers are the same, and what differs."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lightning_modules.components import unknown
from lightning_modules.configuration import Configuration
from lightning_modules.data.table import DATASETS
from lightning_modules.errors import StorageError, UserError
from lightning_modules.networks import NETWORKS
from lightning_modules.user_code import imports
from studies import results
from studies.engines import Engine, Epoch, Task
from studies.home import Home, sqlite_file
from studies.inputs.consent import Consent, say_paths
from studies.inputs.weights import weights_file, with_weights_file
from studies.models.checkpoint_source import checkpoint_of
from studies.models.differences import changed_inputs, changed_machine
from studies.models.expectation import Expectation, Likeness, expectation
from studies.records import Outcome, RecordReader, Trial, TrialEnd
from studies.records.deliveries import run_ids
from studies.results import StudyResults
from studies.search.names import trial_key
from studies.study_file import is_program
from studies.study_file.command_template import function_of, needs_its_function

TOLERANCE = 1e-3
"""The largest relative difference of a metric at which a result is called equal."""
OTHER = ("time/", "best/", "test/")
"""Metrics of a run that are no metrics of its epochs, or no results."""

Epochs = Mapping[int, Mapping[str, float]]


@dataclass(frozen=True)
class Reproduction:
    """A recorded training beside the new one."""

    study: str
    trial: Trial
    likeness: Likeness
    epochs: int
    """As many as were recorded."""
    metrics: Mapping[str, float]
    """The largest relative difference of every metric over the epochs, infinite where one of two
    values is missing or not finite."""
    weights: float | None
    """The same of the weights; None where no checkpoint of the recorded training is kept, and for a
    program, whose checkpoint only it can read."""
    differences: tuple[str, ...]
    """What was otherwise then, whether or not it made a difference."""
    failure: str
    """How the new training ended, where that was otherwise; else empty."""
    expected: Expectation
    """How like it can be, and why no more."""
    device: str
    """What the new training ran on."""


def find(home: Home, run: str) -> tuple[StudyResults, Trial]:
    """The trial that `<study>/<trial>` or an MLflow run id means.

    A trial that took the result of another one gives that one. Raises UserError where there is
    none.
    """
    study, separator, key = run.partition("/")
    if not separator:
        study, key = _of_run(home, run)
    loaded = results.load_results(home, study)
    known = {trial.key: trial for trial in loaded.trials}
    if key not in known:
        raise UserError(f"{study}: {unknown('trial', key, known)}")
    trial = known[key]
    if trial.duplicate_of is not None:
        trial = known[trial_key(trial.arm, trial.duplicate_of, trial.repeat)]
    return loaded, trial


def reproduce(
    found: StudyResults,
    trial: Trial,
    engine: Engine,
    seed: int | None = None,
    consent: Consent | None = None,
) -> Reproduction:
    """Train a trial again up to its last recorded epoch; nothing is written to study or MLflow.

    `seed` takes the place of the recorded one; without `consent` no program is run. Raises
    UserError where nothing was recorded, where a program lacks consent and where the weights that
    it started from cannot be read, and DataError where the data cannot.
    """
    recorded = _recorded(found, trial)
    if not recorded:
        raise UserError(
            f"{found.study}/{trial.key}: no epoch of it is recorded "
            f"({trial.outcome or 'it has not ended'}), so there is nothing to compare with"
        )
    configuration = Configuration.of(trial.configuration)
    if name := function_of(configuration):
        raise needs_its_function(name)
    who = f"{found.study}/{trial.key}"
    consent = consent or Consent("call reproduce with a Consent")
    consent.require(who, [configuration])
    for path in configuration.class_paths:
        imports.require_allowed(path)
    say_paths(who, [configuration], found.home)
    row = DATASETS.get(configuration.data.name)
    if row is not None and row.check is not None:
        row.check(**configuration.data.parameters)
    model = with_weights_file(configuration, found.home).model
    network = NETWORKS.get(model.name)
    if network is not None and network.check is not None:
        network.check(**model.parameters)
    with tempfile.TemporaryDirectory() as folder:
        task = Task(
            trial.key,
            configuration,
            trial.seed if seed is None else seed,
            str(Path(folder) / "again.pt"),
            str(Path(folder) / "continuation"),
            evaluate_test=bool(trial.test),
            allowed=imports.allowed(),
            weights=weights_file(configuration, found.home),
            split=trial.split,
            env=found.spec.env,
            metrics=found.spec.metrics,
        )
        again, end = _train(engine, task, max(recorded), trial.outcome == Outcome.completed)
        metrics = _compared(recorded, again)
        metrics |= _compared({0: trial.test}, {0: end.test})
        weights = None
        if not is_program(configuration):
            weights = _weights(found, trial, Path(folder) / "again.pt")
    failure = _failure(trial, end)
    worst = max([*metrics.values(), weights or 0.0])
    likeness = Likeness.identical if worst == 0 else Likeness.equal
    if failure or worst > TOLERANCE:
        likeness = Likeness.different
    inputs = list(changed_inputs(found, trial, task.seed, end))
    return Reproduction(
        study=found.study,
        trial=trial,
        likeness=likeness,
        epochs=max(recorded),
        metrics=metrics,
        weights=weights,
        differences=(*inputs, *changed_machine(found, trial, end)),
        failure=failure,
        expected=expectation(found, trial, end, inputs),
        device=end.device,
    )


def _of_run(home: Home, run_id: str) -> tuple[str, str]:
    """The study and the key of an MLflow run: what the home notes of deliveries, or MLflow."""
    for study in results.names(home):
        for key, delivered in run_ids(home, study).items():
            if delivered == run_id:
                return study, key
    store = sqlite_file(home.mlflow_uri)
    if store is None or store.exists():
        from studies.mirrors.mlflow.client import connect, usable
        from studies.mirrors.mlflow.study import run_by_id  # MLflow takes seconds

        client = connect(home.mlflow_uri)
        with usable(home.mlflow_uri):
            run = run_by_id(client, run_id)
        tags = {} if run is None else run.data.tags
        if "fairtune.trial" in tags:
            return tags["fairtune.study"], tags["fairtune.trial"]
        if "fairtune.study" in tags:
            study = tags["fairtune.study"]
            raise UserError(f"{run_id} is the run of the whole study: name a trial, {study}/KEY")
    raise UserError(
        f"{home.path}: there is no run {run_id!r}; name a trial as <study>/<trial>, or the id of "
        "its MLflow run"
    )


def _recorded(results: StudyResults, trial: Trial) -> Epochs:
    """Every metric of every epoch of a trial, as the record has them."""
    with RecordReader.open(results.home, results.study) as record:
        return {row.epoch: _results(row.metrics) for row in record.epochs(trial.id)}


def _results(metrics: Mapping[str, float]) -> dict[str, float]:
    return {name: value for name, value in metrics.items() if not name.startswith(OTHER)}


def _train(engine: Engine, task: Task, last: int, to_its_end: bool) -> tuple[Epochs, TrialEnd]:
    """Train up to the epoch `last`, and on where it ends there by itself."""
    epochs: dict[int, Mapping[str, float]] = {}
    engine.submit(task)
    while True:
        for event in engine.events(None):
            if not isinstance(event, Epoch):
                return epochs, event.end
            if event.epoch <= last:
                epochs[event.epoch] = _results(event.metrics)
            go_on = event.epoch < last or (to_its_end and event.epoch == last)
            (engine.proceed if go_on else engine.stop)(event.trial)


def _compared(recorded: Epochs, again: Epochs) -> dict[str, float]:
    """The largest relative difference of every metric."""
    worst: dict[str, float] = {}
    for epoch in sorted(recorded.keys() | again.keys()):
        then, now = recorded.get(epoch, {}), again.get(epoch, {})
        for name in [*then, *(name for name in now if name not in then)]:
            difference = math.inf
            if name in then and name in now:
                difference = relative_difference(then[name], now[name])
            worst[name] = max(worst.get(name, 0.0), difference)
    return worst


def relative_difference(a: float, b: float) -> float:
    """|a - b| in shares of the larger one; infinite where just one is not finite."""
    if a == b or (math.isnan(a) and math.isnan(b)):
        return 0.0
    finite = math.isfinite(a) and math.isfinite(b)
    return abs(a - b) / max(abs(a), abs(b)) if finite else math.inf


def _weights(results: StudyResults, trial: Trial, again: Path) -> float | None:
    """The largest difference of a weight in shares of the largest weight of its tensor; None
    where a checkpoint is missing."""
    with ExitStack() as stack:
        try:
            before = stack.enter_context(checkpoint_of(results, trial))
        except StorageError:
            return None
        if not again.exists():
            return None
        from lightning_modules.training import read_checkpoint

        then, now = read_checkpoint(before)["weights"], read_checkpoint(again)["weights"]
    if then.keys() != now.keys() or any(then[key].shape != now[key].shape for key in then):
        return math.inf
    return max((_distance(then[key], now[key]) for key in then), default=0.0)


def _distance(then: Any, now: Any) -> float:
    if then.equal(now):
        return 0.0
    largest = float(then.abs().max())
    distance = float((then.double() - now.double()).abs().max())
    return distance / largest if largest and math.isfinite(distance) else math.inf


def _failure(trial: Trial, end: TrialEnd) -> str:
    """What is wrong with the end of the new training."""
    if end.outcome in (Outcome.completed, Outcome.pruned):
        if trial.outcome == Outcome.diverged:
            return f"it did not diverge; the recorded one did: {trial.reason}"
        if trial.outcome == Outcome.completed and end.outcome == Outcome.pruned:
            return f"it did not end with epoch {trial.epochs}, as the recorded one did"
        return ""
    same = (end.outcome, end.reason) == (trial.outcome, trial.reason)
    return "" if same else f"it ended with {end.outcome}: {end.reason}"
