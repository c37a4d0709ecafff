"""A study is reset, renamed and deleted while a server is away, and after that is back."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lightning_modules.errors import StorageError
from studies.home import Home
from studies.home.deleted import deleted_studies
from studies.maintenance.deleting import delete, finish_all
from studies.maintenance.renaming import rename
from studies.maintenance.resetting import reset_failed
from studies.mirrors.mlflow.client import MlflowClient
from studies.mirrors.sync import sync
from studies.records import Outcome
from tests.support.lives import run, trials
from tests.support.mirrored import storage
from tests.support.servers import MlflowServer, Postgres, free_port

FAILS = {"sgd-0001": (Outcome.error, 1)}


@pytest.fixture
def server(home: Home) -> Iterator[MlflowServer]:
    server = MlflowServer(home.path, free_port())
    yield server
    server.kill()


@pytest.fixture
def served(home: Home, server: MlflowServer, postgres: Postgres, tmp_path: Path) -> Home:
    """A home whose mirrors are servers."""
    own = Home.at(tmp_path / "served")
    return replace(own, optuna_url=postgres.database("life"), mlflow_uri=server.url)


def runs(home: Home) -> dict[str, set[str]]:
    client = MlflowClient(home.mlflow_uri)
    found = {}
    for each in client.search_experiments():
        there = [str(one.info.run_name) for one in client.search_runs([each.experiment_id])]
        assert len(set(there)) == len(there)
        found[each.name] = set(there)
    return {name: there for name, there in found.items() if name != "Default"}


def searches(home: Home) -> set[str]:
    with storage(home) as opened:
        return {each.study_name for each in opened.get_all_studies()}


def test_servers_follow_a_study_that_was_reset_renamed_and_deleted_while_mlflow_was_away(
    served: Home, server: MlflowServer
) -> None:
    server.start()
    run(served, FAILS)
    sync(served, "lives")
    server.kill()
    reset_failed(served, "lives")
    rename(served, "lives", "other")
    with pytest.raises(StorageError, match="cannot be used"):
        sync(served, "other")
    assert searches(served) == {
        "other/sgd", "other/adam", "other:confirm", "other:superseded"
    }  # fmt: skip
    server.start()
    sync(served, "other")
    sync(served, "other")
    assert runs(served) == {"other": {"other", *trials(served, "other")}}
    assert "sgd-0001-superseded-1" in runs(served)["other"]
    server.kill()
    assert "MLflow still has it" in delete(served, "other")
    assert searches(served) == set()
    assert "MLflow still has it" in finish_all(served)
    server.start()
    assert finish_all(served) == ""
    assert runs(served) == {} and deleted_studies(served) == []
