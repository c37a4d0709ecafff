"""The tracker on a real SQLite file, read back with MLflow's own client."""

import json
import math
import os
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import numpy as np
import pandas as pd
import pytest

from lightning_modules.configuration import Configuration
from lightning_modules.errors import StorageError
from studies import document, tracking
from studies.comparison import Finding
from studies.home import Home
from studies.mirrors.mlflow_client import MlflowClient, Run, connect
from studies.records import Outcome, Trial, TrialEnd, TrialRecord
from studies.results import StudyResults
from studies.spec import Spec, resolve
from studies.tracking import MlflowTracker

FILE = """
study: which.optimizer
description: Which optimizer should a small network on iris use?
data: iris
model: {name: mlp, hidden: [4]}
optimizer:
  - {name: sgd, lr: {min: 1e-3, max: 1.0, log: true}}
  - {name: adam, lr: {min: 1e-4, max: 1e-1, log: true}}
trainer: {epochs: 3}
search: {method: random, trials: 6, pruner: median}
compare: {factor: optimizer, claim: configurations}
"""

STATUSES = {
    Outcome.completed: "FINISHED",
    Outcome.pruned: "KILLED",
    Outcome.interrupted: "KILLED",
    Outcome.diverged: "FAILED",
    Outcome.out_of_memory: "FAILED",
    Outcome.timeout: "FAILED",
    Outcome.error: "FAILED",
    Outcome.crashed: "FAILED",
}


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database; the rest of an interrupted migration beside it does no harm."""
    path = tmp_path_factory.mktemp("template") / "mlflow.db"
    path.with_name("mlflow.db.new").write_text("half a database")
    connect(f"sqlite:///{path}")
    return path


@pytest.fixture
def home(tmp_path: Path, template: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    for name in ("MLFLOW_TRACKING_URI", "FAIRTUNE_STORAGE"):
        monkeypatch.delenv(name, raising=False)
    home = Home.at(tmp_path / "my home")
    home.create()
    source, target = sqlite3.connect(template), sqlite3.connect(home.path / "mlflow.db")
    source.backup(target)
    source.close()
    target.close()
    return home


@pytest.fixture
def spec() -> Spec:
    return resolve(document.parse(FILE, "study.yaml"))


@contextmanager
def opened(home: Home, spec: Spec) -> Iterator[MlflowTracker]:
    tracker = MlflowTracker.open(home, spec)
    try:
        yield tracker
    finally:
        tracker.close("KILLED")


def configuration(lr: float = 0.01, **parts: Any) -> Configuration:
    tree = {"data": "iris", "model": {"name": "mlp", "hidden": [4]}, "trainer": {"epochs": 3}}
    return Configuration.resolve({**tree, "optimizer": {"name": "adam", "lr": lr}, **parts})


def record(number: int = 0, **changes: Any) -> TrialRecord:
    trial = TrialRecord(
        f"adam-{number:04d}", number, "adam", "search", 7 + number, configuration(), "random"
    )
    return replace(trial, **changes)


def metrics(epoch: int) -> dict[str, float]:
    return {"val/accuracy": epoch / 10, "val/loss": 1 / epoch, "optim/lr": 0.01}


def ended(outcome: Outcome = Outcome.completed, epochs: int = 3, **changes: Any) -> TrialEnd:
    end = TrialEnd(outcome, "", epochs, epochs, metrics(epochs), data_hash="ab12cd")
    return replace(end, **changes)


def start_and_end(
    tracker: MlflowTracker, trial: TrialRecord, end: TrialEnd, *, resume: bool = False
) -> None:
    tracker.start_trial(trial, resume=resume)
    for epoch in range(1, end.epochs + 1):
        tracker.epoch(trial.key, epoch, metrics(epoch))
    tracker.finish_trial(trial.key, end)


def train(
    tracker: MlflowTracker, trial: TrialRecord, end: TrialEnd, *, resume: bool = False
) -> str:
    start_and_end(tracker, trial, end, resume=resume)
    tracker.settle()  # a busy machine may take longer than a trial's end waits
    run_id = tracker.run_id(trial.key)
    assert run_id is not None
    return run_id


def client(home: Home) -> MlflowClient:
    return MlflowClient(home.mlflow_uri)


def runs(home: Home, spec: Spec) -> dict[str, Run]:
    """Every run of the study's experiment by name, as MLflow returns it."""
    experiment = client(home).get_experiment_by_name(spec.study)
    assert experiment is not None
    found = client(home).search_runs([experiment.experiment_id])
    assert len({run.info.run_name for run in found}) == len(found)
    return {str(run.info.run_name): run for run in found}


