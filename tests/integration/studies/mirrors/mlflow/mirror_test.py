"""What MLflow holds of a study, on a real SQLite file, read back with MLflow's own client."""

import hashlib
import json
import math
import os
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import numpy as np
import pandas as pd
import pytest

from lightning_modules.errors import StorageError
from studies.home import Home
from studies.mirrors.mlflow import database as mlflow_database
from studies.mirrors.mlflow.client import MlflowClient, Run
from studies.mirrors.mlflow.mirror import MlflowMirror
from studies.mirrors.sync import sync
from studies.records import Outcome, TrialEnd
from tests.support.checkout import ROOT
from tests.support.recorded import (
    STUDY,
    bring_up,
    configuration,
    ended,
    follower,
    metrics,
    recording,
    spec_of,
)

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


def client(home: Home) -> MlflowClient:
    return MlflowClient(home.mlflow_uri)


def runs(home: Home) -> dict[str, Run]:
    """Every run of the study's experiment by name, as MLflow returns it."""
    experiment = client(home).get_experiment_by_name(STUDY)
    assert experiment is not None
    found = client(home).search_runs([experiment.experiment_id])
    assert len({run.info.run_name for run in found}) == len(found)
    return {str(run.info.run_name): run for run in found}


def artifacts(home: Home, run: Run, folder: str | None = None) -> list[str]:
    return [file.path for file in client(home).list_artifacts(run.info.run_id, folder)]


def read(run: Run, path: str) -> Path:
    return Path(unquote(urlparse(run.info.artifact_uri).path)) / path


def deleted_for_good(home: Home, run: Run) -> str:
    """Delete a run as `mlflow gc` does; its id."""
    with closing(sqlite3.connect(home.path / "mlflow.db")) as database, database:
        for table in ("tags", "metrics", "latest_metrics", "params", "runs"):
            database.execute(f"delete from {table} where run_uuid = ?", [run.info.run_id])
    return str(run.info.run_id)


def better(number: int) -> TrialEnd:
    """The end of a trial that is the better the higher its number."""
    return ended(best={**metrics(3), "val/accuracy": 0.3 + number / 100})


def checkpoint(home: Home, key: str) -> Path:
    """A file that stands for the weights, and an input example beside it."""
    path = home.checkpoint(STUDY, key)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"the weights of {key}")
    np.save(path.with_suffix(".npy"), np.zeros((2, 4), np.float32))
    return path


def deliver(home: Home) -> dict[str, Run]:
    """Bring MLflow up to the record; its runs."""
    bring_up(home, "mlflow")
    return runs(home)


def test_a_run_has_the_status_of_its_trials_outcome(home: Home) -> None:
    with recording(home) as told:
        for number, outcome in enumerate(Outcome):
            told.train(number, ended(outcome, epochs=1), key=outcome.value)
    found = {name: run.info.status for name, run in deliver(home).items()}
    assert found == {**{o.value: status for o, status in STATUSES.items()}, STUDY: "KILLED"}


def test_a_run_carries_every_tag(home: Home) -> None:
    with recording(home) as told:
        told.train(0, ended(Outcome.pruned, reason="below the median", device="NVIDIA H200"))
    all_runs = deliver(home)
    tags = all_runs["adam-0000"].data.tags
    assert {name: tags[name] for name in tags if name.startswith("fairtune.")} == {
        "fairtune.study": STUDY,
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
        "fairtune.device": "NVIDIA H200",
        "fairtune.version": "0.1.0",
    }
    assert tags["mlflow.parentRunId"] == all_runs[STUDY].info.run_id
    assert tags["mlflow.source.name"] == "fairtune"  # the driver's program
    assert "mlflow.user" in tags


