"""Optuna's storage stalls, restarts, breaks in mid-sentence or is damaged (rows 12, 13, 16, 21)."""

import itertools
import re
import shutil
import sqlite3
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from optuna.trial import TrialState

from studies import storage
from studies.cli import main
from studies.home import Home
from tests.faults.invariants import check_invariants
from tests.faults.scripted import EPOCHS, TRIALS, Scripted, heard
from tests.faults.servers import Postgres, wire
from tests.integration.accounts import optuna_trials

pytestmark = pytest.mark.filterwarnings(
    "ignore:<psycopg.Connection:ResourceWarning"  # SQLAlchemy drops those that are broken
)
Output = pytest.CaptureFixture[str]
WAITS = "the Optuna database does not answer (database is locked); waiting for it"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite itself gives up at once, so that the driver's own waiting is seen."""
    monkeypatch.setattr(storage, "SQLITE_SECONDS", 0.05)


# --- SQLite --------------------------------------------------------------------------------------


def test_a_database_that_is_locked_from_outside_makes_the_study_wait_and_go_on(
    home: Home,
) -> None:
    locked = threading.Event()

    def outside() -> None:
        other = sqlite3.connect(home.path / "optuna.db")
        other.execute("begin immediate")
        locked.set()
        assert waited.wait(60)
        other.rollback()
        other.close()

    thread = threading.Thread(target=outside)

    def blow(trial: int, epoch: int) -> None:
        if (trial, epoch) == (1, 2):
            thread.start()
            assert locked.wait(60)

    study = Scripted(home, "locked")
    with heard(WAITS) as waited:
        assert study.run(blow) == 0
    thread.join()
    assert study.trained == TRIALS * EPOCHS
    check_invariants(home, "locked")


def test_a_lock_that_stays_ends_the_run_and_the_same_command_continues_it(
    home: Home, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    monkeypatch.setattr(storage, "PATIENCE", 0.2)
    others: list[sqlite3.Connection] = []

    def blow(trial: int, epoch: int) -> None:
        if (trial, epoch) == (1, 2):
            others.append(sqlite3.connect(home.path / "optuna.db", check_same_thread=False))
            others[0].execute("begin immediate")

    study = Scripted(home, "stuck")
    assert study.run(blow) == 4
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"fairtune: the Optuna database {home.optuna_url} cannot be used: database is locked; "
        "end the process that holds it and run the same command again"
    )
    others[0].rollback()
    others[0].close()
    assert study.run() == 0
    check_invariants(home, "stuck")


def test_a_ctrl_c_that_meets_a_connection_being_given_back_shows_no_traceback(
    home: Home, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def interrupted(connection: object) -> None:
        raise KeyboardInterrupt

    opened = storage.open_storage(home.optuna_url)
    lent = opened.engine.raw_connection()
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(opened.engine.dialect, "do_rollback", interrupted)
        lent.close()
    assert caplog.records == []
    opened.engine.dispose()


@pytest.mark.parametrize("name", ["optuna.db", "mlflow.db"])
@pytest.mark.parametrize(
    ("damage", "what"),
    [
        (lambda whole: b"", "the file is empty"),
        (lambda whole: b"no database " * 1000, "file is not a database"),
        (
            lambda whole: whole[: len(whole) // 2],
            r"the file is cut off: \d+ of \d+ bytes",
        ),
    ],
)
def test_a_damaged_database_is_named_with_the_way_out_and_left_as_it_is(
    name: str, damage: object, what: str, finished: Home, tmp_path: Path, capsys: Output
) -> None:
    home = Home.at(tmp_path / "home")
    shutil.copytree(finished.path, home.path)
    file = home.path / name
    assert callable(damage)
    damaged = damage(file.read_bytes())
    file.write_bytes(damaged)
    study = Scripted(home, "another")
    assert study.run() == 4
    variable = "FAIRTUNE_STORAGE" if name == "optuna.db" else "MLFLOW_TRACKING_URI"
    said = capsys.readouterr().err.splitlines()[-1]
    assert re.search(f"{re.escape(str(file))} cannot be used: {what}.*; .*{variable}", said), said
    assert file.read_bytes() == damaged
    assert study.trained == 0
    assert main(["doctor", "--home", str(home.path)]) == 4
    assert re.search(f"fail .*{name}: {what}", capsys.readouterr().out)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home in which a study has ended, its databases closed."""
    home = Home.at(tmp_path_factory.mktemp("finished") / "home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(storage, "SQLITE_SECONDS", 5.0)
        assert Scripted(home, "whole").run() == 0
    for name in ("optuna.db", "mlflow.db"):
        with sqlite3.connect(home.path / name) as database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        database.close()
    return home


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


def complete_exactly_once(home: Home, study: str) -> None:
    trials = optuna_trials(home, study)
    assert [(trial.number, trial.state) for trial in trials] == [
        (number, TrialState.COMPLETE) for number in range(TRIALS)
    ]
    assert all(list(trial.intermediate_values) == [1, 2, 3, 4] for trial in trials)
    check_invariants(home, study)


def test_a_restarted_postgresql_and_ended_connections_lose_no_trial(
    home: Home, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAIRTUNE_STORAGE", postgres.database("restarted"))
    home = Home.at(home.path)

    def blow(trial: int, epoch: int) -> None:
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


def test_a_postgresql_that_is_down_when_it_is_needed_makes_the_study_wait(
    home: Home, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAIRTUNE_STORAGE", postgres.database("down"))
    home = Home.at(home.path)

    def start_again() -> None:
        assert waited.wait(60)
        postgres.control("start")

    thread = threading.Thread(target=start_again)

    def blow(trial: int, epoch: int) -> None:
        if (trial, epoch) == (1, 2):
            postgres.control("stop", "-m", "immediate")
            thread.start()

    with heard("the Optuna database does not answer") as waited:
        assert Scripted(home, "down").run(blow) == 0
    thread.join()
    complete_exactly_once(home, "down")


def test_answers_of_postgresql_that_are_lost_after_the_commit_double_nothing(
    home: Home, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
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
        home = Home.at(home.path)
        monkeypatch.setattr(storage, "PAUSE", 0.01)
        study = Scripted(home, "lossy")
        assert study.run() == 0
    # each of the trials was queued, started and told
    assert len(lossy.lost) == 3 * TRIALS
    assert study.trained == TRIALS * EPOCHS
    complete_exactly_once(replace(home, optuna_url=postgres.database("lossy")), "lossy")


def test_a_postgresql_that_breaks_off_while_trials_are_read_is_asked_again(
    home: Home, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = itertools.count()

    def loses(request: bytes) -> bool:
        """The answer to every other reading of the values of several trials at once."""
        return b"FROM trial_values" in request and b" IN (" in request and next(reading) % 2 == 1

    postgres.database("reading")
    with wire(postgres.port, loses) as lossy:
        monkeypatch.setenv("FAIRTUNE_STORAGE", postgres.database("reading", lossy.port))
        monkeypatch.setattr(storage, "PAUSE", 0.01)
        study = Scripted(Home.at(home.path), "reading")
        assert study.run() == 0
    assert lossy.lost
    complete_exactly_once(replace(home, optuna_url=postgres.database("reading")), "reading")
