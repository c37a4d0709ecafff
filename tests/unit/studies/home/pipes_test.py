"""A pipe, a socket or a device in a home is refused in a sentence; nobody waits for it."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from studies.cli import main
from studies.home import Home
from studies.records import Record

STUDY = "{study: a, data: digits, model: mlp, search: {method: random, trials: 1}}"
Make = Callable[[Path], object]


def bind(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(path.name)


def link(path: Path) -> None:
    pipe = path.parent / "elsewhere"
    os.mkfifo(pipe)
    path.symlink_to(pipe)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.chdir(tmp_path)
    home = Home.at(tmp_path / "h")
    home.create("a")
    with Record.writing(home, "a") as record:
        record.note({"study_file": STUDY, "finished": ""})
    return home


@pytest.mark.timeout(60)
@pytest.mark.parametrize("make", [os.mkfifo, bind, link])
@pytest.mark.parametrize(
    "name",
    ["driver", "mirrors.db", "mirrors.db-wal", "mirrors.db-journal", "record.db", "record.db-wal",
     "record.db-journal", "lock"],
)  # fmt: skip
def test_a_pipe_in_the_folder_of_a_study_is_refused(
    home: Home,
    name: str,
    make: Make,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = home.study("a")
    (folder / name).unlink(missing_ok=True)
    with monkeypatch.context() as inside:
        inside.chdir(folder)
        make(folder / name)
    for words in (["status"], ["status", "a"], ["best", "a"], ["sync", "a"], ["doctor"]):
        assert main([*words, "--home", str(home.path)]) == 4, words
        said = "".join(capsys.readouterr())
        assert "is a pipe, a socket or a device" in said.replace("\n", " "), words
        assert "Traceback" not in said, words


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", ["mlflow.db", "mlflow.db-journal", "mlflow.db-wal"])
@pytest.mark.parametrize("words", [["ui"], ["doctor"]])
def test_a_pipe_in_the_place_of_a_database_is_refused(
    home: Home, name: str, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (home.path / "mlflow.db").write_bytes(b"")
    (home.path / name).unlink(missing_ok=True)
    os.mkfifo(home.path / name)
    assert main([*words, "--home", str(home.path)]) == 4
    assert "is a pipe, a socket or a device" in "".join(capsys.readouterr()).replace("\n", " ")


@pytest.mark.timeout(60)
def test_a_pipe_in_the_place_of_a_checkpoint_is_refused_before_anything_is_written(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    os.mkfifo(home.checkpoint("a", "a-0000"))
    assert main(["sync", "a", "--home", str(home.path)]) == 4
    assert "is a pipe, a socket or a device" in "".join(capsys.readouterr()).replace("\n", " ")