def artifacts(home: Home, run: Run, folder: str | None = None) -> list[str]:
    return [file.path for file in client(home).list_artifacts(run.info.run_id, folder)]


def read(run: Run, path: str) -> Path:
    return Path(unquote(urlparse(run.info.artifact_uri).path)) / path


def found(home: Home, spec: Spec, ids: Mapping[str, str], finished: bool = True) -> Finding:
    """Results in which the trial with the highest number is the best."""
    trials = [
        Trial(
            key=key,
            arm="adam",
            phase="search",
            outcome=Outcome.completed,
            value=0.3 + number / 100,
            seed=7 + number,
            configuration=configuration().to_dict(),
            config_hash=configuration().hash,
            epochs=3,
            best_epoch=3,
            best=metrics(3),
            test={},
            reason="",
            seconds=1.0,
            run_id=run_id,
            duplicate_of=None,
            default=number == 0,
            params={},
            curve={},
            started=datetime.now(UTC),
            ended=datetime.now(UTC),
        )
        for number, (key, run_id) in enumerate(ids.items())
    ]
    return Finding.of(StudyResults(home, spec, trials, finished))


def checkpoint(home: Home, spec: Spec, key: str) -> Path:
    """A file that stands for the weights, and an input example beside it."""
    path = home.checkpoint(spec.study, key)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"the weights of {key}")
    np.save(path.with_suffix(".npy"), np.zeros((2, 4), np.float32))
    return path


def test_a_run_has_the_status_of_its_trials_outcome(home: Home, spec: Spec) -> None:
    with opened(home, spec) as tracker:
        for number, outcome in enumerate(Outcome):
            train(tracker, record(number, key=outcome.value), ended(outcome, epochs=1))
    statuses = {name: run.info.status for name, run in runs(home, spec).items()}
    assert statuses == {**{o.value: status for o, status in STATUSES.items()}, spec.study: "KILLED"}


def test_a_run_carries_every_tag(home: Home, spec: Spec) -> None:
    with opened(home, spec) as tracker:
        train(tracker, record(), ended(Outcome.pruned, reason="below the median"))
    all_runs = runs(home, spec)
    tags = all_runs["adam-0000"].data.tags
    assert {name: tags[name] for name in tags if name.startswith("fairtune.")} == {
        "fairtune.study": "which.optimizer",
        "fairtune.arm": "adam",
        "fairtune.repeat": "1",
        "fairtune.split": "0",
        "fairtune.phase": "search",
        "fairtune.outcome": "pruned",
        "fairtune.reason": "below the median",
        "fairtune.trial": "adam-0000",
        "fairtune.seed": "7",
        "fairtune.config_hash": configuration().hash,
        "fairtune.sampler": "random",
        "fairtune.dataset": "iris@ab12cd",
        "fairtune.version": "0.1.0",
    }
    assert tags["mlflow.parentRunId"] == all_runs[spec.study].info.run_id
    assert {"mlflow.user", "mlflow.source.name"} <= tags.keys()


def test_a_run_holds_the_configuration_and_the_metrics_of_every_epoch(
    home: Home, spec: Spec
) -> None:
    with opened(home, spec) as tracker:
        run_id = train(tracker, record(phase="confirm"), ended(test={"test/accuracy": 0.25}))
    run = runs(home, spec)["adam-0000"]
    assert run.data.params["optimizer.lr"] == "0.01"
    assert run.data.params["model.hidden"] == "[4]"
    assert run.data.params.keys() == configuration().flat().keys()
    history = client(home).get_metric_history(run_id, "val/accuracy")
    assert [(metric.step, metric.value) for metric in history] == [(1, 0.1), (2, 0.2), (3, 0.3)]
    last = {name: run.data.metrics[name] for name in ("best/val/accuracy", "best/epoch")}
    assert last == {"best/val/accuracy": 0.3, "best/epoch": 3.0}
    assert run.data.metrics["test/accuracy"] == 0.25
    times = [run.info.start_time, *(metric.timestamp for metric in history), run.info.end_time]
    assert times == sorted(times)


