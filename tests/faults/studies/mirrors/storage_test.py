"""Optuna's storage is locked, restarts, breaks in mid-sentence or is damaged (rows 12, 13, 14, 16,
21 and 26): no epoch waits, and nothing is lost or doubled."""

import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from optuna.trial import TrialState

from studies.cli import main
from studies.home import Home
from studies.mirrors import mirroring
from studies.mirrors.sync import sync
from studies.records.deliveries import statuses
from tests.support.accounts import optuna_trials
from tests.support.invariants import check_invariants
from tests.support.scripted import EPOCHS, TRIALS, Scripted
from tests.support.servers import Postgres, wire

pytestmark = pytest.mark.filterwarnings(
    "ignore:<psycopg.Connection:ResourceWarning"  # SQLAlchemy drops those that are broken
)
Output = pytest.CaptureFixture[str]


def complete_exactly_once(home: Home, study: str) -> None:
    trials = optuna_trials(home, study)
    assert [(trial.number, trial.state) for trial in trials] == [
        (number, TrialState.COMPLETE) for number in range(TRIALS)
    ]
    assert all(list(trial.intermediate_values) == [1, 2, 3, 4] for trial in trials)
    check_invariants(home, study)


# --- SQLite --------------------------------------------------------------------------------------


def test_a_database_that_another_program_has_locked_makes_no_epoch_wait(
    home: Home, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(mirroring, "GIVE_UP_SECONDS", 1.0)
    locks: list[sqlite3.Connection] = []

    def blow(trial: int, epoch: int) -> None:
        if (trial, epoch) == (1, 2):
            study.wait_for_trials("optuna")
            path = home.path / "optuna.db"
            other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            locks.append(other)
            locks[0].execute("begin immediate")

    study = Scripted(home, "locked")
    assert study.run(blow) == 0  # with the database still locked
    assert study.trained == TRIALS * EPOCHS
    assert re.fullmatch(
        r"\d trials of study locked wait for Optuna's storage.*; "
        r"`fairtune sync locked --home .*` delivers them",
        caplog.messages[-1],
    )
    locks[0].execute("rollback")
    locks[0].close()
    assert sync(home, "locked").delivered["optuna"] >= 3
    complete_exactly_once(home, "locked")


def emptied(whole: bytes) -> bytes:
    return b""


def replaced(whole: bytes) -> bytes:
    return b"no database " * 1000


def cut_off(whole: bytes) -> bytes:
    return whole[: len(whole) // 2]


@pytest.mark.parametrize(
    ("name", "mirror", "variable"),
    [
        ("optuna.db", "optuna", "FAIRTUNE_STORAGE"),
        ("mlflow.db", "mlflow", "MLFLOW_TRACKING_URI"),
    ],
)
@pytest.mark.parametrize(
    ("damage", "what"),
    [
        (emptied, "the file is empty"),
        (replaced, "file is not a database"),
        (cut_off, r"the file is cut off: \d+ of \d+ bytes are there"),
    ],
)
def test_a_damaged_database_is_named_with_the_way_out_and_left_as_it_is(
    name: str, mirror: str, variable: str, damage: Callable[[bytes], bytes], what: str,
    finished: Home, tmp_path: Path, capsys: Output,
) -> None:  # fmt: skip
    home = Home.at(tmp_path / "home")
    shutil.copytree(finished.path, home.path)
    file = home.path / name
    damaged = damage(file.read_bytes())
    for path in home.path.glob(f"{name}-*"):
        path.unlink()
    file.write_bytes(damaged)
    shutil.rmtree(home.study("whole") / "mirrors.db", ignore_errors=True)
    assert main(["sync", "whole", "--home", str(home.path)]) == 4
    said = capsys.readouterr().err.splitlines()[-1]
    assert re.search(f"{re.escape(str(file))} cannot be used: {what}; .*{variable}", said), said
    assert file.read_bytes() == damaged
    assert statuses(home, "whole")[mirror].error


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A home in which a study has ended."""
    home = Home.at(tmp_path_factory.mktemp("finished") / "home")
    assert Scripted(home, "whole").run() == 0
    for name in ("optuna.db", "mlflow.db"):
        with closing(sqlite3.connect(home.path / name)) as database:
            assert database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
    yield home


@pytest.mark.parametrize(
    ("optuna", "mlflow"),
    [
        ("sqlite:////tmp/one.db", "sqlite:////tmp/../tmp/one.db"),
        ("sqlite:////tmp/one.db", "sqlite+pysqlite:////tmp/one.db?timeout=3"),
        ("postgresql://a:b@localhost/one", "postgresql+psycopg://c:d@127.0.0.1:5432/one"),
        ("postgresql://db.example/one", "postgresql://user@DB.example:5432/one?sslmode=require"),
        ("mysql://a@db.example/one", "mysql+pymysql://b@db.example:3306/one"),
    ],
)
def test_one_database_for_optuna_and_mlflow_is_refused_however_it_is_spelled(
    optuna: str, mlflow: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Output
) -> None:
    monkeypatch.setenv("FAIRTUNE_STORAGE", optuna)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow)
    assert main(["run", "quickstart", "--home", str(tmp_path / "home")]) == 2
    assert "FAIRTUNE_STORAGE and MLFLOW_TRACKING_URI name the same database" in (
        capsys.readouterr().err
    )
    assert not (tmp_path / "home").exists()


# --- PostgreSQL ----------------------------------------------------------------------------------


def test_a_restarted_postgresql_and_ended_connections_lose_no_trial(
    home: Home, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirroring, "GIVE_UP_SECONDS", 30.0)
    monkeypatch.setenv("FAIRTUNE_STORAGE", postgres.database("restarted"))
    home = Home.at(home.path)

    def blow(trial: int, epoch: int) -> None:
        if (trial, epoch) == (1, 2):
            study.wait_for_trials("optuna")
        if epoch == 2:
            postgres.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where datname = 'restarted'"
            )
        if (trial, epoch) == (2, 3):
            postgres.control("restart", "-m", "immediate")

    study = Scripted(home, "restarted")
    assert study.run(blow) == 0
    assert study.trained == TRIALS * EPOCHS
    complete_exactly_once(home, "restarted")


def test_a_postgresql_that_is_down_makes_no_epoch_wait_and_gets_everything_later(
    home: Home,
    postgres: Postgres,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(mirroring, "GIVE_UP_SECONDS", 1.0)
    monkeypatch.setenv("FAIRTUNE_STORAGE", postgres.database("down"))
    home = Home.at(home.path)

    def blow(trial: int, epoch: int) -> None:
        if (trial, epoch) == (1, 2):
            study.wait_for_trials("optuna")
            postgres.control("stop", "-m", "immediate")
        if (trial, epoch) == (3, 2):
            study.wait_for("optuna", lambda status: bool(status.error))

    study = Scripted(home, "down")
    try:
        assert study.run(blow) == 0
        assert study.trained == TRIALS * EPOCHS
    finally:
        postgres.control("start")
    assert any("start that server" in message for message in caplog.messages)
    assert postgres.password not in caplog.text
    assert sync(home, "down").delivered["optuna"] >= 3
    complete_exactly_once(home, "down")


def test_answers_of_postgresql_that_are_lost_after_the_commit_double_nothing(
    home: Home, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirroring, "GIVE_UP_SECONDS", 30.0)
    changing = False

    def loses(request: bytes) -> bool:
        """Every answer to a commit that made a trial or changed its state."""
        nonlocal changing
        changing |= b"INSERT INTO trials " in request or b"UPDATE trials " in request
        lost = changing and b"COMMIT" in request
        changing &= not lost
        return lost

    postgres.database("lossy")
    with wire(postgres.port, loses) as lossy:
        monkeypatch.setenv("FAIRTUNE_STORAGE", postgres.database("lossy", lossy.port))
        study = Scripted(Home.at(home.path), "lossy")
        assert study.run() == 0
    assert len(lossy.lost) == TRIALS  # each was added in one call, and once
    assert study.trained == TRIALS * EPOCHS
    monkeypatch.setenv("FAIRTUNE_STORAGE", postgres.database("lossy"))
    complete_exactly_once(replace(home, optuna_url=postgres.database("lossy")), "lossy")


def test_both_mirrors_may_be_databases_of_a_postgresql_and_no_password_is_seen(
    home: Home, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    from studies.mirrors.mlflow.client import MlflowClient

    monkeypatch.setattr(mirroring, "GIVE_UP_SECONDS", 30.0)
    monkeypatch.setenv("FAIRTUNE_STORAGE", postgres.database("both_optuna"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", postgres.database("both_mlflow"))
    home = Home.at(home.path)
    assert Scripted(home, "both").run() == 0
    assert len(optuna_trials(home, "both")) == TRIALS
    client = MlflowClient(home.mlflow_uri)
    experiment = client.get_experiment_by_name("both")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id])
    assert [run.info.status for run in runs] == ["FINISHED"] * (TRIALS + 1)
    for path in home.path.rglob("*"):
        if path.is_file():
            assert postgres.password.encode() not in path.read_bytes(), path
