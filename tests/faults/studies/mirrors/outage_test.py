"""MLflow is away, for a while or for good (rows 17, 18, 19 and 26): no epoch waits, and nothing is
lost or doubled."""

import os
import re
import signal
import socket
import sqlite3
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from studies.cli import main
from studies.home import Home
from studies.mirrors import mirroring
from studies.mirrors.left import sync_command
from studies.records.deliveries import run_ids
from tests.conftest import MakeHome
from tests.support.accounts import FAIRTUNE, last_line
from tests.support.invariants import check_invariants
from tests.support.scripted import EPOCHS, TRIALS, Scripted, mirror_processes
from tests.support.servers import MlflowServer, free_port, wire

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
    monkeypatch.setattr(mirroring, "GIVE_UP_SECONDS", 1.0)


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
    home: Home, server: MlflowServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: Counter[str] = Counter()
    is_run = threading.Event()

    def loses(request: bytes) -> bool:
        """The first answer to every kind of writing, and every fourth one after it."""
        head = re.match(rb"POST (\S+)", request)
        if head is None or is_run.is_set():  # `sync` asks once
            return False
        kind = head[1].decode()
        seen[kind] += 1
        return seen[kind] % 4 == 1

    monkeypatch.setattr(mirroring, "GIVE_UP_SECONDS", 30.0)
    with wire(server.port, loses) as lossy:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{lossy.port}")
        home = Home.at(home.path)
        assert Scripted(home, "dropped").run() == 0
        is_run.set()
        heads = [re.match(rb"POST \S+?/mlflow/(\S+)", request) for request in lossy.lost]
        lost = {head[1] for head in heads if head}
        found = check_invariants(home, "dropped")
    assert lost >= {
        b"experiments/create", b"runs/create", b"experiments/set-experiment-tag",
        b"runs/log-batch", b"runs/update",
    }  # fmt: skip
    assert len(found.ended) == TRIALS


def test_a_server_that_comes_back_gets_every_point_and_the_training_goes_on_meanwhile(
    home: Home,
    server: MlflowServer,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(mirroring, "GIVE_UP_SECONDS", 30.0)

    def blow(trial: int, epoch: int) -> None:
        if (trial, epoch) == (1, 2):
            server.kill()
        if (trial, epoch) == (3, 2):
            study.wait_for("mlflow", lambda status: bool(status.error))
        if (trial, epoch) == (3, 4):
            server.start()

    study = Scripted(home, "for-a-while")
    assert study.run(blow) == 0
    assert study.trained == TRIALS * EPOCHS
    (said,) = warnings(caplog)
    assert f"the MLflow store {server.url} cannot be used: " in said
    assert said.endswith(
        "The study goes on; its record is complete, and "
        f"`{sync_command(home, 'for-a-while')}` delivers what is missing"
    )
    assert len(run_ids(home, "for-a-while")) == TRIALS
    check_invariants(home, "for-a-while")


def test_what_a_server_that_is_gone_for_good_has_missed_is_delivered_once_by_sync(
    home: Home, server: MlflowServer, caplog: pytest.LogCaptureFixture, capsys: Output
) -> None:
    def blow(trial: int, epoch: int) -> None:
        if (trial, epoch) == (1, 2):
            study.wait_for_trials("mlflow")
            server.kill()

    study = Scripted(home, "for-good")
    assert study.run(blow) == 0
    assert study.trained == TRIALS * EPOCHS
    found = re.fullmatch(
        r"(\d) trials of study for-good wait for MLflow; "
        r"`fairtune sync for-good --home .*` delivers them",
        warnings(caplog)[-1],
    )
    assert found is not None
    left = int(found[1])
    assert left >= 3
    assert main(["sync", "for-good", "--home", str(home.path)]) == 4
    assert f"study for-good: 0 of {left} trials were delivered to MLflow, then the MLflow" in (
        capsys.readouterr().err
    )
    server.start()
    assert main(["sync", "for-good", "--home", str(home.path), "--json"]) == 0
    told = {"study": "for-good", "delivered": {"optuna": 0, "mlflow": left}}
    assert last_line(capsys.readouterr().out) == {"home": str(home.path), "studies": [told]}
    check_invariants(home, "for-good")
    before = rows(home)
    assert main(["sync", "for-good", "--home", str(home.path)]) == 0
    assert "for-good: delivered 0 trials to Optuna's storage, 0 to MLflow" in (
        capsys.readouterr().out
    )
    assert rows(home) == before


def test_a_study_starts_without_its_server_and_the_same_command_delivers_it_later(
    home: Home, server: MlflowServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.kill()
    study = Scripted(home, "from-the-start")
    assert study.run() == 0
    assert (study.trained, len(warnings(caplog))) == (TRIALS * EPOCHS, 2)
    server.start()
    assert study.run() == 0
    assert (study.trained, warnings(caplog)) == (TRIALS * EPOCHS, [])  # trained nothing again
    assert len(run_ids(home, "from-the-start")) == TRIALS
    check_invariants(home, "from-the-start")


def test_a_server_that_takes_connections_and_never_answers_does_not_hold_a_study_up(
    make_home: MakeHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # its queue takes them
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        monkeypatch.setenv("MLFLOW_TRACKING_URI", url)
        home = make_home(tmp_path / "home")
        study = Scripted(home, "silent")
        assert study.run() == 0
        assert mirror_processes() == []
    assert study.trained == TRIALS * EPOCHS
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    home = Home.at(home.path)
    assert main(["sync", "silent", "--home", str(home.path)]) == 0
    check_invariants(home, "silent")


def test_a_process_of_the_mirrors_that_is_killed_in_mid_study_is_replaced(
    home: Home, make_home: MakeHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    home = make_home(tmp_path / "home")
    killed: list[int] = []

    def blow(trial: int, epoch: int) -> None:
        if epoch == 2:
            for mirror in ("optuna", "mlflow"):
                study.wait_for(mirror, lambda status: status.steps > 0)
            for process in mirror_processes():
                os.kill(process.pid, signal.SIGKILL)
                killed.append(process.pid)

    study = Scripted(home, "killed")
    assert study.run(blow) == 0
    assert len(killed) >= 2
    assert study.trained == TRIALS * EPOCHS
    assert warnings(caplog) == []
    check_invariants(home, "killed")


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
