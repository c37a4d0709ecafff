"""MLflow is away, for a while or for good (rows 17, 18 and 19), and nothing is lost or doubled."""

import re
import socket
import sqlite3
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from studies import tracking, uploader
from studies.cli import main
from studies.home import Home
from studies.spool import Spool
from tests.conftest import MakeHome
from tests.faults.invariants import check_invariants
from tests.faults.scripted import EPOCHS, TRIALS, Scripted
from tests.faults.servers import MlflowServer, free_port, wire
from tests.integration.accounts import FAIRTUNE, last_line

Output = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, make_home: MakeHome) -> Iterator[MlflowServer]:
    """A server that is up until a test kills it."""
    home = make_home(tmp_path_factory.mktemp("outage") / "home")
    made = MlflowServer(home.path, free_port())
    made.start()
    yield made
    made.kill()


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """The end of a study does not wait long for a server that is away."""
    monkeypatch.setattr(tracking, "FINISH_SECONDS", 0.2)


@pytest.fixture
def home(server: MlflowServer, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.url)
    return Home.at(server.home)


def warnings(log: pytest.LogCaptureFixture) -> list[str]:
    """What fairtune has said since the last time."""
    said = [entry.getMessage() for entry in log.records if entry.name == "fairtune"]
    log.clear()
    return said


def rows(home: Home) -> Counter[str]:
    """How much MLflow's database holds, by table."""
    with closing(sqlite3.connect(home.path / "mlflow.db")) as database:
        names = ("runs", "metrics", "params", "tags")
        counts = {name: f"select count(*) from {name}" for name in names}
        return Counter({n: database.execute(q).fetchone()[0] for n, q in counts.items()})


