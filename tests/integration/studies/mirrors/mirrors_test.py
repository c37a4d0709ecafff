"""Both mirrors on real databases, brought up to records that a test has written."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import optuna
import psutil
import pytest
from optuna.trial import TrialState

from lightning_modules.errors import StorageError
from studies.cli import main
from studies.home import Home
from studies.mirrors import backlog, mirroring
from studies.mirrors.follower import Follower, Mirror
from studies.mirrors.left import sync_command
from studies.mirrors.mirror_process import MirrorProcess
from studies.mirrors.mirroring import Mirroring
from studies.mirrors.mlflow.client import MlflowClient
from studies.mirrors.mlflow.mirror import MlflowMirror
from studies.mirrors.optuna import database as optuna_database
from studies.mirrors.optuna.mirror import OptunaMirror
from studies.mirrors.sync import sync
from studies.records import Outcome
from studies.records.deliveries import run_ids, statuses
from tests.support.accounts import FAIRTUNE, last_line
from tests.support.agreement import check_agreement
from tests.support.mirrored import PATIENCE, add_a_trial, ask, gone, load, start, storage, write
from tests.support.recorded import (
    STUDY,
    bring_up,
    ended,
    follower,
    recording,
)
from tests.support.scripted import mirror_processes

Output = pytest.CaptureFixture[str]


def attributes(home: Home, name: str) -> dict[str, object]:
    with storage(home) as opened:
        return optuna.load_study(study_name=name, storage=opened).user_attrs


def mirrored(home: Home, name: str = f"{STUDY}/adam") -> list[optuna.trial.FrozenTrial]:
    with storage(home) as opened:
        return optuna.load_study(study_name=name, storage=opened).get_trials()


def rows(home: Home) -> dict[str, list[tuple[object, ...]]]:
    """Everything that both databases hold."""
    found = {}
    for name in ("optuna", "mlflow"):
        with closing(sqlite3.connect(home.path / f"{name}.db")) as opened:
            query = "select name from sqlite_master where type = 'table'"
            for (table,) in opened.execute(query).fetchall():
                found[f"{name}.{table}"] = opened.execute(f"select * from {table}").fetchall()
    return found


def fairtune(*words: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own: MLflow keeps files that were deleted open in this."""
    return subprocess.run([FAIRTUNE, *words], capture_output=True, text=True, check=False)


# --- what they hold ------------------------------------------------------------------------------


def test_both_mirrors_hold_what_the_record_says_of_trials_of_every_kind(home: Home) -> None:
    write(home)
    done = sync(home, STUDY)
    assert done.delivered == {"optuna": 11, "mlflow": 11}
    found = check_agreement(home, STUDY)
    assert {trial.key: trial.run_id for trial in found.trials} == {
        trial.key: run_ids(home, STUDY)[trial.key] for trial in found.trials
    }


def test_what_is_complete_is_not_touched_again(home: Home) -> None:
    write(home)
    sync(home, STUDY)
    before = rows(home)
    assert sync(home, STUDY).delivered == {"optuna": 0, "mlflow": 0}
    assert rows(home) == before


def test_the_first_study_in_optuna_carries_the_notes_and_every_one_its_record(home: Home) -> None:
    write(home)
    bring_up(home, "optuna")
    first, repeat, fresh = (
        attributes(home, f"{STUDY}{rest}") for rest in ("/adam", "/adam/r2", ":confirm")
    )
    assert first["study_file"] == first["finished"]
    assert (first["sampler"], first["version:fairtune"]) == ("random", "0.1.0")
    assert {each["record"] for each in (first, repeat, fresh)} == {first["record"]}
    whose = {"record": first["record"], "writer": first["writer"], "study": STUDY}
    assert repeat == {**whose, "arm": "adam", "phase": "search", "repeat": 2, "split": 7}
    assert fresh == {**whose, "arm": "", "phase": "confirm"}


