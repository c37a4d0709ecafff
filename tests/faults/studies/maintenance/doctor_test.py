"""`fairtune doctor` finds what crashes and upgrades leave, and repairs what is safe."""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from unittest import mock

import pytest
from alembic import command
from mlflow.store.db.utils import _get_alembic_config
from sqlalchemy import create_engine

from studies.cli import main
from studies.home import Home, database
from studies.mirrors.left import sync_command
from studies.records import Outcome, Record, RecordReader, schema
from tests.support.accounts import last_line
from tests.support.invariants import check_invariants
from tests.support.record_made import trial_of
from tests.support.scripted import TRIALS, Scripted

Output = pytest.CaptureFixture[str]


def doctor(home: Home, output: Output, *options: str) -> tuple[int, dict[str, tuple[str, str]]]:
    """The exit code, and the last state and text of every check."""
    output.readouterr()
    code = main(["doctor", "--home", str(home.path), "--json", *options])
    told = last_line(output.readouterr().out)
    assert told["home"] == str(home.path)
    assert told["ok"] == (code == 0)
    return code, {check["check"]: (check["state"], check["text"]) for check in told["checks"]}


def states(found: dict[str, tuple[str, str]]) -> dict[str, str]:
    return {name: state for name, (state, _) in found.items() if state != "ok"}


def run_and_die(home: Home, code: str) -> None:
    """Run the study `left` in a process that `code` makes kill itself."""
    code = (
        "import os, sys; from pathlib import Path; from studies.home.home import Home; "
        "from tests.support.scripted import Scripted; "
        f"study = Scripted(Home.at(Path(sys.argv[1])), 'left'); {code}"
    )
    argv = [sys.executable, "-c", code, str(home.path)]
    environment = os.environ | {"PYTHONPATH": os.getcwd()}
    died = subprocess.run(argv, env=environment, capture_output=True, check=False)
    assert died.returncode == -9, died.stderr


@pytest.fixture
def left(home: Home) -> Home:
    """What a driver that was killed in the third trial leaves behind."""
    run_and_die(home, "study.run(lambda *at: os.kill(os.getpid(), 9) if at == (2, 3) else None)")
    return home


def test_a_home_that_is_well_or_not_there_yet_is_found_well(
    home: Home, tmp_path: Path, capsys: Output
) -> None:
    assert Scripted(home, "well").run() == 0
    for each in (home, Home.at(tmp_path / "none")):
        code, found = doctor(each, capsys)
        assert (code, states(found)) == (0, {})
    assert not (tmp_path / "none").exists()


def test_what_a_killed_driver_left_is_found_and_put_in_order(left: Home, capsys: Output) -> None:
    code, found = doctor(left, capsys)
    assert (code, states(found)) == (0, {"locks": "warn", "leftovers": "warn"})
    assert found["leftovers"][1] == (
        "study left, which nobody runs, has left 1 trial without a process, 3 trials for Optuna's "
        "storage, 3 trials for MLflow: --fix ends and delivers"
    )
    code, found = doctor(left, capsys, "--fix")
    assert (code, states(found)) == (0, {})
    assert found["leftovers"][1].endswith("3 trials for MLflow: ended and delivered")
    code, found = doctor(left, capsys)
    assert (code, states(found)) == (0, {})
    assert found["locks"][1] == "no lock of a process that is gone"
    check_invariants(left, "left")
    with RecordReader.open(left, "left") as record:
        ends = {trial.key: trial.outcome for trial in record.trials()}
    assert ends == {
        "trial-0000": Outcome.completed,
        "trial-0001": Outcome.completed,
        "trial-0002": Outcome.interrupted,
    }
    assert Scripted(left, "left").run() == 0
    assert len(check_invariants(left, "left").ended) == TRIALS


def test_the_same_command_puts_in_order_what_a_killed_driver_left(left: Home) -> None:
    assert Scripted(left, "left").run() == 0
    assert len(check_invariants(left, "left").ended) == TRIALS