def test_metrics_of_a_trial_can_be_seen_while_it_trains(
    home: Home, spec: Spec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracking, "FLUSH_SECONDS", 0.0)
    with opened(home, spec) as tracker:
        tracker.start_trial(record(0), resume=False)
        tracker.epoch("adam-0000", 1, metrics(1))
        patience = time.monotonic() + 30
        while not ((run := runs(home, spec).get("adam-0000")) and run.data.metrics):
            assert time.monotonic() < patience, "no metric within half a minute"
            time.sleep(0.05)
    assert run.info.status == "RUNNING"
    assert run.data.metrics["val/accuracy"] == 0.1
    assert run.data.params["optimizer.name"] == "adam"


def test_an_interrupted_and_resumed_trial_has_one_value_per_metric_and_step(
    home: Home, spec: Spec
) -> None:
    with opened(home, spec) as tracker:
        stopped = ended(Outcome.interrupted, epochs=2, reason="the study was stopped")
        first = train(tracker, record(), stopped)
    assert runs(home, spec)["adam-0000"].info.status == "KILLED"
    with opened(home, spec) as tracker:
        second = train(tracker, record(), ended(), resume=True)
    assert second == first
    run = runs(home, spec)["adam-0000"]
    assert run.info.status == "FINISHED"
    assert (run.data.tags["fairtune.outcome"], run.data.tags["fairtune.reason"]) == (
        "completed",
        "",
    )
    histories = {
        name: [metric.step for metric in client(home).get_metric_history(first, name)]
        for name in run.data.metrics
    }
    last = {f"best/{name}": [3] for name in [*metrics(3), "epoch"]}
    assert histories == {**{name: [1, 2, 3] for name in metrics(3)}, **last}


def test_a_trial_without_a_trace_of_its_earlier_attempt_gets_a_new_run(
    home: Home, spec: Spec
) -> None:
    with opened(home, spec) as tracker:
        train(tracker, record(), ended(), resume=True)
    assert runs(home, spec)["adam-0000"].info.status == "FINISHED"


def test_a_trial_that_waited_for_its_twin_and_starts_after_all_keeps_its_run(
    home: Home, spec: Spec
) -> None:
    with opened(home, spec) as tracker:
        tracker.start_trial(record(), resume=False)
        before = tracker.run_id("adam-0000")
        assert train(tracker, record(), ended()) == before
    assert runs(home, spec).keys() == {spec.study, "adam-0000"}


def test_a_trial_that_nobody_ended_is_killed_when_the_tracker_closes(
    home: Home, spec: Spec
) -> None:
    with opened(home, spec) as tracker:
        tracker.start_trial(record(), resume=False)
        tracker.epoch("adam-0000", 1, metrics(1))
    run = runs(home, spec)["adam-0000"]
    assert (run.info.status, run.data.metrics["val/accuracy"]) == ("KILLED", 0.1)


def test_nan_stays_nan_and_infinity_is_left_out(home: Home, spec: Spec) -> None:
    with opened(home, spec) as tracker:
        tracker.start_trial(record(), resume=False)
        tracker.epoch("adam-0000", 1, {"val/accuracy": math.nan, "val/loss": math.inf})
        tracker.finish_trial("adam-0000", ended(Outcome.diverged, best={}, best_epoch=None))
    data = runs(home, spec)["adam-0000"].data
    assert math.isnan(data.metrics["val/accuracy"])
    assert data.metrics.keys() == {"val/accuracy"}


def test_an_error_leaves_its_traceback_and_a_long_parameter_is_cut(home: Home, spec: Spec) -> None:
    long = configuration(model={"name": "mlp", "hidden": [16] * 3000})
    with opened(home, spec) as tracker:
        end = ended(Outcome.error, traceback="Traceback: no such luck", reason="x" * 9000)
        train(tracker, record(configuration=long), end)
    run = runs(home, spec)["adam-0000"]
    assert read(run, "traceback.txt").read_text() == "Traceback: no such luck"
    assert len(run.data.params["model.hidden"]) == 6000
    assert run.data.params["model.hidden"].endswith("…")


def test_more_metrics_than_a_batch_takes_are_all_written(home: Home, spec: Spec) -> None:
    with opened(home, spec) as tracker:
        run_id = train(tracker, record(), ended(epochs=700))
    history = client(home).get_metric_history(run_id, "val/accuracy")
    assert [metric.step for metric in history] == list(range(1, 701))


