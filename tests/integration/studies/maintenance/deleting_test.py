"""Studies that are deleted or get another name, wherever that is cut short."""

import json
import os
import shutil
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from unittest import mock

import optuna
import pytest
from mlflow.tracking._tracking_service import utils

from lightning_modules.errors import BusyError, StorageError, UserError
from studies.cli import main
from studies.home import Home
from studies.home.deleted import deleted_studies
from studies.maintenance.deleting import delete, finish_all
from studies.maintenance.renaming import rename
from studies.mirrors.backlog import Backlog
from studies.mirrors.mlflow.client import MlflowClient
from studies.mirrors.mlflow.mirror import MlflowMirror
from studies.mirrors.mlflow.study import MlflowStudy
from studies.mirrors.sync import sync
from studies.records import Record, RecordReader
from studies.records.reader import recorded_studies
from studies.results import load_results
from tests.support.lives import FILE, run
from tests.support.mirrored import storage
from tests.support.recorded import STUDY, bring_up, recording, spec_of

OTHER = "other"


class Forgetful(OrderedDict[str, Any]):
    """A memory that keeps nothing."""

    def __setitem__(self, key: str, value: Any) -> None: ...


class Killed(BaseException):
    """The process ends here."""


CLIENT = ("rename_experiment", "delete_experiment", "restore_experiment", "create_experiment",
          "create_run", "delete_run", "set_tag", "set_experiment_tag", "log_batch",
          "set_terminated", "log_text")  # fmt: skip
"""The calls of MLflow that write."""