def test_a_mirror_that_cannot_be_used_is_said_and_the_other_one_is_brought_up(
    left: Home, capsys: Output
) -> None:
    (left.path / "mlflow.db").write_bytes(b"nothing " * 100)
    code, found = doctor(left, capsys, "--fix")
    assert (code, states(found)) == (4, {"mlflow": "fail", "leftovers": "fail"})
    assert "0 of 3 trials were delivered to MLflow, then the MLflow store" in found["leftovers"][1]
    (left.path / "mlflow.db").unlink()
    code, found = doctor(left, capsys, "--fix")
    assert (code, states(found)) == (0, {})
    check_invariants(left, "left")


def written(home: Home, study: str) -> Path:
    """The record of a study, with something in it."""
    with Record.writing(home, study) as record:
        search = record.add_search(study, arm="", goal="minimize")
        for number in range(20):
            record.begin(trial_of(search, number))
    database._held.clear()  # as in another process
    return record.path


def test_damaged_records_are_named_with_the_way_out_one_line_each(
    home: Home, capsys: Output
) -> None:
    for study in ("empty", "torn", "whole"):
        written(home, study)
    empty, torn = (home.study(study) / "record.db" for study in ("empty", "torn"))
    empty.write_bytes(b"")
    content = bytearray(torn.read_bytes())
    content[4096:] = b"x" * (len(content) - 4096)
    torn.write_bytes(content)
    assert main(["doctor", "--home", str(home.path)]) == 4
    lines = [
        line for line in capsys.readouterr().out.splitlines() if line.startswith("fail records: ")
    ]
    for line, path in zip(lines, (empty, torn), strict=True):
        assert line.startswith(f"fail records: {path}: ")
        assert line.endswith(
            f"put a copy in its place, or move the folder {path.parent} away to start the study "
            f"anew; after that `{sync_command(home, path.parent.name, '--rebuild')}` replaces what "
            "the mirrors have of it"
        )
    assert (empty.read_bytes(), torn.read_bytes()) == (b"", content)