def test_trials_in_optuna_say_where_they_come_from(home: Home) -> None:
    write(home)
    bring_up(home, "optuna")
    trials = mirrored(home)
    assert trials[0].user_attrs["default"] is True
    assert "default" not in trials[1].user_attrs
    assert trials[5].user_attrs["duplicate_of"] == 0
    assert json.loads(trials[3].user_attrs["end"])["traceback"] == "Traceback: no such luck"
    (fresh,) = mirrored(home, f"{STUDY}:confirm")
    known = {name: fresh.user_attrs[name] for name in ("arm", "repeat", "split", "seed_index")}
    assert known == {"arm": "adam", "repeat": 1, "split": None, "seed_index": 0}
    assert trials[0].datetime_start is not None and trials[0].datetime_complete is not None
    assert trials[0].datetime_start <= trials[0].datetime_complete


def test_a_trial_that_runs_for_long_is_seen_while_it_runs(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backlog, "LIVE_SECONDS", -1.0)
    from studies.mirrors.mlflow.mirror import MlflowMirror

    optuna_mirror, mlflow_mirror = OptunaMirror(home, STUDY), MlflowMirror(home, STUDY)
    with (
        recording(home) as told,
        follower(home, "optuna") as one,
        follower(home, "mlflow") as other,
    ):
        trial = told.start(0)
        for epoch in (1, 2):
            told.epoch(trial, epoch)
            assert not one.bring_up(optuna_mirror, "")
            assert not other.bring_up(mlflow_mirror, "")
            (held,) = mirrored(home)
            assert held.state == TrialState.RUNNING
            assert list(held.intermediate_values) == list(range(1, epoch + 1))
            run = the_run(home)
            assert (run.info.status, run.data.metrics["val/accuracy"]) == ("RUNNING", epoch / 10)
        told.epoch(trial, 3)
        told.end(trial)
        told.finish()
        assert one.bring_up(optuna_mirror, "finish")
        assert other.bring_up(mlflow_mirror, "finish")
    check_agreement(home, STUDY)


def the_run(home: Home) -> object:
    client = MlflowClient(home.mlflow_uri)
    experiment = client.get_experiment_by_name(STUDY)
    assert experiment is not None
    query = "tags.`fairtune.trial` = 'adam-0000'"
    (run,) = client.search_runs([experiment.experiment_id], query)
    return run


def test_a_short_trial_waits_for_one_before_it_that_is_longer(home: Home) -> None:
    with recording(home) as told:
        first = told.start(0)
        told.train(1)
        bring_up(home, "optuna", until="")
        assert mirrored(home) == []
        told.epoch(first, 1)
        told.end(first, ended(epochs=1))
        bring_up(home, "optuna", until="")
        assert [trial.number for trial in mirrored(home)] == [0, 1]


def test_an_interrupted_trial_that_is_continued_keeps_its_number_and_its_run(home: Home) -> None:
    with recording(home) as told:
        told.train(0, ended(Outcome.interrupted, epochs=2, best={}, best_epoch=None))
    bring_up(home)
    check_agreement(home, STUDY)
    before = run_ids(home, STUDY)
    assert mirrored(home)[0].state == TrialState.WAITING
    with recording(home) as told:
        trial = told.start(0)
        told.epoch(trial, 3)
        told.end(trial)
        told.finish()
    bring_up(home)
    check_agreement(home, STUDY)
    assert run_ids(home, STUDY)["adam-0000"] == before["adam-0000"]


# --- studies of others, and studies that somebody changed ----------------------------------------


def test_a_study_of_somebody_else_is_named_and_left_as_it_is(home: Home) -> None:
    write(home)
    with storage(home) as opened:
        other = optuna.create_study(study_name=f"{STUDY}/adam", storage=opened)
        other.add_trial(optuna.trial.create_trial(value=1.0))
    with pytest.raises(StorageError) as caught:
        sync(home, STUDY)
    assert str(caught.value) == (
        f"study {STUDY}: 0 of 11 trials were delivered to Optuna's storage, then the Optuna study "
        f"{STUDY}/adam in {home.optuna_url} is of another record; give this study another name, "
        "name another database with FAIRTUNE_STORAGE, or, where nobody needs it, delete it with "
        f"optuna.delete_study(study_name='{STUDY}/adam', storage='{home.optuna_url}')"
    )
    assert [trial.value for trial in mirrored(home)] == [1.0]
    assert statuses(home, STUDY)["mlflow"].error == ""
    assert len(run_ids(home, STUDY)) == 11  # the other mirror was brought up nevertheless