def test_a_run_holds_the_configuration_and_the_metrics_of_every_epoch(home: Home) -> None:
    with recording(home) as told:
        end = ended(test={"test/accuracy": 0.25}, system={"system/memory": 812.5})
        told.train(0, end, phase="confirm", seed_index=0)
    run = deliver(home)["adam-confirm-0000"]
    assert run.data.params["optimizer.lr"] == "0.01"
    assert run.data.params["model.hidden"] == "[4]"
    assert run.data.params.keys() == configuration().flat().keys()
    history = client(home).get_metric_history(run.info.run_id, "val/accuracy")
    assert [(metric.step, metric.value) for metric in history] == [(1, 0.1), (2, 0.2), (3, 0.3)]
    last = {name: run.data.metrics[name] for name in ("best/val/accuracy", "best/epoch")}
    assert last == {"best/val/accuracy": 0.3, "best/epoch": 3.0}
    assert run.data.metrics["test/accuracy"] == 0.25
    assert run.data.metrics["system/memory"] == 812.5
    times = [run.info.start_time, *(metric.timestamp for metric in history), run.info.end_time]
    assert times == sorted(times)


def test_an_interrupted_and_resumed_trial_has_one_value_per_metric_and_step(home: Home) -> None:
    with recording(home) as told:
        told.train(0, ended(Outcome.interrupted, epochs=2, reason="the study was stopped"))
    first = deliver(home)["adam-0000"]
    assert first.info.status == "KILLED"
    with recording(home) as told:
        told.train(0)
    run = deliver(home)["adam-0000"]
    assert run.info.run_id == first.info.run_id
    assert run.info.status == "FINISHED"
    assert (run.data.tags["fairtune.outcome"], run.data.tags["fairtune.reason"]) == (
        "completed",
        "",
    )
    histories = {
        name: [point.step for point in client(home).get_metric_history(run.info.run_id, name)]
        for name in run.data.metrics
    }
    last = {f"best/{name}": [3] for name in [*metrics(3), "epoch"]}
    assert histories == {**{name: [1, 2, 3] for name in metrics(3)}, **last}


def test_nan_stays_nan_and_infinity_is_left_out(home: Home) -> None:
    with recording(home) as told:
        trial = told.start(0)
        told.epoch(trial, 1, {"val/accuracy": math.nan, "val/loss": math.inf})
        told.end(trial, ended(Outcome.diverged, best={}, best_epoch=None))
    data = deliver(home)["adam-0000"].data
    assert math.isnan(data.metrics["val/accuracy"])
    assert data.metrics.keys() == {"val/accuracy"}


def test_an_error_leaves_its_traceback_and_a_long_parameter_is_cut(home: Home) -> None:
    long = configuration(model={"name": "mlp", "hidden": [16] * 3000})
    with recording(home) as told:
        end = ended(Outcome.error, traceback="Traceback: no such luck", reason="x" * 9000)
        told.train(0, end, configuration=long)
    run = deliver(home)["adam-0000"]
    assert read(run, "traceback.txt").read_text() == "Traceback: no such luck"
    assert len(run.data.params["model.hidden"]) == 6000
    assert run.data.params["model.hidden"].endswith("…")
    assert len(run.data.tags["fairtune.reason"]) == 8000


def test_what_the_code_of_a_trial_has_logged_is_carried_along_but_no_link_and_no_weights(
    home: Home, tmp_path: Path
) -> None:
    with recording(home) as told:
        trial = told.train(0)
        told.finish()
    folder = home.logged(STUDY, trial.key)
    (folder / "figures").mkdir(parents=True)
    for name in ("figures/a-1.png", "own.csv", "last.ckpt"):
        (folder / name).write_text(name)
    (folder / "link.txt").symlink_to(home.record(STUDY))
    (folder / "elsewhere").symlink_to(home.path)
    run = deliver(home)["adam-0000"]
    assert artifacts(home, run) == ["figures", "own.csv"]
    assert artifacts(home, run, "figures") == ["figures/a-1.png"]
    assert read(run, "own.csv").read_text() == "own.csv"