def test_a_server_that_drops_its_replies_after_committing_gets_one_run_and_one_point_each(
    home: Home,
    server: MlflowServer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    seen: Counter[str] = Counter()

    def loses(request: bytes) -> bool:
        """The first answer to every kind of writing, and every fourth one after it."""
        head = re.match(rb"POST (\S+)", request)
        if head is None:
            return False
        kind = head[1].decode()
        seen[kind] += 1
        return seen[kind] % 4 == 1

    monkeypatch.setattr(uploader, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(tracking, "FINISH_SECONDS", 20.0)
    with wire(server.port, loses) as lossy:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{lossy.port}")
        home = Home.at(home.path)
        assert Scripted(home, "dropped").run() == 0
        heads = [re.match(rb"POST \S+?/mlflow/(\S+)", request) for request in lossy.lost]
        lost = {head[1] for head in heads if head}
    assert lost >= {
        b"experiments/create", b"runs/create", b"experiments/set-experiment-tag",
        b"runs/log-batch", b"runs/update",
    }  # fmt: skip
    assert len(warnings(caplog)) == 1
    found = check_invariants(home, "dropped")
    assert len(found.ended) == TRIALS


def test_a_server_that_comes_back_gets_every_point_and_the_training_has_not_waited(
    home: Home, server: MlflowServer, caplog: pytest.LogCaptureFixture
) -> None:
    def blow(trial: int, epoch: int) -> None:
        if (trial, epoch) == (1, 2):
            server.kill()
        if (trial, epoch) == (3, 2):
            server.start()

    study = Scripted(home, "for-a-while")
    assert study.run(blow) == 0
    assert study.waited < 1.0
    (said,) = warnings(caplog)
    assert f"the MLflow store {server.url} cannot be used: " in said
    assert said.endswith(
        f"The study goes on; its records wait in {home.path}/studies/for-a-while/spool"
    )
    check_invariants(home, "for-a-while")


def test_what_a_server_that_is_gone_for_good_has_missed_is_delivered_once_by_sync(
    home: Home, server: MlflowServer, caplog: pytest.LogCaptureFixture, capsys: Output
) -> None:
    def blow(trial: int, epoch: int) -> None:
        if (trial, epoch) == (1, 2):
            server.kill()

    study = Scripted(home, "for-good")
    assert study.run(blow) == 0
    assert study.waited < 1.0
    left = len(Spool(home, "for-good").waiting())
    assert left >= 3
    assert warnings(caplog)[-1] == (
        f"{left} trials of study for-good wait for MLflow; `fairtune sync for-good` delivers them"
    )
    assert main(["sync", "for-good", "--home", str(home.path)]) == 4
    assert f"study for-good: 0 of {left} trials were delivered, then the MLflow store" in (
        capsys.readouterr().err
    )
    server.start()
    assert main(["sync", "for-good", "--home", str(home.path), "--json"]) == 0
    told = {"study": "for-good", "delivered": left}
    assert last_line(capsys.readouterr().out) == {"home": str(home.path), "studies": [told]}
    check_invariants(home, "for-good")
    before = rows(home)
    assert main(["sync", "for-good", "--home", str(home.path)]) == 0
    assert "for-good: delivered 0 trials" in capsys.readouterr().out
    assert rows(home) == before


def test_a_study_starts_without_its_server_and_the_same_command_delivers_it_later(
    home: Home, server: MlflowServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.kill()
    study = Scripted(home, "from-the-start")
    assert study.run() == 0
    assert study.waited < 1.0
    assert (study.trained, len(warnings(caplog))) == (TRIALS * EPOCHS, 2)
    server.start()
    assert study.run() == 0
    assert study.trained == TRIALS * EPOCHS  # nothing was trained again
    check_invariants(home, "from-the-start")


def test_a_server_that_takes_connections_and_never_answers_does_not_hold_a_study_up(
    make_home: MakeHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracking, "FINISH_SECONDS", 3.0)
    trained = 0.0

    def blow(trial: int, epoch: int) -> None:
        nonlocal trained
        trained = time.monotonic()

    with socket.create_server(("127.0.0.1", 0)) as silent:  # its queue takes them
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        monkeypatch.setenv("MLFLOW_TRACKING_URI", url)
        home = make_home(tmp_path / "home")
        study = Scripted(home, "silent")
        assert study.run(blow) == 0
        assert time.monotonic() - trained < 20  # two attempts of REACHABLE_SECONDS, and the results
    assert study.waited < 1.0
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    home = Home.at(home.path)
    assert main(["sync", "silent", "--home", str(home.path)]) == 0
    check_invariants(home, "silent")


def test_mlflow_is_made_anew_from_the_home(
    home: Home, make_home: MakeHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    home = make_home(tmp_path / "home")
    assert Scripted(home, "lost").run() == 0
    before = contents(home)
    for path in home.path.glob("mlflow.db*"):
        path.unlink()
    # in a process of its own: MLflow keeps the deleted file open in this one
    subprocess.run([FAIRTUNE, "sync", "--rebuild", "--home", str(home.path)], check=True)
    assert contents(home) == before
    assert len(before["metrics"]) > TRIALS * EPOCHS and len(before["runs"]) == TRIALS + 1


def contents(home: Home) -> dict[str, list[tuple[object, ...]]]:
    """What MLflow says of every run, by the run's name, which outlives its id."""
    name = "(select name from runs where runs.run_uuid = {}.run_uuid)"
    changing = "('mlflow.parentRunId', 'fairtune.results', 'fairtune.best_run')"
    queries = {
        "runs": "select name, status, start_time, end_time, lifecycle_stage from runs",
        "metrics": f"select {name}, key, step, value, timestamp from metrics".format("metrics"),
        "params": f"select {name}, key, value from params".format("params"),
        "tags": f"select {name}, key, value from tags where key not in {changing}".format("tags"),
    }
    with closing(sqlite3.connect(home.path / "mlflow.db")) as database:
        found = {table: database.execute(query).fetchall() for table, query in queries.items()}
    parents = [row for row in found["runs"] if row[0] == "lost"]
    found["runs"] = [row for row in found["runs"] if row not in parents] + [parents[0][:2]]
    return {table: sorted(rows, key=repr) for table, rows in found.items()}
