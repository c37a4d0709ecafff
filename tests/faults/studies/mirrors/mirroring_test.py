"""What happens to the process of the mirrors, and to what it notes, is no matter of the driver's
(rows 26 and 29)."""

import errno
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from studies.cli import main
from studies.home import Home, database
from studies.mirrors import mirror_process, mirroring
from studies.mirrors.left import missing, sync_command
from studies.mirrors.mirroring import Mirroring
from studies.mirrors.sync import sync
from studies.records.deliveries import (
    Deliveries,
    MirrorStatus,
    deliveries_file,
    known_statuses,
    store_name,
)
from tests.support.agreement import check_agreement
from tests.support.checkout import ROOT
from tests.support.mirrored import add_a_trial, gone, start, write
from tests.support.recorded import STUDY
from tests.support.scripted import Scripted

Output = pytest.CaptureFixture[str]
Log = pytest.LogCaptureFixture
PATIENCE = 60.0
"""Seconds after which something that has to happen is missed."""
PASSWORD = "h0tl-ink"
DRIVER = """
import sys
from pathlib import Path
from studies.home import Home
from studies.mirrors.mirroring import Mirroring

mirrors = Mirroring(Home.at(Path(sys.argv[1])), sys.argv[2], begin_after=0.0)
mirrors.tick()
print(mirrors._process._process.pid, flush=True)
sys.stdin.read()
"""
FOUND = """
import sys
sys.path.insert(0, sys.argv[3])
from pathlib import Path
from studies.home import Home
from studies.mirrors.mirroring import Mirroring

Mirroring(Home.at(Path(sys.argv[1])), sys.argv[2]).finish()
"""
CUT_SHORT = """
import os, sys
from pathlib import Path
from studies.home import Home
from studies.mirrors.optuna.study import OptunaStudy
from studies.mirrors.sync import sync

add = OptunaStudy.add

def two(self, trial):
    if trial.number == 2:
        os._exit(9)
    add(self, trial)

OptunaStudy.add = two
sync(Home.at(Path(sys.argv[1])), sys.argv[2], rebuild=sys.argv[3] == "rebuild")
"""
HOLDER = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("BEGIN EXCLUSIVE")
database.execute("UPDATE status SET steps = steps + 1")
print("held", flush=True)
sys.stdin.read()
"""


def left(home: Home) -> str:
    """What is said where nothing was delivered."""
    return (
        f"11 trials of study {STUDY} wait for Optuna's storage and MLflow; "
        f"`{sync_command(home, STUDY)}` delivers them"
    )


def said(log: Log) -> list[str]:
    return [entry.getMessage() for entry in log.records if entry.name == "fairtune"]


def until(found: Callable[[], list[psutil.Process]]) -> psutil.Process:
    """The process that there is at last."""
    end = time.monotonic() + PATIENCE
    while not (processes := found()):
        assert time.monotonic() < end, "the process does not come"
        time.sleep(0.01)
    return processes[0]


# --- the process ---------------------------------------------------------------------------------


def test_a_process_that_fails_at_every_start_is_given_up_and_its_reason_is_said(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: Log
) -> None:
    write(home)
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "filelock.py").write_text(f"raise ImportError('no luck at u:{PASSWORD}@db')")
    monkeypatch.setenv("PYTHONPATH", str(broken))
    monkeypatch.setenv("FAIRTUNE_STORAGE", f"postgresql://u:{PASSWORD}@127.0.0.1:9/db")
    starts = []

    class Counted(mirror_process.MirrorProcess):
        def __init__(self, home: Home, study: str) -> None:
            starts.append(study)
            super().__init__(home, study)

    monkeypatch.setattr(mirroring, "MirrorProcess", Counted)
    monkeypatch.setattr(mirroring, "GIVE_UP_SECONDS", 1000.0)
    Mirroring(Home.at(home.path), STUDY).finish()
    assert len(starts) == 1 + mirroring.RESTARTS
    log = home.study(STUDY) / "mirrors.log"
    assert said(caplog) == [
        f"{left(home)}: the process of the mirrors was ended with exit code 1 ({log} says why)"
    ]
    assert "ImportError: no luck at" in log.read_text()
    assert PASSWORD not in log.read_text()


def test_the_process_loads_the_fairtune_of_its_driver_wherever_that_was_found(
    home: Home, tmp_path: Path
) -> None:
    write(home)
    other = tmp_path / "other" / "studies"
    other.mkdir(parents=True)
    (other / "__init__.py").write_text("raise ImportError('another package of that name')")
    environment = os.environ | {"PYTHONPATH": str(other.parent)}
    argv = [sys.executable, "-P", "-c", FOUND, str(home.path), STUDY, str(ROOT)]
    subprocess.run(argv, check=True, env=environment, cwd=tmp_path)
    check_agreement(home, STUDY)


@contextmanager
def driven(home: Home) -> Iterator[tuple["subprocess.Popen[bytes]", psutil.Process]]:
    """A driver and the process of its mirrors."""
    argv = [sys.executable, "-c", DRIVER, str(home.path), STUDY]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as driver:
        assert driver.stdout is not None
        parent = psutil.Process(int(driver.stdout.readline()))
        try:
            yield driver, parent
        finally:
            driver.kill()
            for each in (parent, *children(parent)):
                with suppress(psutil.NoSuchProcess):
                    each.kill()


def children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children()
    except psutil.NoSuchProcess:
        return []


def test_a_driver_that_is_killed_takes_both_processes_along_though_one_is_stopped(
    home: Home,
) -> None:
    write(home)
    with driven(home) as (driver, parent):
        child = until(parent.children)
        child.suspend()
        driver.kill()
        child.wait(PATIENCE)
        parent.wait(PATIENCE)


def test_a_stopped_parent_holds_up_its_child_no_longer_than_the_driver_lives(home: Home) -> None:
    write(home)
    with driven(home) as (driver, parent):
        child = until(parent.children)
        until(lambda: [child] * (child.num_threads() >= 3))  # it listens on both
        parent.suspend()
        driver.kill()
        # nobody takes its exit code from it
        until(lambda: [child] * (child.status() == psutil.STATUS_ZOMBIE))


@pytest.mark.parametrize("which", ["parent", "child"])
def test_the_end_of_the_mirrors_is_that_of_both_processes_though_one_is_stopped(
    which: str, home: Home
) -> None:
    write(home)
    mirrors = Mirroring(home, STUDY, begin_after=0.0)
    mirrors.tick()
    assert mirrors._process is not None
    parent = psutil.Process(mirrors._process._process.pid)
    child = until(parent.children)
    (child if which == "child" else parent).suspend()
    mirrors.close()
    child.wait(PATIENCE)
    assert not parent.is_running()
    sync(home, STUDY)  # nobody holds a lock any more
    check_agreement(home, STUDY)


def test_without_fork_both_mirrors_are_brought_up_by_one_process(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(home)
    patch = "import os, runpy; del os.fork, os.nice; "
    run = "runpy.run_module('studies.mirrors.process', run_name='__main__')"
    argv = [sys.executable, "-c", patch + run, str(home.path), STUDY]
    with subprocess.Popen(argv, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        process.stdin.write(b"finish\n")
        process.stdin.flush()
        assert process.wait(PATIENCE) == 0
    check_agreement(home, STUDY)


def test_a_person_is_told_what_the_end_of_a_run_waits_for(
    home: Home, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    monkeypatch.setattr(mirroring, "NOTICE_SECONDS", -1.0)
    assert Scripted(home, "noticed").run() == 0
    printed = capsys.readouterr()
    told = "bringing MLflow and Optuna's storage up to date; Ctrl-C leaves that to "
    said = printed.err.replace("\n", " ")
    assert said.count(f"{told}`{sync_command(home, 'noticed')}`") == 1
    assert told not in printed.out


# --- what it notes -------------------------------------------------------------------------------


def damaged(home: Home) -> Path:
    """Notes of which the pages in the middle are garbage."""
    path = deliveries_file(home, STUDY)
    with closing(Deliveries.open(home, STUDY)) as notes:
        notes.note("optuna", "elsewhere", [(f"trial-{n}", 1, "x" * 40) for n in range(3000)])
    content = bytearray(path.read_bytes())
    content[4096 * 3 : 4096 * 40] = random.Random(5).randbytes(4096 * 37)
    path.write_bytes(content)
    database._held.clear()  # as in another process
    return path


def test_damaged_notes_are_no_matter_of_the_driver_and_are_made_anew(
    home: Home, caplog: Log
) -> None:
    write(home)
    damaged(home)
    Mirroring(home, STUDY).abandon()
    assert said(caplog) == [left(home)]
    process = start(home)
    assert process.stdin is not None
    process.stdin.write(b"finish\n")
    process.stdin.flush()
    assert process.wait(PATIENCE) == 0
    gone(process)
    assert missing(home, STUDY) == {}
    damaged(home)
    sync(home, STUDY)
    assert missing(home, STUDY) == {}
    check_agreement(home, STUDY)


def test_notes_that_cannot_be_opened_are_named_with_the_way_out(
    home: Home, caplog: Log, capsys: Output
) -> None:
    write(home)
    path = deliveries_file(home, STUDY)
    path.mkdir()
    Mirroring(home, STUDY).abandon()
    assert said(caplog) == [left(home)]
    assert main(["sync", STUDY, "--home", str(home.path)]) == 4
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"fairtune: {path}: what the mirrors have cannot be noted: ")
    assert line.endswith(
        "; move it away: it is made anew from what the mirrors have and run the same command again"
    )


def test_a_mirror_that_is_stopped_in_the_middle_of_a_note_keeps_no_driver_from_looking(
    home: Home,
) -> None:
    write(home)
    with closing(Deliveries.open(home, STUDY)) as notes:
        notes.say(MirrorStatus("optuna", steps=3), store_name(home.optuna_url, home))
    path = deliveries_file(home, STUDY)
    with holding(path):
        found = known_statuses(home, STUDY, 0.0)
    assert found is not None and found["optuna"].steps == 3


def test_where_a_look_would_have_to_wait_the_driver_keeps_what_it_knows(home: Home) -> None:
    write(home)
    with closing(Deliveries.open(home, STUDY)) as notes:
        notes.say(MirrorStatus("optuna", steps=3), store_name(home.optuna_url, home))
    path = deliveries_file(home, STUDY)
    with closing(sqlite3.connect(path)) as opened:  # as on a network file system
        assert opened.execute("PRAGMA journal_mode = DELETE").fetchone() == ("delete",)
    mirrors = Mirroring(home, STUDY)
    mirrors._look()
    with holding(path):
        assert known_statuses(home, STUDY, 0.0) is None
        mirrors._look()
    assert mirrors._known["optuna"].steps == 3


@contextmanager
def holding(path: Path) -> Iterator[None]:
    """A process that was stopped in a transaction."""
    argv = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
        holder.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            holder.kill()


def test_no_error_of_the_file_system_reaches_the_driver(
    home: Home, caplog: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(home)
    exists = Path.exists

    def stale(path: Path) -> bool:
        """As on a network file system that has lost the file."""
        if path.name == "mirrors.db":
            raise OSError(errno.ESTALE, "Stale file handle")
        return exists(path)

    monkeypatch.setattr(Path, "exists", stale)
    mirrors = Mirroring(home, STUDY, begin_after=0.0)
    mirrors.tick()
    mirrors.abandon()
    assert said(caplog) == [left(home)]


def test_no_failure_of_the_mirrors_reaches_the_driver_and_it_is_said_once(
    home: Home, caplog: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(home)

    def fails(*_: object) -> None:
        raise RuntimeError("nobody has foreseen that")

    monkeypatch.setattr(mirroring, "MirrorProcess", fails)
    monkeypatch.setattr(mirroring, "LOOK_SECONDS", 0.0)
    mirrors = Mirroring(home, STUDY, begin_after=0.0)
    mirrors.tick()
    mirrors.tick()
    mirrors.finish()
    assert said(caplog) == [
        "the mirrors cannot be looked after: RuntimeError: nobody has foreseen that. The study's "
        f"record is complete, and `{sync_command(home, STUDY)}` delivers what they miss",
        left(home),
    ]


@pytest.mark.parametrize("how", ["rebuild", "changed"])
def test_a_study_that_is_made_anew_is_not_called_complete_where_that_was_cut_short(
    how: str, home: Home
) -> None:
    write(home)
    sync(home, STUDY)
    assert missing(home, STUDY) == {}
    if how == "changed":
        add_a_trial(home)
    argv = [sys.executable, "-c", CUT_SHORT, str(home.path), STUDY, how]
    assert subprocess.run(argv, check=False).returncode == 9
    assert "optuna" in missing(home, STUDY)
    sync(home, STUDY)
    assert missing(home, STUDY) == {}
    check_agreement(home, STUDY)
