"""The benchmarks that train nothing run, and their records hold what their tables print."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from studies.home import Home
from studies.mirrors.left import what_is_left
from tests.support.agreement import check_agreement
from tests.support.checkout import ROOT
from tests.support.generated_home import generate


def run(name: str, folder: Path, *options: str) -> tuple[dict[str, Any], str]:
    """The record of a benchmark, and what it prints."""
    path = folder / "record.json"
    argv = [sys.executable, str(ROOT / "benchmarks" / f"{name}.py"), *options]
    done = subprocess.run(
        [*argv, "--output", str(path)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    made: dict[str, Any] = json.loads(path.read_text())
    assert made["machine"]["versions"]["optuna"]
    return made, done.stdout


def test_pruning_across_arms_hits_the_slow_arm_and_pruning_within_arms_does_not(
    tmp_path: Path,
) -> None:
    made, _ = run("pooled_pruning", tmp_path, "--studies", "8")
    pooled, arms = (made["ways"][way]["pruned"] for way in ("pooled", "arms"))
    assert pooled["cosine"] > pooled["constant"] + 0.1
    assert abs(arms["cosine"] - arms["constant"]) < 0.1
    assert made["ways"]["confirmed"]["wrong"] == 0
    assert made["ways"]["pooled"]["wrong"] >= 1


def test_selection_replays_a_table_with_equal_budgets(tmp_path: Path) -> None:
    made, printed = run("selection", tmp_path, "--tables", "vehicle", "--repetitions", "2")
    assert [each["method"] for each in made["measured"]] == ["random", "tpe"]
    for each in made["measured"]:
        assert len(each["plain"]) == len(each["confirmed"]) == 2
        assert min(*each["plain"], *each["confirmed"]) >= 0
    assert made["summaries"][0]["median_ratio"] == made["summaries"][0]["mean_ratio"]  # one table
    assert "| vehicle" in printed
    assert "| median" in printed


def test_the_calibration_tells_its_rows_and_records_them(tmp_path: Path) -> None:
    options = ["--rows", "lopsided", "fresh-seeds", "--tables", "phoneme", "--repetitions", "40"]
    made, printed = run("calibration", tmp_path, *options)
    assert {row["comparisons"] for row in made["rows"] if not row["what"].startswith("-")} == {40}
    bounded = [row for row in made["rows"] if row["bound"] is not None and row["comparisons"]]
    assert bounded and all(row["holds"] for row in bounded)
    assert "of those called lopsided" in printed
    assert "Python" in printed


def test_the_driver_is_measured_beside_plain_optuna(tmp_path: Path) -> None:
    options = ["--trials", "4", "--samplers", "random", "--pruners", "median"]
    made, printed = run("driver", tmp_path, *options)
    assert {row["way"]: row["trials"] for row in made["rows"]} == {
        "fairtune": 4, "sqlite": 4, "journal": 4, "memory": 4
    }  # fmt: skip
    assert [row["epochs"] for row in made["rows"]] == [40] * 4  # none is pruned among so few
    assert [each["sqlite_trials"] for each in made["ratios"]] == [4]
    assert "| fairtune, everything on" in printed


def test_a_generated_home_is_one_whose_mirrors_are_complete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("FAIRTUNE_STORAGE", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    home = Home.at(tmp_path / "home")
    generate(home, 60, epochs=6)
    assert what_is_left(home, "large") == ""
    found = check_agreement(home, "large")
    assert found.finished
    assert {trial.phase for trial in found.trials} == {"search", "confirm"}
