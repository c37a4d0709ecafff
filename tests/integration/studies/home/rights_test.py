"""A home is its owner's alone, or a group's; nothing in it is anybody else's."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from lightning_modules.errors import UserError
from studies.home import Home
from tests.support.checkout import ROOT

FILE = """
study: made
data: iris
model: {name: mlp, hidden: []}
trainer: {epochs: 1}
search: {method: random, trials: 1}
"""


def run(folder: Path, umask: int, *options: str) -> Path:
    """A study that is run by a command of its own; its home."""
    (folder / "study.yaml").write_text(FILE)
    command = "from studies.cli import entry; entry()"
    argv = ["run", "study.yaml", "--home", "home", "--workers", "1", "--quiet", *options]
    subprocess.run(
        [sys.executable, "-P", "-c", command, *argv],
        cwd=folder,
        umask=umask,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
        capture_output=True,
    )
    return folder / "home"


def modes(home: Path) -> dict[str, set[int]]:
    """The rights that files and folders of a home have."""
    every = [home, *home.rglob("*")]
    return {
        kind: {stat.S_IMODE(each.stat().st_mode) for each in every if each.is_dir() == is_folder}
        for kind, is_folder in (("folders", True), ("files", False))
    }


@pytest.mark.parametrize("umask", [0o000, 0o077], ids=oct)
def test_a_new_home_is_its_owners_alone(umask: int, tmp_path: Path) -> None:
    assert modes(run(tmp_path, umask)) == {"folders": {0o700}, "files": {0o600}}


@pytest.mark.parametrize("umask", [0o000, 0o077], ids=oct)
def test_a_shared_home_is_the_groups(umask: int, tmp_path: Path) -> None:
    home = run(tmp_path, umask, "--shared")
    assert modes(home) == {"folders": {0o2770}, "files": {0o660}}
    assert {each.stat().st_gid for each in home.rglob("*")} == {tmp_path.stat().st_gid}


def test_a_home_that_is_there_keeps_its_rights(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    home.chmod(0o750)
    assert modes(run(tmp_path, 0o022)) == {"folders": {0o750}, "files": {0o640}}


def test_a_private_home_is_shared_by_a_command_that_works_as_it_is_said(tmp_path: Path) -> None:
    path = tmp_path / "my home"
    Home.at(path).create("one")
    (path / "file").touch()
    shared = Home(path, "sqlite:///a", "sqlite:///b", shared=True)
    with pytest.raises(UserError, match="is there already and is not shared; `chmod") as caught:
        shared.create()
    command = str(caught.value).split("`")[1]
    subprocess.run(command, shell=True, check=True)
    shared.create("one")
    assert {stat.S_IMODE(each.stat().st_mode) for each in path.rglob("*") if each.is_dir()} == {
        0o2770
    }
