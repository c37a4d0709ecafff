"""Commands that only print: help, presets, components, the schema, the plan of a study."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from studies.cli import main
from studies.study_file.presets import find_preset, preset_names
from tests.support.accounts import (
    last_line,
)

CHECK_KEYS = [
    "study", "arms", "claim", "repeats", "trials", "confirmations", "crossed", "design",
    "max_epochs", "workers", "devices", "grid_points", "parameters", "warnings", "hints", "data",
]  # fmt: skip
Output = pytest.CaptureFixture[str]


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from studies.cli import main; assert main(['--help']) == 0; "
        "print(*{'torch', 'optuna', 'mlflow', 'pandas', 'pydantic', 'numpy', 'rich.live'}"
        " & sys.modules.keys(), file=sys.stderr)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stderr == "\n"
    commands = [
        "init",
        "data",
        "check",
        "run",
        "status",
        "best",
        "components",
        "schema",
        "ui",
        "dashboard",
    ]
    assert all(f" {command} " in ran.stdout for command in commands)
    assert "130 Ctrl-C" in ran.stdout


def test_init_writes_a_preset_and_refuses_to_overwrite_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["init", "quickstart"]) == 0
    assert "fairtune check quickstart.yaml" in capsys.readouterr().out
    file = tmp_path / "quickstart.yaml"
    assert file.read_text() == find_preset("quickstart").read_text()
    file.write_text("mine")
    assert main(["init", "quickstart"]) == 2
    assert capsys.readouterr().err == (
        "fairtune: quickstart.yaml exists already; --force replaces it, --output names another\n"
    )
    assert file.read_text() == "mine"
    assert main(["init", "quickstart", "--output", "other.yaml"]) == 0
    assert (tmp_path / "other.yaml").exists()


def test_init_lists_every_preset_with_its_question(capsys: Output) -> None:
    assert main(["init", "--list"]) == 0
    printed = capsys.readouterr().out
    rows = {line.split()[0] for line in printed.splitlines()[1:] if line.strip()}
    assert rows >= set(preset_names())
    assert "Can a single layer tell three kinds of iris apart" in printed


def test_components_lists_every_row_of_every_table(capsys: Output) -> None:
    from studies.study_file.json_schema import TABLES

    assert main(["components"]) == 0
    lines = capsys.readouterr().out.splitlines()
    printed = {line.split()[0] for line in lines if line and not line.startswith(" ")}
    assert printed == {*TABLES, *(name for table in TABLES.values() for name in table)}
    assert main(["components", "--json"]) == 0
    told = last_line(capsys.readouterr().out)
    assert {kind: list(rows) for kind, rows in told.items()} == {
        kind: list(table) for kind, table in TABLES.items()
    }
    assert told["optimizer"]["adam"]["parameters"]["lr"]["default"] == 0.001


def test_components_explains_one_row(capsys: Output) -> None:
    assert main(["components", "optimizer", "momentum"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith("momentum: ")
    assert {line.split()[0] for line in printed[2:] if line.strip()} >= {"lr", "momentum"}
    assert main(["components", "momentum"]) == 0
    assert capsys.readouterr().out.splitlines() == printed
    assert main(["components", "dropuot"]) == 2
    assert "no component 'dropuot'; did you mean dropout?" in capsys.readouterr().err


def test_schema_prints_the_schema_of_study_files(capsys: Output) -> None:
    assert main(["schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert schema["required"] == ["study", "model"]


def check(capsys: Output, *argv: str) -> Any:
    assert main(["check", *argv, "--json"]) == 0
    return last_line(capsys.readouterr().out)


@pytest.mark.slow
def test_check_tells_the_plan_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    monkeypatch.chdir(tmp_path)
    told = check(capsys, "perceptron-iris", "--set", "trainer.epochs=3", "--set", "confirm.seeds=4")
    assert list(told) == CHECK_KEYS
    assert (told["study"], told["arms"], told["trials"]) == ("perceptron-iris", [], 20)
    assert (told["max_epochs"], told["grid_points"]) == (20 * 3 + 4 * 3, None)
    assert [row["name"] for row in told["parameters"]] == ["optimizer.lr"]
    grid = check(capsys, "grid-breast-cancer")
    assert (grid["trials"], grid["grid_points"], grid["max_epochs"]) == (18, 18, 18 * 15)
    assert list(tmp_path.iterdir()) == []