def test_what_mlflow_forbids_in_a_name_becomes_an_underscore_and_names_stay_apart(
    home: Home,
) -> None:
    odd = {"val/acc@5": 0.4, "val/acc_5": 0.3, "val/f1 (macro)": 0.2, "//x": 0.1, "é": 0.7}
    with recording(home) as told:
        trial = told.start(0, configuration=configuration())
        told.epoch(trial, 1, {"val/accuracy": 0.5, **odd})
        told.end(trial, ended(epochs=1, best={"val/accuracy": 0.5, "val/acc@5": 0.4}))
        told.finish()
    found = deliver(home)
    data = found["adam-0000"].data
    hashed = "val/acc_5-" + hashlib.sha256(b"val/acc@5").hexdigest()[:8]
    assert data.metrics == {
        "val/accuracy": 0.5, hashed: 0.4, "val/acc_5": 0.3, "val/f1 _macro_": 0.2, "x": 0.1,
        "é": 0.7, "best/val/accuracy": 0.5, "best/val/acc_5": 0.4, "best/epoch": 1.0,
    }  # fmt: skip
    assert found[STUDY].info.status == "FINISHED"
    before = everything(home)
    with follower(home, "mlflow") as one:
        one.backlog.doubt()
        one.bring_up(MlflowMirror(home, STUDY), "finish")
    assert everything(home)["metrics"] == before["metrics"]


def test_more_metrics_than_a_batch_takes_are_all_written(home: Home) -> None:
    with recording(home) as told:
        told.train(0, ended(epochs=700))
    run_id = deliver(home)["adam-0000"].info.run_id
    history = client(home).get_metric_history(run_id, "val/accuracy")
    assert [metric.step for metric in history] == list(range(1, 701))


def finished(home: Home, count: int) -> list[Path]:
    """A study of so many trials that is over, with a checkpoint of each."""
    with recording(home) as told:
        for number in range(count):
            told.train(number, better(number))
        told.finish()
    return [checkpoint(home, f"adam-{number:04d}") for number in range(count)]


def test_the_studys_run_holds_its_file_its_table_and_its_description(home: Home) -> None:
    paths = finished(home, 2)
    all_runs = deliver(home)
    parent = all_runs[STUDY]
    assert parent.info.status == "FINISHED"
    assert artifacts(home, parent) == ["report.html", "study.yaml", "trials.parquet"]
    assert read(parent, "study.yaml").read_text() == spec_of().text
    table = pd.read_parquet(read(parent, "trials.parquet")).set_index("trial")
    assert table.loc["adam-0001", ["optimizer.lr", "value", "best/val/accuracy"]].tolist() == [
        0.02, 0.31, 0.31,
    ]  # fmt: skip
    assert table["model.hidden"].tolist() == ["[4]", "[4]"]
    assert table["run_id"].tolist() == [all_runs[key].info.run_id for key in table.index]
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
        "optimizer:\n  name: adam\n  lr: 0.02\n",
        "| adam | 2 | 6 | 31.00 % |",
        "| sgd | 0 | 0 | – |",
    ):
        assert text in note
    for path in paths:
        held = read(all_runs[path.stem], "checkpoints/best.pt")
        assert held.read_text() == path.read_text()


def test_the_table_of_runs_has_what_the_study_came_to_in_the_view_for_trainings(home: Home) -> None:
    with recording(home) as told:
        told.train(0, better(0)), told.train(1, better(1))
        told.train(2, ended(Outcome.error, epochs=1))
        told.train(3, ended(Outcome.pruned, epochs=2))
        told.finish()
    parent = deliver(home)[STUDY].data
    counts = {name: parent.metrics[f"study/{name}"] for name in ("trials", "completed", "failed")}
    assert counts == {"trials": 4, "completed": 2, "failed": 1}
    assert (parent.metrics["study/epochs"], parent.metrics["best/val/accuracy"]) == (9, 0.31)
    tags = {
        name: parent.tags[f"fairtune.{name}"] for name in ("compares", "best_trial", "best_arm")
    }
    assert tags == {"compares": "optimizer", "best_trial": "adam-0001", "best_arm": "adam"}
    assert parent.tags["fairtune.objective"] == "maximize val/accuracy"
    assert kind_of(home) == "custom_model_development"


def kind_of(home: Home) -> str:
    """Which view MLflow's pages open the study in."""
    experiment = client(home).get_experiment_by_name(STUDY)
    assert experiment is not None
    return str(experiment.tags["mlflow.experimentKind"])


def test_a_view_that_somebody_has_chosen_stays_and_one_that_was_guessed_does_not(
    home: Home,
) -> None:
    finished(home, 1)
    experiment = deliver(home)[STUDY].info.experiment_id
    for kind, then in (
        ("genai_development", "genai_development"),
        ("genai_development_inferred", "custom_model_development"),
    ):
        client(home).set_experiment_tag(experiment, "mlflow.experimentKind", kind)
        deliver(home)
        assert kind_of(home) == then


