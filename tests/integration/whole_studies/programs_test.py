"""Studies of programs through the command line: what they are told, how they fail, what is kept."""

import shlex
import subprocess
from pathlib import Path

import pytest
import yaml

import fairtune
from studies import results
from studies.cli import main
from studies.home import Home
from tests.conftest import MakeHome
from tests.support.accounts import last_line

Output = pytest.CaptureFixture[str]
TRAIN = r"""
echo "$@" >> words
for level in "$@"; do :; done  # the last one
[ "$level" -lt 5 ] || { echo "ValueError: level $level is too high" >&2; exit 1; }
[ "$level" -lt 3 ] || { echo "no file /tmp/$level" >&2; echo and so on; exit 2; }
echo "{\"epoch\": 1, \"metrics\": {\"val/score\": $level}}"
"""
STUDY = {
    "study": "told",
    "model": {
        "command": ["sh", "train.sh", "--epochs", 1, "{model.deep:flag --deep/--flat}", "{params}"],
        "cwd": "my code",
        "deep": True,
        "level": {"values": [1, 2, 4, 5, 6]},
    },
    "trainer": {"epochs": 1},
    "objective": {"metric": "val/score", "goal": "maximize"},
    "search": {"method": "grid"},
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my code").mkdir()
    (tmp_path / "my code" / "train.sh").write_text(TRAIN)
    return tmp_path


def run(folder: Path, home: Home, tree: dict[str, object], *more: str) -> int:
    (folder / "study.yaml").write_text(yaml.safe_dump(tree))
    return main(["run", "study.yaml", "--home", str(home.path), "--workers", "1", *more])


def levels(*values: int) -> dict[str, object]:
    return {**STUDY, "model": {**STUDY["model"], "level": {"values": list(values)}}}  # type: ignore[dict-item]


def test_the_best_configuration_of_a_program_is_a_study_of_one_trial(
    folder: Path, make_home: MakeHome, capsys: Output
) -> None:
    home = make_home(folder / "home")
    assert run(folder, home, STUDY, "--json") == 0
    told = last_line(capsys.readouterr().out)
    (warning,) = told["warnings"]
    assert warning == (
        "3 of 5 trials ended with error: 2 × the program ended with exit code 1: ValueError: level "
        "5 is too high; 1 × the program ended with exit code 2: no file /tmp/4"
    )
    assert told["seconds"] < 60
    assert main(["best", "told", "--home", str(home.path)]) == 0
    printed = capsys.readouterr().out
    said = dict(line[2:].partition(": ")[::2] for line in printed.splitlines() if line[0] == "#")
    assert said["its program"] == "cd 'my code' && sh train.sh --epochs 1 --deep --level 2"
    write, _, train = said["train it again"].partition(" && ")
    assert write == f"fairtune best told --home {home.path} > told-best.yaml"
    ran = subprocess.run(said["its program"], shell=True, capture_output=True, check=True)
    assert b'"val/score": 2' in ran.stdout
    (folder / "told-best.yaml").write_text(printed)
    assert main([*shlex.split(train)[1:], "--workers", "1"]) == 0
    assert list(results.load_results(home, "told").files) == ["my code/train.sh"]
    (trial,) = results.load_results(home, "told-best").trials
    assert trial.value == 2
    best = fairtune.load("told", home=home.path).best
    assert best is not None and best.study_file == yaml.safe_load(printed)
    again = ["reproduce", "told/trial-0001", "--home", str(home.path), "--allow-command"]
    capsys.readouterr()
    assert main(again) == 0
    assert f"its program: {said['its program']}\n" in capsys.readouterr().out


def test_a_study_in_which_nothing_completes_says_why(
    folder: Path, make_home: MakeHome, capsys: Output
) -> None:
    home = make_home(folder / "home")
    assert run(folder, home, levels(3, 4, 6)) == 3
    assert capsys.readouterr().err.splitlines()[-1] == (
        "fairtune: told: no trial has completed: 2 × error: the program ended with exit code 2: no "
        "file /tmp/3; 1 × error: the program ended with exit code 1: ValueError: level 6 is too "
        "high"
    )


def test_a_program_of_another_folder_is_looked_for_there(folder: Path, capsys: Output) -> None:
    (folder / "study.yaml").write_text(yaml.safe_dump(STUDY))
    assert main(["check", "study.yaml"]) == 0
    assert (
        "    cd 'my code' && sh train.sh --epochs 1 --deep --level 1\n" in capsys.readouterr().out
    )
    assert main(["check", "study.yaml", "--set", "model.cwd=nowhere"]) == 2
    assert "model.cwd: there is no folder nowhere; make it" in capsys.readouterr().err
    command = '["./nothing.sh", "{params}"]'
    assert main(["check", "study.yaml", "--set", f"model.command={command}"]) == 2
    assert "there is no program my code/nothing.sh that could" in capsys.readouterr().err
