"""A disk that is full, and folders that cannot be written (rows 14 and 15)."""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from studies.cli import main
from studies.home import Home
from studies.mirrors.left import sync_command
from tests.support.drivers import Faulty
from tests.support.invariants import check_invariants
from tests.support.scripted import EPOCHS, TRIALS, Scripted

Output = pytest.CaptureFixture[str]
Mount = Callable[..., None]


@pytest.fixture
def mount() -> Iterator[Mount]:
    """Puts a small disk of its own at a folder; skipped where that takes more rights."""
    mounted: list[Path] = []

    def make(folder: Path, *options: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        argv = ["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", str(folder)]
        tried = subprocess.run(argv, capture_output=True, text=True, check=False)
        if tried.returncode:
            text = f"a small disk cannot be mounted: {tried.stderr.strip()}"
            if os.environ.get("CI") == "true" and os.geteuid() == 0:
                pytest.fail(text)
            pytest.skip(text)
        mounted.append(folder)

    yield make
    for folder in reversed(mounted):
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def full(folder: Path) -> Iterator[None]:
    """Nothing more fits onto the disk of a folder."""
    fill(folder)
    yield
    relieve(folder)


def fill(folder: Path) -> None:
    with (folder / "filler").open("wb", buffering=0) as filler:
        try:
            while filler.write(bytes(65536)):
                pass
        except OSError:
            pass
        try:
            while filler.write(b"0"):
                pass
        except OSError:
            return


def relieve(folder: Path) -> None:
    (folder / "filler").unlink()


def last_line(output: Output) -> str:
    return output.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize("part", ["", "studies/filled"])
def test_a_disk_that_fills_up_ends_the_run_clearly_and_it_goes_on_when_there_is_room(
    part: str, tmp_path: Path, mount: Mount, capsys: Output
) -> None:
    home = Home.at(tmp_path / "home")
    mount(home.path / part, "size=16m" if not part else "size=1m")
    study = Scripted(home, "filled")

    def blow(trial: int, epoch: int) -> None:
        if (trial, epoch) == (1, 2):
            fill(home.path / part)

    assert study.run(blow) == 4
    said = last_line(capsys)
    assert str(home.path / part) in said
    assert "No space left on device" in said or "disk is full" in said
    assert "run the same command again" in said
    relieve(home.path / part)
    assert study.run() == 0
    check_invariants(home, "filled")


def test_results_that_do_not_fit_as_artifacts_end_no_study_and_are_written_when_there_is_room(
    home: Home, mount: Mount, caplog: pytest.LogCaptureFixture
) -> None:
    mount(home.artifacts, "size=2m")
    study = Scripted(home, "filled")
    with full(home.artifacts):
        assert study.run() == 0
    said = [entry.getMessage() for entry in caplog.records if entry.name == "fairtune"]
    assert "No space left on device; make room and run the same command again" in said[-2]
    assert said[-1] == (
        "the results of study filled wait for MLflow; "
        f"`{sync_command(home, 'filled')}` delivers them"
    )
    assert study.trained == TRIALS * EPOCHS
    assert study.run() == 0
    assert study.trained == TRIALS * EPOCHS  # only the results were missing
    check_invariants(home, "filled")


def test_a_checkpoint_that_does_not_fit_ends_the_run_and_no_trial(
    faulty: Faulty, mount: Mount
) -> None:
    checkpoints = faulty.home.study("faulty") / "checkpoints"
    mount(checkpoints, "size=256k")
    faulty.hit(1, 2, "wait")
    with faulty.driver(workers=1) as driver:
        faulty.reached(1, 2)
        fill(checkpoints)
        faulty.relieve(1, 2)
        assert driver.ends() == 4
    assert driver.said.splitlines()[-1] == (
        f"fairtune: {checkpoints}: a checkpoint cannot be written: the disk is full; "
        "change that and run the same command again"
    )
    relieve(checkpoints)
    told = faulty.runs_to_its_end().told
    assert told["trials"] == {"completed": 6}
    check_invariants(faulty.home, "faulty")


@pytest.mark.parametrize("part", ["", "studies/closed/checkpoints", "studies/closed", "artifacts"])
def test_a_folder_that_cannot_be_written_is_refused_before_the_first_epoch(
    part: str, tmp_path: Path, mount: Mount, capsys: Output
) -> None:
    home = Home.at(tmp_path / "home")
    mount(home.path / part, "ro")
    study = Scripted(home, "closed")
    assert study.run() == 4
    what = "the home cannot be written" if not part else "cannot be written"
    assert last_line(capsys).startswith(
        f"fairtune: {home.path / part}: {what} (Read-only file system); "
    )
    assert study.trained == 0
    if not part:
        assert main(["doctor", "--home", str(home.path)]) == 4
        assert "fail home: " in capsys.readouterr().out
