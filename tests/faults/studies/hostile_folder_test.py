"""What fairtune starts imports no file of the current folder but the user's own code."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.accounts import FAIRTUNE
from tests.support.hostile import fill_with_hostile_files, markers
from tests.support.own_code import NETWORK

OWN_CLASS = """
study: own
data: iris
model: {class: "nets:Net"}
loss: cross_entropy
optimizer: {name: adam, lr: 0.01}
trainer: {epochs: 1, accelerator: cpu}
search: {method: random, trials: 1}
confirm: null
"""
PROGRAM = """
study: own
model: {command: [python, train.py]}
trainer: {epochs: 1}
objective: {metric: val/loss, goal: minimize}
search: {method: random, trials: 1}
confirm: null
"""
TRAIN = """
import os
import neighbour
assert "PYTHONSAFEPATH" not in os.environ
print(neighbour.REPORT, flush=True)
"""
FUNCTION = """
import subprocess, sys
import fairtune

def trial(configuration, report):
    subprocess.run([sys.executable, "train.py"], check=True, capture_output=True)
    report(1, val_loss=0.5)

if __name__ == "__main__":
    study = {"study": "own", "search": {"method": "random", "trials": 1}, "confirm": None,
             "trainer": {"epochs": 1}, "objective": {"metric": "val/loss", "goal": "minimize"}}
    done = fairtune.run(study, trial=trial, home=sys.argv[1], workers=1, progress=False)
    assert done.finished and list(done.trials["value"]) == [0.5]
"""


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    folder = tmp_path / "hostile"
    fill_with_hostile_files(folder)
    (folder / "neighbour.py").write_text(
        """REPORT = '{"epoch": 1, "metrics": {"val/loss": 0.5}}'\n"""
    )
    (folder / "train.py").write_text(TRAIN)
    (folder / "nets.py").write_text(f"import neighbour\n{NETWORK}")
    return folder


def fairtune(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    path = os.path.dirname(sys.executable) + os.pathsep + os.environ["PATH"]
    environment = {**os.environ, "PATH": path}
    return subprocess.run(
        [FAIRTUNE, *arguments, "--home", str(folder.parent / "home")],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(
    ("study", "allow"),
    [(OWN_CLASS, ["nets", "neighbour"]), (PROGRAM, [])],
    ids=["class", "program"],
)
def test_own_code_finds_its_neighbours_and_nothing_else_is_imported(
    study: str, allow: list[str], hostile: Path
) -> None:
    (hostile / "study.yaml").write_text(study)
    allowed = [part for name in allow for part in ("--allow", name)]
    done = fairtune(hostile, "run", "study.yaml", "--workers", "1", "--json", *allowed)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["trials"]["completed"] == 1
    assert fairtune(hostile, "sync").returncode == 0
    assert fairtune(hostile, "doctor").returncode == 0
    assert markers(hostile) == set()


def test_what_a_function_starts_finds_its_neighbours(hostile: Path, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(FUNCTION)
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "home")],
        cwd=hostile,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert markers(hostile) == set()