@contextmanager
def killed_after(steps: int) -> Iterator[list[str]]:
    """Let the process die instead of its write number `steps`, counted from 0; what was written."""
    done: list[str] = []

    def dying(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def write(*given: Any, **more: Any) -> Any:
            if len(done) == steps:
                raise Killed
            done.append(name)
            return call(*given, **more)

        return write

    with mock.patch.multiple(
        MlflowClient, **{name: dying(name, getattr(MlflowClient, name)) for name in CLIENT}
    ), mock.patch("os.rename", dying("rename", os.rename)), mock.patch(
        "optuna.delete_study", dying("delete_study", optuna.delete_study)
    ), mock.patch("shutil.rmtree", dying("rmtree", shutil.rmtree)), mock.patch.object(
        Path, "touch", dying("touch", Path.touch)
    ), mock.patch.object(
        Record, "settle_name", dying("settle_name", Record.settle_name)
    ):  # fmt: skip
        yield done


def write(home: Home, study: str = STUDY, trials: int = 2) -> None:
    """A small study that was recorded, with a checkpoint."""
    with recording(home, spec_of(FILE_OF.format(study=study))) as told:
        for number in range(trials):
            told.train(number)
        told.finish()
        path = home.checkpoint(study, "adam-0000")
        path.write_text("weights")


FILE_OF = """
study: {study}
data: iris
model: {{name: mlp, hidden: [4]}}
optimizer:
  - {{name: sgd, lr: {{min: 1e-3, max: 1.0, log: true}}}}
  - {{name: adam, lr: {{min: 1e-4, max: 1e-1, log: true}}}}
trainer: {{epochs: 3}}
search: {{method: random, trials: 2}}
compare: {{factor: optimizer, claim: configurations}}
"""


@pytest.fixture
def without_results(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing but runs and one artifact is written to MLflow: results take seconds."""

    def write(mirror: MlflowMirror, study: MlflowStudy, backlog: Backlog) -> None:
        study.client.log_text(study.run_id, "results", "results.txt")

    monkeypatch.setattr(MlflowMirror, "_results", write)


@pytest.fixture(autouse=True)
def other_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client of MLflow's remembers where the artifacts of a run are; a command ends before."""
    monkeypatch.setattr(utils, "_artifact_repos_cache", Forgetful())


def optuna_studies(home: Home) -> set[str]:
    with storage(home) as opened:
        return {each.study_name for each in opened.get_all_studies()}


def mlflow_runs(home: Home) -> dict[str, list[str]]:
    """The names of the runs of every experiment that is there."""
    client = MlflowClient(home.mlflow_uri)
    return {
        each.name: sorted(
            str(run.info.run_name) for run in client.search_runs([each.experiment_id])
        )
        for each in client.search_experiments()
        if each.name != "Default"
    }


def artifact_folders(home: Home) -> list[str]:
    return sorted(path.name for path in home.artifacts.iterdir())


# --- deleting ------------------------------------------------------------------------------------


def test_a_deleted_study_is_gone_from_the_home_and_both_mirrors(home: Home) -> None:
    write(home)
    write(home, OTHER)
    for study in (STUDY, OTHER):
        bring_up(home, study=study)
    assert artifact_folders(home) == sorted([STUDY, OTHER])
    assert delete(home, STUDY) == ""
    assert recorded_studies(home) == [OTHER]
    assert optuna_studies(home) == {"other/adam"}
    assert mlflow_runs(home) == {OTHER: ["adam-0000", "adam-0001", OTHER]}
    assert artifact_folders(home) == [OTHER]
    assert deleted_studies(home) == []


def test_its_name_is_free(home: Home) -> None:
    write(home)
    bring_up(home)
    delete(home, STUDY)
    write(home, trials=1)
    bring_up(home)
    assert mlflow_runs(home) == {STUDY: ["adam-0000", STUDY]}
    delete(home, STUDY)
    assert mlflow_runs(home) == {} and optuna_studies(home) == set()


def test_a_study_that_is_being_run_is_not_deleted(home: Home) -> None:
    write(home)
    with home.lock(STUDY), pytest.raises(BusyError):
        delete(home, STUDY)
    with home.lock(STUDY):
        assert main(["delete", STUDY, "--yes", "--home", str(home.path)]) == 5
    assert recorded_studies(home) == [STUDY]


def test_nothing_is_deleted_without_a_yes(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    write(home)
    assert main(["delete", STUDY, "--home", str(home.path)]) == 2
    assert "2 trials" in capsys.readouterr().err
    assert recorded_studies(home) == [STUDY]
    assert main(["delete", STUDY, "--yes", "--json", "--home", str(home.path)]) == 0
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert said == {"study": STUDY, "deleted": True, "trials": 2, "left": None}
    assert main(["delete", STUDY, "--yes", "--home", str(home.path)]) == 2


@pytest.mark.slow
@pytest.mark.usefixtures("without_results")
def test_a_deletion_that_is_cut_short_anywhere_is_finished_by_sync(
    home: Home, tmp_path: Path
) -> None:
    write(home)
    bring_up(home)
    for step in range(100):
        copy = Home.at(tmp_path / f"copy {step}" / "home")
        shutil.copytree(home.path, copy.path)
        with killed_after(step) as done, suppress(Killed):
            delete(copy, STUDY)
            break
        there = recorded_studies(copy) == [STUDY]
        assert there == ("rename" not in done)
        if there:
            assert len(load_results(copy, STUDY).trials) == 2
            assert len(mlflow_runs(copy)[STUDY]) == 3
        else:
            assert finish_all(copy) == ""
            assert mlflow_runs(copy) == {} and optuna_studies(copy) == set()
            assert artifact_folders(copy) == [] and deleted_studies(copy) == []
    assert {"rename", "delete_study", "rename_experiment", "delete_experiment"} <= set(done)


def test_a_mirror_that_is_away_is_told_later(
    home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(home)
    bring_up(home)
    aside = home.path / "aside"
    (home.path / "mlflow.db").rename(aside)
    (home.path / "mlflow.db").write_text("no database " * 1000)
    assert main(["delete", STUDY, "--yes", "--home", str(home.path)]) == 0
    said = capsys.readouterr().out
    assert f"study {STUDY} was deleted, but MLflow still has it" in said
    assert f"`fairtune sync --home '{home.path}'` deletes it there" in said
    assert recorded_studies(home) == [] and optuna_studies(home) == set()
    assert not list(home.deleted.rglob("*.pt"))
    assert main(["sync", "--home", str(home.path)]) == 4
    aside.replace(home.path / "mlflow.db")
    assert main(["sync", "--home", str(home.path)]) == 0
    assert mlflow_runs(home) == {} and deleted_studies(home) == []


def test_runs_of_others_in_the_same_experiment_stay(home: Home) -> None:
    write(home)
    bring_up(home)
    client = MlflowClient(home.mlflow_uri)
    experiment = client.get_experiment_by_name(STUDY)
    assert experiment is not None
    client.create_run(experiment.experiment_id, run_name="mine")
    delete(home, STUDY)
    assert mlflow_runs(home) == {STUDY: ["mine"]}


# --- another name --------------------------------------------------------------------------------


def agrees(home: Home, name: str) -> None:
    """A study is whole under a name, and nothing has the other one."""
    assert recorded_studies(home) == [name]
    results = load_results(home, name)
    assert results.finished and results.spec.study == name
    assert optuna_studies(home) == {f"{name}/adam"}
    assert mlflow_runs(home) == {name: ["adam-0000", "adam-0001", name]}
    client = MlflowClient(home.mlflow_uri)
    experiment = client.get_experiment_by_name(name)
    assert experiment is not None and experiment.artifact_location.endswith(f"/{name}")
    for found in client.search_runs([experiment.experiment_id]):
        assert found.data.tags["fairtune.study"] == name
        client.list_artifacts(found.info.run_id)
    assert artifact_folders(home) == [name]


def run_ids(home: Home) -> set[str]:
    client = MlflowClient(home.mlflow_uri)
    ids = [each.experiment_id for each in client.search_experiments()]
    return {found.info.run_id for found in client.search_runs(ids)}


def test_a_study_has_its_new_name_everywhere_and_its_runs_stay_the_same(home: Home) -> None:
    write(home)
    bring_up(home)
    before = run_ids(home)
    rename(home, STUDY, OTHER)
    sync(home, OTHER)
    agrees(home, OTHER)
    assert run_ids(home) == before
    assert home.checkpoint(OTHER, "adam-0000").read_text() == "weights"
    rename(home, OTHER, STUDY)
    sync(home, STUDY)
    agrees(home, STUDY)


@pytest.mark.slow
@pytest.mark.usefixtures("without_results")
def test_a_renaming_that_is_cut_short_anywhere_leaves_one_of_both_names(
    home: Home, tmp_path: Path
) -> None:
    write(home)
    bring_up(home)
    for step in range(100):
        copy = Home.at(tmp_path / f"copy {step}" / "home")
        shutil.copytree(home.path, copy.path)
        with killed_after(step) as done, suppress(Killed):
            rename(copy, STUDY, OTHER)
            sync(copy, OTHER)
            break
        (name,) = recorded_studies(copy)
        assert load_results(copy, name).finished
        sync(copy, name)
        agrees(copy, name)
        if name == STUDY:
            rename(copy, STUDY, OTHER)
            sync(copy, OTHER)
            agrees(copy, OTHER)
    assert {"rename", "settle_name", "rename_experiment", "delete_study", "set_tag"} <= set(done)


def test_a_renamed_study_goes_on_under_its_new_name(home: Home) -> None:
    run(home, file=FILE.replace("seeds: 1", "seeds: 1, top: 1"))
    rename(home, "lives", OTHER)
    file = FILE.replace("study: lives", f"study: {OTHER}").replace("seeds: 1", "seeds: 2")
    found = run(home, file=file)
    assert len(found.results.trials) == 6 + 4
    assert recorded_studies(home) == [OTHER]


def test_names_that_cannot_be_given(home: Home) -> None:
    write(home)
    write(home, OTHER)
    for now, why in ((OTHER, "has a study 'other' already"), ("a/b", "no study name")):
        with pytest.raises(UserError, match=why):
            rename(home, STUDY, now)
    with pytest.raises(UserError, match="there is no study 'none'"):
        rename(home, "none", "more")
    with home.lock(STUDY), pytest.raises(BusyError):
        rename(home, STUDY, "more")


def test_a_study_whose_files_another_one_names_keeps_its_name(home: Home) -> None:
    write(home)
    weights = str(home.checkpoint(STUDY, "adam-0000"))
    with recording(home, spec_of(FILE_OF.format(study=OTHER))) as told:
        begun = told.start()
        tree = dict(begun.configuration)
        tree["model"] = {**tree["model"], "weights": weights}
        told.record.connection.execute("UPDATE trials SET configuration = ?", [json.dumps(tree)])
    with pytest.raises(UserError, match=f"{STUDY} keeps its name: other starts from weights"):
        rename(home, STUDY, "more")


def test_where_somebody_else_has_runs_in_the_experiment_it_stays_theirs(home: Home) -> None:
    write(home)
    bring_up(home)
    client = MlflowClient(home.mlflow_uri)
    experiment = client.get_experiment_by_name(STUDY)
    assert experiment is not None
    client.create_run(experiment.experiment_id, run_name="mine")
    rename(home, STUDY, OTHER)
    sync(home, OTHER)
    assert mlflow_runs(home) == {STUDY: ["mine"], OTHER: ["adam-0000", "adam-0001", OTHER]}


def test_a_record_whose_folder_was_moved_by_hand_is_still_refused(home: Home) -> None:
    write(home)
    home.study(STUDY).rename(home.study(OTHER))
    with pytest.raises(StorageError, match="is the record of another study"):
        load_results(home, OTHER)
    with RecordReader.open(home, OTHER) as record:
        assert record.notes()["study"] == STUDY
