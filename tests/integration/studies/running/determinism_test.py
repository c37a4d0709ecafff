"""The same file and seed give the same study, to the last bit, whichever worker trains."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lightning_modules.configuration import Configuration
from studies import results
from studies.cli import main
from studies.engines import Ended, Task
from studies.engines.local import LocalEngine
from studies.engines.training import PRELOAD, train_task
from studies.home import Home
from tests.conftest import MakeHome

pytestmark = pytest.mark.slow

FILE = """
study: repeated
data: {name: iris, batch_size: 32}
model:
  - {name: mlp, hidden: {values: [[], [8]]}, dropout: 0.2}
  - {name: mlp, label: smooth, hidden: [8], activation: {values: [tanh, gelu]}}
optimizer: {name: adam, lr: {min: 1e-3, max: 1e-1, log: true}}
trainer: {epochs: 3}
search:
  method: {name: tpe, n_startup_trials: 3}
  trials: 8
  pruner: {name: median, n_startup_trials: 2}
  seed: 7
"""


def told(home: Home) -> list[tuple[Any, ...]]:
    """What every trial chose, trained and came to."""
    return [
        (
            trial.number,
            trial.outcome,
            trial.params,
            trial.value,
            trial.curve,
            trial.seed,
            trial.configuration,
        )
        for trial in results.load_results(home, "repeated").trials
    ]


def test_a_search_with_one_worker_repeats_itself_to_the_last_bit(
    tmp_path: Path, make_home: MakeHome
) -> None:
    file = tmp_path / "repeated.yaml"
    file.write_text(FILE)
    homes = [make_home(tmp_path / name) for name in ("first", "second")]
    for home in homes:
        assert main(["run", str(file), "--home", str(home.path), "--workers", "1"]) == 0
    first, second = map(told, homes)
    assert len(first) == 8
    assert first == second


@pytest.fixture
def engine() -> Iterator[LocalEngine]:
    engine = LocalEngine(2, train_task, PRELOAD)
    yield engine
    engine.close()


def test_two_workers_train_the_same_configuration_and_seed_to_the_same_numbers(
    engine: LocalEngine,
) -> None:
    tree = {
        "data": {"name": "iris", "batch_size": 32},
        "model": {"name": "mlp", "hidden": [8], "dropout": 0.2},
        "trainer": {"epochs": 3},
    }
    for trial in ("one", "other"):  # side by side, so each has a worker of its own
        engine.submit(Task(trial, Configuration.resolve(tree), 5, None, evaluate_test=True))
    epochs: dict[str, list[dict[str, float]]] = {"one": [], "other": []}
    ends = {}
    while len(ends) < 2:
        for event in engine.events(None):
            if isinstance(event, Ended):
                ends[event.trial] = event.end
            else:
                epochs[event.trial].append(without_time(event.metrics))
                engine.proceed(event.trial)
    assert len(epochs["one"]) == 3
    assert epochs["one"] == epochs["other"]
    one, other = ends["one"], ends["other"]
    assert one.test and one.test == other.test
    assert without_time(one.best) == without_time(other.best)
    assert one.data_hash == other.data_hash


def without_time(metrics: Any) -> dict[str, float]:
    return {name: value for name, value in metrics.items() if name != "time/epoch_s"}
