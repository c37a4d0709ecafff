"""Homes that were copied and use the same MLflow: the runs there are the first home's."""

import shutil
from pathlib import Path

import pytest

from lightning_modules.errors import StorageError
from studies.cli import main
from studies.home import Home
from studies.home.deleted import deleted_studies
from studies.maintenance.renaming import rename
from studies.mirrors.mlflow.client import MlflowClient
from studies.records.reader import recorded_studies
from tests.conftest import MakeHome
from tests.support.recorded import STUDY, bring_up, recording

RUNS = [STUDY, "adam-0000"]
Output = pytest.CaptureFixture[str]
Homes = tuple[Home, Home]


@pytest.fixture
def homes(tmp_path: Path, make_home: MakeHome, monkeypatch: pytest.MonkeyPatch) -> Homes:
    """A home whose study is on a server, and a copy of it."""
    server = make_home(tmp_path / "server")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.mlflow_uri)
    one, copy = Home.at(tmp_path / "one"), Home.at(tmp_path / "copy")
    with recording(one) as told:
        told.train()
        told.finish()
    bring_up(one)
    shutil.copytree(one.path, copy.path)
    return one, copy


def runs(home: Home) -> list[str]:
    client = MlflowClient(home.mlflow_uri)
    ids = [each.experiment_id for each in client.search_experiments()]
    return sorted((str(run.info.run_name) for run in client.search_runs(ids)), reverse=True)


def of(home: Home, *argv: str) -> int:
    return main([*argv, "--home", str(home.path)])


def test_a_copy_that_is_deleted_leaves_the_runs_of_the_first_home(
    homes: Homes, caplog: pytest.LogCaptureFixture
) -> None:
    one, copy = homes
    assert of(copy, "delete", STUDY, "--yes") == 0
    assert f"what MLflow has of study {STUDY} stays in {one.mlflow_uri}" in caplog.text
    assert runs(one) == RUNS
    assert recorded_studies(copy) == [] and deleted_studies(copy) == []
    caplog.clear()
    assert of(one, "delete", STUDY, "--yes") == 0
    assert runs(one) == [] and caplog.text == ""


def test_a_copy_does_not_write_into_the_runs_of_the_first_home_until_it_is_told_to(
    homes: Homes, caplog: pytest.LogCaptureFixture
) -> None:
    one, copy = homes
    for home in homes:
        with recording(home) as told:
            told.train(1)
    with pytest.raises(StorageError, match="made by another home, of which this one is a copy"):
        bring_up(copy, "mlflow")
    assert runs(one) == RUNS
    assert of(copy, "sync", STUDY, "--rebuild") == 0
    assert runs(one) == [STUDY, "adam-0001", "adam-0000"]
    with pytest.raises(
        StorageError, match=r"`fairtune sync \S+ --rebuild --home \S+` takes them over"
    ):
        bring_up(one, "mlflow")
    assert of(one, "delete", STUDY, "--yes") == 0
    assert runs(one) == [STUDY, "adam-0001", "adam-0000"]
    assert "stays in" in caplog.text


def test_a_copy_that_is_renamed_leaves_the_names_of_the_first_home(homes: Homes) -> None:
    one, copy = homes
    rename(copy, STUDY, "other")
    with pytest.raises(StorageError, match="made by another home"):
        bring_up(copy, "mlflow", study="other")
    assert runs(one) == RUNS
    assert MlflowClient(one.mlflow_uri).get_experiment_by_name(STUDY) is not None


def test_a_home_that_was_moved_is_still_the_one_that_made_its_runs(homes: Homes) -> None:
    one, copy = homes
    moved = Home.at(copy.path.with_name("moved"))
    one.path.rename(moved.path)
    bring_up(moved, "mlflow")
    assert of(moved, "delete", STUDY, "--yes") == 0
    assert runs(moved) == []