def test_the_same_study_of_another_home_is_somebody_elses(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(home)
    bring_up(home, "optuna")
    before = repr(mirrored(home))  # NaN equals nothing
    monkeypatch.setenv("FAIRTUNE_STORAGE", home.optuna_url)
    other = Home.at(tmp_path / "other")
    write(other)
    with pytest.raises(StorageError, match="is of another record"):
        bring_up(other, "optuna")
    assert repr(mirrored(home)) == before


def test_two_homes_that_share_an_mlflow_have_a_run_each_for_a_study_of_the_same_name(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", home.mlflow_uri)
    other = Home.at(tmp_path / "other")
    for one in (home, other):
        write(one)
    for one in (home, other, home, other):
        bring_up(one, "mlflow")
    ids = [set(run_ids(one, STUDY).values()) for one in (home, other)]
    assert [len(each) for each in ids] == [11, 11]
    assert not ids[0] & ids[1]
    client = MlflowClient(home.mlflow_uri)
    experiment = client.get_experiment_by_name(STUDY)
    assert experiment is not None
    assert len(client.search_runs([experiment.experiment_id])) == 2 * 12


def delete_study(home: Home) -> None:
    with storage(home) as opened:
        optuna.delete_study(study_name=f"{STUDY}/adam", storage=opened)


@pytest.mark.parametrize("change", [delete_study, add_a_trial])
def test_a_study_that_somebody_deleted_or_changed_is_made_anew_and_others_stay(
    home: Home, change: Callable[[Home], None]
) -> None:
    write(home)
    sync(home, STUDY)
    with storage(home) as opened:
        optuna.create_study(study_name="someone", storage=opened)
    change(home)
    with recording(home) as told:
        told.train(6)
        told.finish()
    assert sync(home, STUDY).delivered["optuna"] >= 1
    check_agreement(home, STUDY)
    assert attributes(home, "someone") == {}


def test_a_study_from_before_there_were_records_is_continued(home: Home) -> None:
    write(home)
    bring_up(home, "optuna")
    with closing(sqlite3.connect(home.path / "optuna.db")) as opened, opened:
        opened.execute("delete from study_user_attributes where key in ('record', 'writer')")
        ids = opened.execute("select trial_id from trials").fetchall()
    bring_up(home, "optuna")
    with closing(sqlite3.connect(home.path / "optuna.db")) as opened:
        assert opened.execute("select trial_id from trials").fetchall() == ids
    assert "record" in attributes(home, f"{STUDY}/adam")


def test_mirrors_that_were_deleted_are_made_anew(home: Home, capsys: Output) -> None:
    write(home)
    bring_up(home, "optuna")
    words = ("sync", STUDY, "--home", str(home.path))
    assert fairtune(*words).returncode == 0
    for path in home.path.glob("*.db*"):
        path.unlink()
    done = fairtune(*words)
    assert f"{STUDY}: delivered 11 trials to Optuna's storage, 11 to MLflow" in done.stdout
    check_agreement(home, STUDY)


def test_both_mirrors_are_made_anew_where_that_is_asked_for(home: Home, capsys: Output) -> None:
    write(home)
    sync(home, STUDY)
    runs = run_ids(home, STUDY)
    words = ["sync", STUDY, "--rebuild", "--json", "--home", str(home.path)]
    capsys.readouterr()
    assert main(words) == 0
    told = {"study": STUDY, "delivered": {"optuna": 11, "mlflow": 0}}  # it lacked nothing
    assert last_line(capsys.readouterr().out) == {"home": str(home.path), "studies": [told]}
    check_agreement(home, STUDY)
    assert run_ids(home, STUDY) == runs


# --- the process ---------------------------------------------------------------------------------


def test_the_process_delivers_everything_and_ends(home: Home) -> None:
    write(home)
    process = start(home)
    ask(process, "finish")
    assert process.wait(PATIENCE) == 0
    gone(process)
    check_agreement(home, STUDY)
    assert not (home.study(STUDY) / "mirrors.log").exists()


def deliveries(home: Home) -> int:
    """How much either database has got."""
    counts = []
    for name, query in (
        ("optuna", "select count(*) from trials"),
        ("mlflow", "select (select count(*) from runs) + (select count(*) from metrics)"),
    ):
        path = home.path / f"{name}.db"
        try:
            with closing(sqlite3.connect(path.as_uri() + "?mode=ro", uri=True)) as opened:
                counts.append(opened.execute(query).fetchone()[0])
        except sqlite3.Error:
            counts.append(0)
    return sum(counts)


def test_a_process_that_is_killed_at_any_moment_leaves_nothing_lost_or_doubled(
    home: Home,
) -> None:
    write(home)
    seen = deliveries(home)
    kills = 0
    while True:
        process = start(home)
        ask(process, "finish")
        while process.poll() is None and deliveries(home) <= seen + 25:
            time.sleep(0.01)
        if process.poll() == 0:
            break
        os.kill(process.pid, signal.SIGKILL)
        gone(process)
        kills += 1
        seen = deliveries(home)
    gone(process)
    assert kills > 1
    sync(home, STUDY)
    check_agreement(home, STUDY)


@pytest.mark.parametrize("make", [OptunaMirror, MlflowMirror])
def test_a_mirror_that_has_everything_is_not_done_as_long_as_the_study_runs(
    home: Home, make: Callable[[Home, str], Mirror]
) -> None:
    write(home)
    mirror = make(home, STUDY)
    url = home.optuna_url if mirror.name == "optuna" else home.mlflow_uri
    with Follower(home, STUDY, mirror.name, url) as follower:
        assert not follower.bring_up(mirror, "")
        assert not follower.bring_up(mirror, "") and not follower.backlog.pending
        assert follower.bring_up(mirror, "finish")


def is_mirror(process: psutil.Process) -> bool:
    try:
        return "studies.mirrors.process" in process.cmdline()
    except psutil.Error:  # it has ended
        return False


def test_a_process_that_was_not_told_to_begin_loads_and_writes_nothing_to_a_mirror(
    home: Home,
) -> None:
    write(home)
    process = load(home)
    end = time.monotonic() + PATIENCE
    while {name: each.steps > 0 for name, each in statuses(home, STUDY).items()} != {
        "optuna": True,
        "mlflow": True,
    }:  # both have loaded
        assert time.monotonic() < end
        time.sleep(0.01)
    assert not (home.path / "optuna.db").exists()
    assert deliveries(home) == 0
    ask(process, "finish")
    gone(process)
    assert process.returncode == 0
    check_agreement(home, STUDY)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_process_has_the_lowest_priority_also_beside_other_sessions(home: Home) -> None:
    write(home)
    process = MirrorProcess(home, STUDY)
    end = time.monotonic() + PATIENCE
    try:
        while not statuses(home, STUDY):  # it has begun to load
            assert time.monotonic() < end
            time.sleep(0.01)
        found, *_ = mirror_processes()
        assert found.nice() == 19
        group = Path(f"/proc/{found.pid}/autogroup")
        if group.exists():  # where Linux divides the processor by sessions
            assert group.read_text().endswith(" nice 19\n")
            process.ask("finish")  # nothing trains any more: it is to come along
            while not group.read_text().endswith(" nice 0\n"):
                assert time.monotonic() < end
                time.sleep(0.001)
    finally:
        process.end()


def test_the_process_ends_with_its_driver_also_in_a_call_that_hangs(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # its queue takes connections
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{silent.getsockname()[1]}")
        home = Home.at(home.path)
        write(home)
        process = start(home)
        child = None
        connection, _ = silent.accept()
        with connection:
            assert connection.recv(1)  # the call that is never answered
            # not what MLflow asks git
            family = [each for each in psutil.Process(process.pid).children() if is_mirror(each)]
            assert len(family) <= 1
            child = family[0] if family else None
            assert process.stdin is not None
            process.stdin.close()
            process.wait(PATIENCE)
            if child is not None:
                child.wait(PATIENCE)


def test_the_driver_finishes_and_says_nothing_where_everything_is_delivered(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    write(home)
    mirrors = Mirroring(home, STUDY)
    mirrors.finish()
    mirrors.close()
    assert caplog.messages == []
    check_agreement(home, STUDY)


def test_what_is_left_is_said_with_its_reason_where_mlflow_is_away(
    home: Home, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(mirroring, "GIVE_UP_SECONDS", 1.0)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    home = Home.at(home.path)
    write(home)
    Mirroring(home, STUDY).finish()
    reason, left = caplog.messages
    assert reason.startswith("the MLflow store http://127.0.0.1:9 cannot be used: ")
    assert left == (
        f"11 trials of study {STUDY} wait for MLflow; `{sync_command(home, STUDY)}` delivers them"
    )
    assert len(mirrored(home)) == 6


def test_nobody_waits_for_the_mirrors_of_a_study_that_was_stopped_before_they_ran(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    write(home)
    Mirroring(home, STUDY).leave()
    assert caplog.messages == [
        f"11 trials of study {STUDY} wait for Optuna's storage and MLflow; "
        f"`{sync_command(home, STUDY)}` delivers them"
    ]
    assert not (home.path / "optuna.db").exists()


def test_nobody_waits_for_the_mirrors_of_a_study_that_was_stopped_before_they_began(
    home: Home,
) -> None:
    write(home)
    mirrors = Mirroring(home, STUDY)
    mirrors.load_libraries()
    mirrors.tick()
    mirrors.leave()
    mirrors.close()
    assert not (home.path / "optuna.db").exists()
    assert deliveries(home) == 0


def test_a_user_who_stops_again_ends_the_wait(home: Home, caplog: pytest.LogCaptureFixture) -> None:
    write(home)
    Mirroring(home, STUDY).finish(stopping=lambda: True)
    assert len(caplog.messages) == 1


# --- a database that cannot be used --------------------------------------------------------------


def test_a_locked_optuna_database_holds_up_neither_mlflow_nor_anything_for_good(
    home: Home, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    write(home)
    bring_up(home, "optuna")
    monkeypatch.setattr(optuna_database, "SQLITE_SECONDS", 0.1)
    with recording(home) as told:
        told.train(6)
        told.finish()
    with closing(sqlite3.connect(home.path / "optuna.db", isolation_level=None)) as other:
        other.execute("begin immediate")
        assert main(["sync", STUDY, "--home", str(home.path)]) == 4
        assert capsys.readouterr().err.splitlines()[-1] == (
            f"fairtune: study {STUDY}: 0 of 1 trials were delivered to Optuna's storage, then the "
            f"Optuna database {home.optuna_url} cannot be used: database is locked; end the "
            "process that holds it and run the same command again"
        )
        other.execute("rollback")
    assert sync(home, STUDY).delivered == {"optuna": 1, "mlflow": 0}
    check_agreement(home, STUDY)


def test_tables_of_another_version_of_optuna_are_left_to_the_doctor(home: Home) -> None:
    write(home)
    bring_up(home, "optuna")
    with closing(sqlite3.connect(home.path / "optuna.db")) as opened, opened:
        opened.execute("update alembic_version set version_num = 'v3.0.0.d'")
    with pytest.raises(StorageError, match=r"another version of Optuna made it; `fairtune doctor"):
        bring_up(home, "optuna")