def test_an_unfinished_studys_run_is_killed_and_ends_well_when_it_is_continued(
    home: Home,
) -> None:
    with recording(home):
        pass
    assert deliver(home)[STUDY].info.status == "KILLED"
    finished(home, 1)
    assert deliver(home)[STUDY].info.status == "FINISHED"


def test_a_study_that_is_finished_later_without_another_trial_gets_its_report(home: Home) -> None:
    with recording(home) as told:
        told.train(0)
    assert "report.html" not in artifacts(home, deliver(home)[STUDY])
    with recording(home) as told:
        told.finish()
    assert "report.html" in artifacts(home, deliver(home)[STUDY])


def test_another_look_is_in_the_report(home: Home) -> None:
    finished(home, 1)
    before = deliver(home)[STUDY].data.tags["fairtune.results"]
    with recording(home) as told:
        look = {"repeats": 3, "trials": 4, "epochs": None, "seeds": 1}
        told.record.note({"looks": [look]})
    assert deliver(home)[STUDY].data.tags["fairtune.results"] != before


def everything(home: Home) -> Mapping[str, list[tuple[Any, ...]]]:
    """Every row of every table."""
    with closing(sqlite3.connect(home.path / "mlflow.db")) as database:
        tables = database.execute("select name from sqlite_master where type = 'table'").fetchall()
        return {name: database.execute(f"select * from {name}").fetchall() for (name,) in tables}


def test_finishing_again_with_the_same_results_adds_nothing(home: Home) -> None:
    finished(home, 1)
    deliver(home)
    before = everything(home)
    assert len(before["logged_models"]) == 1
    deliver(home)
    assert everything(home) == before


def test_a_new_best_trial_becomes_the_logged_model(home: Home) -> None:
    for count in (1, 2, 3):
        with recording(home) as told:
            told.train(count - 1, better(count - 1))
            told.finish()
        checkpoint(home, f"adam-{count - 1:04d}")
        for _ in range(2):
            ids = {run.info.run_id for name, run in deliver(home).items() if name != STUDY}
    experiment = client(home).get_experiment_by_name(STUDY)
    assert experiment is not None
    models = client(home).search_logged_models([experiment.experiment_id])
    assert Counter(model.source_run_id for model in models) == Counter(ids)
    assert {model.status.value for model in models} == {"READY"}


KILLED = """
import os, signal, sys
from pathlib import Path
from mlflow.tracking.client import MlflowClient
from studies.home import Home
from tests.support.recorded import bring_up
name = sys.argv[2]
call = getattr(MlflowClient, name)
def dying(self, *args, **options):
    if name != "set_tag" or args[1] == "fairtune.best_run":
        os.kill(os.getpid(), signal.SIGKILL)
    return call(self, *args, **options)
setattr(MlflowClient, name, dying)
bring_up(Home.at(Path(sys.argv[1])), "mlflow")
"""


@pytest.mark.parametrize(
    "moment", ["log_model_artifacts", "log_outputs", "finalize_logged_model", "set_tag"]
)
def test_a_mirror_that_is_killed_while_it_logs_the_model_leaves_one_that_is_whole(
    moment: str, home: Home
) -> None:
    finished(home, 1)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    argv = [sys.executable, "-c", KILLED, str(home.path), moment]
    done = subprocess.run(argv, check=False, env=environment)
    assert done.returncode == -signal.SIGKILL
    run = deliver(home)["adam-0000"]
    (model,) = client(home).search_logged_models([run.info.experiment_id])
    assert model.status.value == "READY"
    assert run.outputs is not None
    assert [output.model_id for output in run.outputs.model_outputs] == [model.model_id]
    assert list(Path(unquote(urlparse(model.artifact_location).path)).iterdir())


ASK = """
import json, sys
import mlflow.pyfunc
import numpy as np
model = mlflow.pyfunc.load_model(sys.argv[1])
example = model.input_example
print(json.dumps([example.tolist(), model.predict(example).tolist()]))
"""


