"""The benchmarks that train nothing run, and their records hold what their tables print."""

import importlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from studies.home import Home
from studies.mirrors.left import what_is_left
from tests.support.agreement import check_agreement
from tests.support.checkout import ROOT

BENCHMARKS = ROOT / "benchmarks"


Benchmark = Callable[[str], ModuleType]


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> Benchmark:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module


def record(main: Callable[[Sequence[str]], int], folder: Path, *options: str) -> dict[str, Any]:
    path = folder / "record.json"
    assert main([*options, "--output", str(path)]) == 0
    made: dict[str, Any] = json.loads(path.read_text())
    assert made["machine"]["versions"]["optuna"]
    return made


def test_pruning_across_arms_hits_the_slow_arm_and_pruning_within_arms_does_not(
    benchmark: Benchmark, capsys: pytest.CaptureFixture[str]
) -> None:
    module = benchmark("pooled_pruning")
    made = [module.choices(seed) for seed in range(8)]

    def pruned(which: str, arm: str) -> float:
        return sum(getattr(each, which)[arm] for each in made) / len(made)

    assert pruned("pooled_pruned", "cosine") > pruned("pooled_pruned", "constant") + 0.1
    assert abs(pruned("arms_pruned", "cosine") - pruned("arms_pruned", "constant")) < 0.1
    assert [each.confirmed for each in made] == ["cosine"] * 8
    assert sum(each.pooled == "constant" for each in made) >= 1


def test_a_cosine_of_the_pruning_benchmark_is_behind_at_first_and_ahead_in_the_end(
    benchmark: Benchmark,
) -> None:
    curve = benchmark("pooled_pruning").curve
    pairs = [(curve("cosine", 1e-2, seed), curve("constant", 1e-2, seed)) for seed in range(50)]
    early, late = (
        sum(cosine[epoch] - constant[epoch] for cosine, constant in pairs) / len(pairs)
        for epoch in (5, -1)
    )
    assert early < -0.03
    assert late == pytest.approx(0.010, abs=0.002)


def test_selection_replays_a_table_with_equal_budgets(
    benchmark: Benchmark, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main = benchmark("selection").main
    made = record(main, tmp_path, "--tables", "vehicle", "--repetitions", "2")
    assert [each["method"] for each in made["measured"]] == ["random", "tpe"]
    for each in made["measured"]:
        assert len(each["plain"]) == len(each["confirmed"]) == 2
        assert min(*each["plain"], *each["confirmed"]) >= 0
    assert made["summaries"][0]["median_ratio"] == made["summaries"][0]["mean_ratio"]  # one table
    printed = capsys.readouterr().out
    assert "| vehicle" in printed
    assert "| median" in printed


def test_the_calibration_tells_its_rows_and_records_them(
    benchmark: Benchmark, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main = benchmark("calibration").main
    options = ["--rows", "lopsided", "fresh-seeds", "--tables", "phoneme", "--repetitions", "40"]
    made = record(main, tmp_path, *options)
    assert {row["comparisons"] for row in made["rows"] if not row["what"].startswith("-")} == {40}
    bounded = [row for row in made["rows"] if row["bound"] is not None and row["comparisons"]]
    assert bounded and all(row["holds"] for row in bounded)
    printed = capsys.readouterr().out
    assert "of those called lopsided" in printed
    assert "Python" in printed


def test_the_median_of_the_regret_ratios_is_not_moved_by_one_table(benchmark: Benchmark) -> None:
    module = benchmark("selection")
    measured = [
        module.Regrets(table, "tpe", 1.0, [1.0, 1.0], [ratio, ratio], [0, 0], 0.0)
        for table, ratio in (("car", 0.8), ("kc1", 0.9), ("segment", 64.0))
    ]
    summary = module.summarize("tpe", measured, np.random.default_rng(0))
    assert summary.median_ratio.estimate == pytest.approx(0.9)
    assert summary.mean_ratio.estimate == pytest.approx((0.8 * 0.9 * 64) ** (1 / 3))


def test_the_driver_is_measured_beside_plain_optuna(
    benchmark: Benchmark, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--trials", "4", "--samplers", "random", "--pruners", "median"]
    made = record(benchmark("driver").main, tmp_path, *options)
    assert {row["way"]: row["trials"] for row in made["rows"]} == {
        "fairtune": 4, "sqlite": 4, "journal": 4, "memory": 4
    }  # fmt: skip
    assert [row["epochs"] for row in made["rows"]] == [40] * 4  # none is pruned among so few
    assert [each["sqlite_trials"] for each in made["ratios"]] == [4]
    assert "| fairtune, everything on" in capsys.readouterr().out


def test_a_generated_home_is_one_whose_mirrors_are_complete(
    benchmark: Benchmark, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("FAIRTUNE_STORAGE", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    home = Home.at(tmp_path / "home")
    benchmark("generated_home").generate(home, 60, epochs=6)
    assert what_is_left(home, "large") == ""
    found = check_agreement(home, "large")
    assert found.finished
    assert {trial.phase for trial in found.trials} == {"search", "confirm"}