def test_the_studys_run_holds_its_file_its_table_and_its_description(
    home: Home, spec: Spec
) -> None:
    with opened(home, spec) as tracker:
        ids = {f"adam-{n:04d}": train(tracker, record(n), ended()) for n in range(2)}
        best = [(key, checkpoint(home, spec, key)) for key in ("adam-0001", "adam-0000")]
        tracker.finish(found(home, spec, ids), best)
    all_runs = runs(home, spec)
    parent = all_runs[spec.study]
    assert parent.info.status == "FINISHED"
    assert artifacts(home, parent) == ["report.html", "study.yaml", "trials.parquet"]
    assert read(parent, "study.yaml").read_text() == spec.text
    table = pd.read_parquet(read(parent, "trials.parquet")).set_index("trial")
    assert table.loc["adam-0001", ["optimizer.lr", "value", "best/val/accuracy"]].tolist() == [
        0.01, 0.31, 0.3,
    ]  # fmt: skip
    assert table["model.hidden"].tolist() == ["[4]", "[4]"]
    note = parent.data.tags["mlflow.note.content"]
    for text in (
        "Which optimizer should a small network on iris use?",
        "| data set | iris |",
        "| objective | maximize val/accuracy |",
        "| claim | configurations |",
        "| searches | 1 of each arm |",
        "| budget | 6 trials per arm (the defaults and 5 draws) |",
        "| trials | 2 completed |",
        "adam-0001: one trial of the search. Expect val/accuracy 31.00 %: one trial of the search, "
        "which looks better than it is.",
        "- missing: sgd: no trial has completed",
        "optimizer:\n  name: adam\n  lr: 0.01\n",
        "| adam | 2 | 6 | 31.00 % |",
        "| sgd | 0 | 0 | – |",
    ):
        assert text in note
    for key, path in best:
        assert read(all_runs[key], "checkpoints/best.pt").read_text() == path.read_text()