def test_the_logged_model_answers_in_another_process(home: Home) -> None:
    import torch

    from lightning_modules.training.building import restore
    from lightning_modules.training.train import train as train_network

    path = home.checkpoint(STUDY, "adam-0000")
    path.parent.mkdir(parents=True)
    result = train_network(configuration(), seed=7, checkpoint=path)
    with recording(home) as told:
        told.train(0, ended(best=result.best))
        told.finish()
    run = deliver(home)["adam-0000"]
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


def modules_after(code: str) -> set[str]:
    """What a new process has imported."""
    code = f"import sys; {code}; print(*sys.modules)"
    asked = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert asked.stderr == ""
    return set(asked.stdout.split())


def test_the_driver_imports_neither_mlflow_nor_sqlalchemy_nor_torch() -> None:
    found = modules_after("import studies.running.run_study")
    assert not {"mlflow", "sqlalchemy", "alembic", "torch"} & found


def test_the_drivers_side_of_the_mirrors_imports_no_optuna_either() -> None:
    assert not {"mlflow", "sqlalchemy", "optuna"} & modules_after(
        "import studies.mirrors.mirroring"
    )


def test_the_mirrors_import_no_torch() -> None:
    code = "import studies.mirrors.mlflow.mirror, studies.mirrors.mlflow.study_artifacts"
    assert "torch" not in modules_after(f"{code}, studies.mirrors.mlflow.served")


def test_a_file_that_is_no_database_is_a_storage_error(home: Home) -> None:
    (home.path / "mlflow.db").write_text("no database " * 1000)
    with recording(home), pytest.raises(StorageError) as caught:
        deliver(home)
    assert str(caught.value) == (
        f"the MLflow store {home.mlflow_uri} cannot be used: file is not a database; "
        "move it away or name another with MLFLOW_TRACKING_URI"
    )


