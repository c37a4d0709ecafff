"""I7: a password is used, and appears nowhere."""

from pathlib import Path

import psutil
import pytest
from sqlalchemy import create_engine, text

from studies.cli import main
from studies.home import Home, redact, without_secrets
from studies.records.deliveries import url_hash
from tests.support.accounts import optuna_trials
from tests.support.drivers import Faulty
from tests.support.invariants import CANARY, no_secret_is_written
from tests.support.servers import Postgres, free_port

Output = pytest.CaptureFixture[str]


def test_passwords_appear_in_no_log_record_traceback_or_process(
    faulty: Faulty, postgres: Postgres, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    """Both servers ask for it, MLflow is away and then a file, and the user's code prints it."""
    postgres.execute(f"create role leaky login password '{CANARY}'")
    postgres.execute("create database leaky owner leaky")
    url = f"postgresql://leaky:{CANARY}@127.0.0.1:{postgres.port}/leaky"
    monkeypatch.setenv("FAIRTUNE_STORAGE", url)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://me:{CANARY}@127.0.0.1:{free_port()}")
    faulty.hit(0, 2, "leak")
    faulty.hit(1, 2, "wait")
    with faulty.driver(workers=1) as driver:
        worker = faulty.reached(1, 2)
        family = [psutil.Process(driver.process.pid), worker, *faulty.family()]
        said = [word for process in family for word in process.cmdline()]
        assert not [word for word in said if CANARY in word]
        faulty.relieve(1, 2)
        assert driver.ends() == 0, driver.said
    assert "http://me:***@127.0.0.1" in driver.said
    assert CANARY not in driver.said + driver.output.read_text()
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    home = Home.at(faulty.home.path)
    assert main(["sync", "--home", str(home.path)]) == 0
    assert "faulty: delivered 0 trials to Optuna's storage, 6 to MLflow" in capsys.readouterr().out
    no_secret_is_written(home.path)
    trial = optuna_trials(home, "faulty")[0]
    assert trial.user_attrs["outcome"] == "error" and "***" in trial.user_attrs["end"]
    assert (home.artifacts / "faulty").exists() and list(home.artifacts.rglob("traceback.txt"))
    engine = create_engine(url)
    with engine.connect() as connection:
        for table in ("trial_user_attributes", "trial_system_attributes", "study_user_attributes"):
            query = text(f"select count(*) from {table} where value_json like :canary")
            assert connection.execute(query, {"canary": f"%{CANARY}%"}).scalar() == 0
    engine.dispose()


@pytest.mark.parametrize(
    ("variable", "url", "message"),
    [
        ("FAIRTUNE_STORAGE", "http://a:b@c/d", "cannot be http://...; it may be sqlite://, "),
        ("FAIRTUNE_STORAGE", "postgresql://a:b@c@d/e", "has more than one @; write those of the "),
        ("MLFLOW_TRACKING_URI", "http://a:b@c:d", "has a port that is no number"),
    ],
)
def test_a_url_that_is_none_is_refused(
    variable: str, url: str, message: str, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    monkeypatch.setenv(variable, url)
    assert main(["run", "quickstart", "--home", "/dev/null/never-made"]) == 2
    assert f"fairtune: {variable}: {message}" in capsys.readouterr().err


@pytest.mark.parametrize("variable", ["FAIRTUNE_STORAGE", "MLFLOW_TRACKING_URI"])
@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://me:{CANARY}@127.0.0.1:1/x",
        f"postgresql://me:{CANARY}@127.0.0.1:port/x",
        f"postgresql://me:half@{CANARY}@127.0.0.1:1/x",
        f"nosuch://me:{CANARY}@127.0.0.1/x",
        f"http://me:{CANARY}@127.0.0.1:1",
        f"postgresql://127.0.0.1:1/x?user=me&password={CANARY}",
        f"postgresql://127.0.0.1:1/x?password={CANARY}&sslpassword={CANARY}2&user=a@b",
        f"mysql://127.0.0.1:1/x?user=me&passwd=half@{CANARY}",
    ],
)
def test_what_is_said_of_a_database_that_cannot_be_used_holds_no_password(
    variable: str, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    monkeypatch.setenv(variable, url)
    for argv in (["doctor"], ["status"], ["sync"], ["ui"]):
        assert main([*argv, "--home", str(tmp_path)]) in (0, 2, 4), argv
        output = capsys.readouterr()
        assert CANARY not in output.out + output.err
        assert "Traceback" not in output.err


def test_a_password_is_recognized_however_it_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAIRTUNE_STORAGE", "postgresql://me:p%40ss%25word@db.example/x")
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "t0ken")
    assert without_secrets("p%40ss%25word or p@ss%word at db.example, t0ken") == (
        "*** or *** at db.example, ***"
    )


def test_a_password_among_the_parameters_of_a_url_is_neither_shown_nor_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url = "postgresql://db.example/x?user=ada&Password=p%40ss+w%25rd&sslpassword=k3y&port=1"
    shown = "postgresql://db.example/x?user=ada&Password=***&sslpassword=***&port=1"
    assert redact(url) == shown
    assert redact("postgresql://ada:one@db.example/x?password=two") == (
        "postgresql://ada:***@db.example/x?password=***"
    )
    assert url_hash(url) == url_hash(url.replace("k3y", "another"))
    monkeypatch.setenv("FAIRTUNE_STORAGE", url)
    assert without_secrets("p%40ss+w%25rd, p@ss w%rd or k3y for ada") == "***, *** or *** for ada"
