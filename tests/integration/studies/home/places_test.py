"""Homes and databases that are named relative to a folder, or that move."""

from pathlib import Path

import pytest

from studies.home import Home, home_option
from studies.mirrors.left import what_is_left
from studies.mirrors.sync import sync
from studies.records.deliveries import run_ids
from tests.support.recorded import STUDY, of_every_kind, recording


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FAIRTUNE_STORAGE", "sqlite:///optuna.db?timeout=3")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///mlflow.db")
    return Home.at(tmp_path / "home")


def test_a_relative_database_is_that_of_the_folder_in_which_the_command_was_given(
    home: Home, tmp_path: Path
) -> None:
    assert home.optuna_url == f"sqlite:///{tmp_path}/optuna.db?timeout=3"
    assert home.mlflow_uri == f"sqlite:///{tmp_path}/mlflow.db"


@pytest.mark.parametrize("url", ["sqlite:////there/x.db", "sqlite://", "postgresql://a.example/b"])
def test_a_database_that_is_named_in_full_keeps_its_url(
    url: str, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAIRTUNE_STORAGE", url)
    assert Home.at(home.path).optuna_url == url


def test_a_study_reaches_both_of_them(home: Home, tmp_path: Path) -> None:
    with recording(home) as told:
        of_every_kind(told)
    delivered = sync(home, STUDY).delivered
    assert delivered["optuna"] == delivered["mlflow"] > 0
    assert (tmp_path / "optuna.db").exists() and (tmp_path / "mlflow.db").exists()


def test_a_home_that_was_moved_knows_its_runs_and_has_nothing_to_deliver(tmp_path: Path) -> None:
    before = Home.at(tmp_path / "before")
    with recording(before) as told:
        of_every_kind(told)
    sync(before, STUDY)
    runs = run_ids(before, STUDY)
    after = Home.at(before.path.rename(tmp_path / "after"))
    assert run_ids(after, STUDY) == runs != {}
    assert what_is_left(after, STUDY) == ""


def test_a_command_that_is_named_finds_its_home_from_any_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    usual = tmp_path / "mlruns"
    monkeypatch.setenv("FAIRTUNE_HOME", str(usual))  # as `fairtune dashboard` sets it
    assert home_option(usual) == f" --home {usual}"
    monkeypatch.delenv("FAIRTUNE_HOME")
    assert home_option(usual) == ""
    assert home_option(tmp_path / "my home") == f" --home '{tmp_path}/my home'"