def test_an_older_record_is_brought_up_to_date_after_a_copy(
    home: Home, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(home, "older")
    newer = schema.VERSION + 1
    monkeypatch.setattr(schema, "VERSION", newer)
    monkeypatch.setattr(schema, "MIGRATIONS", {newer - 1: "ALTER TABLE trials ADD COLUMN mood"})
    before = path.read_bytes()
    code, found = doctor(home, capsys)
    assert (code, states(found)["records"]) == (0, "warn")
    assert found["records"][1] == (
        f"{path} is of an older version: --fix brings it up to date, after a copy"
    )
    assert path.read_bytes() == before
    with mock.patch("studies.maintenance.doctor_stores.sync"):
        assert doctor(home, capsys, "--fix")[1]["records"] == (
            "ok",
            f"{path} was brought up to date after a copy",
        )
    (copy,) = path.parent.glob("record.db.backup-*")
    for file, version in ((path, newer), (copy, newer - 1)):
        with closing(sqlite3.connect(file)) as connection:
            assert connection.execute("PRAGMA user_version").fetchone() == (version,)


def test_a_study_that_runs_is_left_alone(home: Home, capsys: Output) -> None:
    found: list[dict[str, tuple[str, str]]] = []

    def blow(trial: int, epoch: int) -> None:
        if (trial, epoch) == (2, 3):
            found.append(doctor(home, capsys, "--fix")[1])

    study = Scripted(home, "running")
    assert study.run(blow) == 0
    assert states(found[0]) == {}
    check_invariants(home, "running")


def test_rests_of_processes_that_are_gone_are_removed_and_those_of_living_ones_kept(
    home: Home, capsys: Output
) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    folder = home.study("any") / "checkpoints"
    folder.mkdir(parents=True)
    rests = [folder / f".trial-0001-{gone.pid}.pt", home.path / f".write-{gone.pid}"]
    rests.append(home.path / "optuna.db.new")
    kept = [folder / f".trial-0002-{os.getpid()}.pt", folder / "trial-0003.pt"]
    for path in (*rests, *kept):
        path.touch()
    assert states(doctor(home, capsys)[1]) == {"files": "warn"}
    assert states(doctor(home, capsys, "--fix")[1]) == {}
    assert not any(path.exists() for path in rests) and all(path.exists() for path in kept)


def copied(home: Home, path: Path) -> Home:
    """The databases of a home in another one: MLflow keeps the files of `home` open."""
    copy = Home.at(path)
    copy.path.mkdir()
    for name in ("optuna.db", "mlflow.db"):
        files = (sqlite3.connect(each.path / name) for each in (home, copy))
        with closing(next(files)) as source, closing(next(files)) as target:
            source.backup(target)
    return copy


@pytest.mark.parametrize("name", ["optuna.db", "mlflow.db"])
def test_a_database_of_another_version_is_never_changed_silently_and_copied_before_its_upgrade(
    name: str, home: Home, tmp_path: Path, capsys: Output, caplog: pytest.LogCaptureFixture
) -> None:
    assert Scripted(home, "old").run() == 0
    moved = copied(home, tmp_path / "moved")
    file = moved.path / name
    older = {"optuna.db": "v3.0.0.d", "mlflow.db": "a3fbfcc1b4c0"}
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("update alembic_version set version_num = ?", (older[name],))
        connection.commit()
    before = file.read_bytes()
    caplog.clear()
    assert Scripted(moved, "new").run() == 0  # what is only a mirror stops no study
    assert f"{name} cannot be used: another version of " in caplog.text
    assert "`fairtune doctor --fix` makes a copy and upgrades it" in caplog.text
    code, found = doctor(moved, capsys)
    assert code == 4 and states(found)[name.removesuffix(".db")] == "fail"
    assert file.read_bytes() == before
    upgraded: list[str] = []
    module = f"studies.mirrors.{name.removesuffix('.db')}.database"
    with mock.patch(f"{module}.upgrade", upgraded.append):  # the tables are new already
        doctor(moved, capsys, "--fix")
    (copy,) = moved.path.glob(f"{name}.backup-*")
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("select version_num from alembic_version").fetchone() == (
            older[name],
        )
    assert upgraded == [f"sqlite:///{file}"]


def test_a_database_that_holds_the_tables_of_both_is_found(home: Home, capsys: Output) -> None:
    assert Scripted(home, "both").run() == 0
    with closing(sqlite3.connect(home.path / "optuna.db")) as connection:
        connection.execute("create table experiments (x)")
        connection.execute("create table runs (x)")
    code, found = doctor(home, capsys)
    assert (code, states(found)["optuna"]) == (4, "fail")
    assert "holds tables of both Optuna and MLflow: give each its own" in found["optuna"][1]


def age_optuna(file: Path) -> None:
    """Take back what the last migration has done; Optuna's own way back does not work."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("drop index ix_trials_study_id")
        connection.execute("update alembic_version set version_num = 'v3.0.0.d'")
        connection.commit()


def age_mlflow(file: Path) -> None:
    """Take the last two migrations back, by MLflow's own way."""
    engine = create_engine(f"sqlite:///{file}")
    config = _get_alembic_config(str(engine.url))  # type: ignore[no-untyped-call]
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "-2")
    engine.dispose()


@pytest.mark.parametrize(("name", "age"), [("optuna.db", age_optuna), ("mlflow.db", age_mlflow)])
def test_a_database_that_is_really_older_is_upgraded_with_all_that_it_holds(
    name: str, age: Callable[[Path], None], home: Home, tmp_path: Path, capsys: Output
) -> None:
    assert Scripted(home, "old").run() == 0
    moved = copied(home, tmp_path / "moved")
    shutil.copytree(home.path / "studies", moved.path / "studies")
    age(moved.path / name)
    old = revision(moved.path / name)
    assert old != revision(home.path / name)
    assert doctor(moved, capsys)[0] == 4
    code, found = doctor(moved, capsys, "--fix")
    assert (code, states(found)) == (0, {})
    (copy,) = moved.path.glob(f"{name}.backup-*")
    assert revision(copy) == old
    assert revision(moved.path / name) == revision(home.path / name)
    check_invariants(moved, "old")
    assert Scripted(moved, "new").run() == 0
    check_invariants(moved, "new")


def revision(file: Path) -> str:
    with closing(sqlite3.connect(file)) as connection:
        return str(connection.execute("select version_num from alembic_version").fetchone()[0])