def test_an_experiment_that_was_deleted_in_mlflow_is_restored_with_its_runs(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    finished(home, 1)
    before = deliver(home)
    client(home).delete_experiment(before[STUDY].info.experiment_id)
    with recording(home) as told:
        told.train(1)
    after = deliver(home)
    assert sorted(after) == ["adam-0000", "adam-0001", STUDY]
    for name in ("adam-0000", STUDY):
        assert after[name].info.run_id == before[name].info.run_id
    said = f"the experiment {STUDY} had been deleted in MLflow and was restored; "
    assert f"{said}`fairtune delete {STUDY} --home '{home.path}'`" in caplog.text


def test_runs_find_the_successor_of_their_parent_without_what_was_noted(home: Home) -> None:
    finished(home, 1)
    before = deliver(home)
    deleted_for_good(home, before[STUDY])
    (home.study(STUDY) / "mirrors.db").unlink()
    after = deliver(home)
    assert sorted(after) == ["adam-0000", STUDY]
    child = after["adam-0000"]
    assert child.info.run_id == before["adam-0000"].info.run_id
    assert child.data.tags["mlflow.parentRunId"] == after[STUDY].info.run_id


def test_a_trials_run_that_was_deleted_is_restored_by_a_rebuild(home: Home) -> None:
    finished(home, 1)
    run = deliver(home)["adam-0000"].info.run_id
    client(home).delete_run(run)
    assert sorted(deliver(home)) == [STUDY]
    sync(home, STUDY, rebuild=True)
    assert runs(home)["adam-0000"].info.run_id == run


def test_a_studys_run_that_was_deleted_is_restored_with_the_runs_of_its_trials(
    home: Home,
) -> None:
    finished(home, 1)
    before = deliver(home)
    client(home).delete_run(before[STUDY].info.run_id)
    with recording(home) as told:
        told.train(1)
    after = deliver(home)
    assert sorted(after) == ["adam-0000", "adam-0001", STUDY]
    for name in ("adam-0000", STUDY):
        assert after[name].info.run_id == before[name].info.run_id


def test_a_studys_run_that_is_gone_for_good_gets_a_successor_with_the_runs_of_its_trials(
    home: Home,
) -> None:
    finished(home, 1)
    before = deliver(home)
    gone = deleted_for_good(home, before[STUDY])
    with recording(home) as told:
        told.train(1)
    after = deliver(home)
    assert sorted(after) == ["adam-0000", "adam-0001", STUDY]
    assert after["adam-0000"].info.run_id == before["adam-0000"].info.run_id
    parent = after[STUDY].info.run_id
    assert parent != gone
    assert {below(after[name]) for name in ("adam-0000", "adam-0001")} == {parent}


def forget_the_record(home: Home) -> str:
    """Make the study's run look as an earlier version wrote it; the run."""
    parent = runs(home)[STUDY].info.run_id
    client(home).delete_tag(parent, "fairtune.record")
    return parent


def test_a_run_of_an_earlier_version_is_not_taken_by_another_home(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finished(home, 2)
    parent = {deliver(home)[STUDY].info.run_id}
    forget_the_record(home)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", home.mlflow_uri)
    other = Home.at(tmp_path / "other")
    with recording(other) as told:
        told.train(0)  # the defaults are the same in both
        told.train(1, configuration=configuration(0.5))
    bring_up(other, "mlflow")
    parents = {run.info.run_id for run in every_run(home) if below(run) is None}
    assert len(parents) == 2 and parent < parents
    assert sorted(str(run.info.run_name) for run in every_run(home) if below(run) in parent) == [
        "adam-0000", "adam-0001",
    ]  # fmt: skip


def test_a_run_of_an_earlier_version_is_continued_by_the_record_that_has_its_trials(
    home: Home,
) -> None:
    finished(home, 2)
    deliver(home)
    parent = forget_the_record(home)
    (home.study(STUDY) / "mirrors.db").unlink()
    with recording(home) as told:
        told.train(2, better(2))
    after = deliver(home)
    assert sorted(after) == ["adam-0000", "adam-0001", "adam-0002", STUDY]
    assert after[STUDY].info.run_id == parent
    assert "fairtune.record" in after[STUDY].data.tags


def every_run(home: Home) -> list[Run]:
    experiment = client(home).get_experiment_by_name(STUDY)
    assert experiment is not None
    return list(client(home).search_runs([experiment.experiment_id]))


def below(run: Run) -> str | None:
    parent: str | None = run.data.tags.get("mlflow.parentRunId")
    return parent


def test_a_table_that_is_missing_for_a_while_loses_nothing(home: Home) -> None:
    with recording(home) as told:
        told.train(0)
        bring_up(home, "mlflow", until="")
        alter(home, "runs", "gone")
        told.train(1)
        with pytest.raises(StorageError, match="no such table: runs"):
            bring_up(home, "mlflow")
        alter(home, "gone", "runs")
    found = {name: run.info.status for name, run in deliver(home).items() if name != STUDY}
    assert found == {"adam-0000": "FINISHED", "adam-0001": "FINISHED"}


def alter(home: Home, old: str, new: str) -> None:
    with closing(sqlite3.connect(home.path / "mlflow.db")) as database, database:
        database.execute(f"alter table {old} rename to {new}")


def test_mirrors_that_open_a_cold_home_at_once_all_succeed(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    code = f"from studies.mirrors.mlflow.client import connect; connect('{uri}')"
    processes = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(2)]
    assert [process.wait() for process in processes] == [0, 0]
    assert MlflowClient(uri).get_experiment("0").name == "Default"


def test_a_template_that_is_damaged_is_made_again(tmp_path: Path) -> None:
    with mlflow_database.template(tmp_path) as made:
        whole = made.read_bytes()
    made.write_bytes(whole[: len(whole) // 2])
    with mlflow_database.template(tmp_path) as again:
        assert again == made
        with closing(sqlite3.connect(again)) as database:
            assert database.execute("select count(*) from experiments").fetchone() == (0,)
    assert [path.name for path in tmp_path.iterdir()] == [made.name]


def test_a_cache_that_cannot_be_written_costs_time_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    with mlflow_database.template(tmp_path / "cache") as made:
        assert made.stat().st_size > 0
    assert not made.exists()


def test_another_version_of_mlflow_is_left_to_the_doctor(home: Home) -> None:
    uri = home.mlflow_uri
    assert not mlflow_database.is_outdated(uri)
    with closing(sqlite3.connect(home.path / "mlflow.db")) as database, database:
        database.execute("update alembic_version set version_num = '0a8213491aaa'")
    assert mlflow_database.is_outdated(uri)
    with recording(home), pytest.raises(StorageError, match="`fairtune doctor --fix`"):
        deliver(home)