def test_an_unfinished_studys_run_is_killed_and_runs_again_when_it_is_continued(
    home: Home, spec: Spec, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(home, spec) as tracker:
        tracker.finish(found(home, spec, {}, finished=False), [])
    assert runs(home, spec)[spec.study].info.status == "KILLED"
    with opened(home, spec) as tracker:
        tracker.start_trial(record(), resume=False)
        tracker.run_id("adam-0000")
        assert runs(home, spec)[spec.study].info.status == "RUNNING"
        tracker.finish_trial("adam-0000", ended())
        run_id = tracker.run_id("adam-0000")
        tracker.finish(found(home, spec, {"adam-0000": str(run_id)}), [])
    assert runs(home, spec)[spec.study].info.status == "FINISHED"


def everything(home: Home) -> Mapping[str, list[tuple[Any, ...]]]:
    """Every row of every table."""
    with sqlite3.connect(home.path / "mlflow.db") as database:
        tables = database.execute("select name from sqlite_master where type = 'table'").fetchall()
        rows = {name: database.execute(f"select * from {name}").fetchall() for (name,) in tables}
    database.close()
    return rows


def test_finishing_again_with_the_same_results_adds_nothing(home: Home, spec: Spec) -> None:
    with opened(home, spec) as tracker:
        ids = {"adam-0000": train(tracker, record(), ended())}
        best = [("adam-0000", checkpoint(home, spec, "adam-0000"))]
        tracker.finish(found(home, spec, ids), best)
    before = everything(home)
    assert len(before["logged_models"]) == 1
    with opened(home, spec) as tracker:
        tracker.finish(found(home, spec, ids), best)
    assert everything(home) == before


def test_a_new_best_trial_becomes_the_logged_model(home: Home, spec: Spec) -> None:
    ids: dict[str, str] = {}
    with opened(home, spec) as tracker:
        for number in range(3):
            ids[f"adam-{number:04d}"] = train(tracker, record(number), ended())
            best = [(f"adam-{number:04d}", checkpoint(home, spec, f"adam-{number:04d}"))]
            tracker.finish(found(home, spec, ids), best)
            tracker.finish(found(home, spec, ids), best)
    experiment = client(home).get_experiment_by_name(spec.study)
    assert experiment is not None
    models = client(home).search_logged_models([experiment.experiment_id])
    assert Counter(model.source_run_id for model in models) == Counter(ids.values())
    assert {model.status.value for model in models} == {"READY"}


ASK = """
import json, sys
import mlflow.pyfunc
import numpy as np
model = mlflow.pyfunc.load_model(sys.argv[1])
example = model.input_example
print(json.dumps([example.tolist(), model.predict(example).tolist()]))
"""


def test_the_logged_model_answers_in_another_process(home: Home, spec: Spec) -> None:
    import torch

    from lightning_modules.building import restore
    from lightning_modules.training import train as train_network

    path = home.checkpoint(spec.study, "adam-0000")
    path.parent.mkdir(parents=True)
    result = train_network(configuration(), seed=7, checkpoint=path)
    with opened(home, spec) as tracker:
        ids = {"adam-0000": train(tracker, record(), ended(best=result.best))}
        tracker.finish(found(home, spec, ids), [("adam-0000", path)])
    run = client(home).get_run(ids["adam-0000"])
    assert run.outputs is not None
    (output,) = run.outputs.model_outputs
    uri = f"models:/{output.model_id}"
    environment = {**os.environ, "MLFLOW_TRACKING_URI": home.mlflow_uri}
    asked = subprocess.run(
        [sys.executable, "-c", ASK, uri],
        capture_output=True, text=True, check=True, env=environment,
    )  # fmt: skip
    example, answers = json.loads(asked.stdout.splitlines()[-1])
    assert np.load(path.with_suffix(".npy")).tolist() == example
    expected = restore(path).predict(torch.tensor(example)).detach().numpy()
    np.testing.assert_allclose(answers, expected, rtol=1e-5)
    np.testing.assert_allclose(np.sum(answers, axis=1), 1.0, rtol=1e-5)


def test_the_driver_never_imports_torch() -> None:
    code = "import sys, studies.tracking, studies.served; print('torch' in sys.modules)"
    asked = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (asked.stdout, asked.stderr) == ("False\n", "")


def test_a_file_that_is_no_database_is_a_storage_error(home: Home, spec: Spec) -> None:
    (home.path / "mlflow.db").write_text("no database " * 1000)
    with pytest.raises(StorageError) as caught:
        MlflowTracker.open(home, spec)
    assert str(caught.value) == (
        f"the MLflow store {home.mlflow_uri} cannot be used: file is not a database; "
        "move it away or name another with MLFLOW_TRACKING_URI"
    )


def test_an_experiment_that_was_deleted_in_mlflow_is_a_storage_error(
    home: Home, spec: Spec
) -> None:
    with opened(home, spec) as tracker:
        client(home).delete_experiment(tracker.delivery.experiment_id)
    with pytest.raises(StorageError, match=r"which.optimizer was deleted; bring it back with"):
        MlflowTracker.open(home, spec)


def test_a_study_whose_run_was_deleted_gets_a_new_one(home: Home, spec: Spec) -> None:
    with opened(home, spec) as tracker:
        client(home).delete_run(tracker.delivery.parent_id)
    with opened(home, spec) as tracker:
        train(tracker, record(), ended())
    all_runs = runs(home, spec)
    parent = all_runs["adam-0000"].data.tags["mlflow.parentRunId"]
    assert parent == all_runs[spec.study].info.run_id


def test_a_database_that_breaks_while_trials_run_hurts_nothing(
    home: Home, spec: Spec, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracking, "FINISH_SECONDS", 0.1)
    with opened(home, spec) as tracker:
        tracker.settle()
        alter(home, "runs", "gone")
        for number in range(2):
            start_and_end(tracker, record(number), ended())
            assert tracker.run_id(record(number).key) is None
        tracker.finish(found(home, spec, {}), [])
    said = [entry.getMessage() for entry in caplog.records]
    assert len(said) == 2
    assert "no such table: runs" in said[0]
    assert said[1] == (
        "2 trials of study which.optimizer wait for MLflow; `fairtune sync which.optimizer` "
        "delivers them"
    )
    alter(home, "gone", "runs")
    with opened(home, spec) as tracker:
        assert tracker.settle() == []
    assert {run.info.status for name, run in runs(home, spec).items() if name != spec.study} == {
        "FINISHED"
    }


def alter(home: Home, old: str, new: str) -> None:
    with sqlite3.connect(home.path / "mlflow.db") as database:
        database.execute(f"alter table {old} rename to {new}")
    database.close()


def test_drivers_that_open_a_cold_home_at_once_all_succeed(tmp_path: Path) -> None:
    code = f"from studies.mirrors.mlflow_client import connect; connect('sqlite:///{tmp_path}/mlflow.db')"
    drivers = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(2)]
    assert [driver.wait() for driver in drivers] == [0, 0]
    assert MlflowClient(f"sqlite:///{tmp_path}/mlflow.db").get_experiment("0").name == "Default"
