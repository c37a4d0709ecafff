"""What data became is shown by `data`, `check`, `run`, the report and the dashboard, with the same
words."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from studies import results
from studies.cli import main
from studies.home import Home
from tests.support.accounts import last_line

Output = pytest.CaptureFixture[str]
STUDY = """
study: own
data: {name: table, path: rows.csv, target: outcome, batch_size: 8}
model: {name: mlp, hidden: [4]}
trainer: {epochs: 1, accelerator: cpu}
search: {method: random, trials: 1}
"""
LINES = [
    "data rows.csv: 50 rows (30 train, 10 validation, 10 test)",
    "inputs: 7 numbers a row, 0.001 MB in memory",
    "numbers: 1 (price)",
    "dates: 1 (day)",
    "ids: 1 (id)",
    "missing: price 10",
    "classes: ill 25 (50.0%), well 25 (50.0%)",
    "column price: numbers, '$10' is read as 10",
    "column price: 'NA' (10 rows) is read as missing",
    "column day: dates, read as 31/12/2024 (%d/%m/%Y)",
    "warning: column id has another value in every row, as an identifier has, and teaches nothing; "
    "leave it out with id: [id]",
]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table whose columns are not what they seem."""
    monkeypatch.chdir(tmp_path)
    days = pd.date_range("2024-01-20", periods=50).strftime("%d/%m/%Y")
    price = np.where(np.arange(50) % 5 == 4, "NA", "$" + pd.Series(range(10, 60)).astype(str))
    outcome = ["well", "ill", "ill", "well", "ill", "ill", "well", "well", "well", "ill"] * 5
    frame = pd.DataFrame({"id": range(50), "price": price, "day": days, "outcome": outcome})
    frame.to_csv("rows.csv", index=False)
    Path("study.yaml").write_text(STUDY)


def told(text: str) -> list[str]:
    """The lines of a text that tell of data."""
    lines = [line.strip(" -*\\").replace("\\", "") for line in text.splitlines()]
    return [line for line in LINES if line in lines]


def test_a_file_alone_and_a_study_file_say_the_same(capsys: Output) -> None:
    assert main(["data", "rows.csv", "--target", "outcome"]) == 0
    assert told(capsys.readouterr().out) == LINES
    assert main(["data", "study.yaml", "--json"]) == 0
    written = capsys.readouterr()
    assert told(written.err) == LINES
    (found,) = last_line(written.out)["data"]
    assert found["rows"] == {"train": 30, "validation": 10, "test": 10}
    assert found["classes"] == {"ill": [15, 5, 5], "well": [15, 5, 5]}
    assert [(each["name"], each["kind"]) for each in found["columns"]] == [
        ("id", "id"), ("price", "numbers"), ("day", "dates"),
    ]  # fmt: skip


def test_a_table_without_a_target_shows_its_columns(capsys: Output) -> None:
    assert main(["data", "rows.csv", "--set", "data.drop=[id]"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == [
        "data rows.csv: 50 rows (50 in all)",
        "  numbers: 1 (price)",
        "  categories: 1 (outcome: 2 levels)",
    ]
    assert "--target" in lines[-1]


def test_other_files_are_told_too(capsys: Output) -> None:
    np.savez("data.npz", x=np.arange(40.0).reshape(20, 2), y=np.arange(20) % 2)
    assert main(["data", "data.npz"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == (
        "data data.npz: 20 rows (12 train, 4 validation, 4 test)"
    )
    assert main(["data", "wine", "--json"]) == 2  # neither a file nor a preset
    assert main(["data", "nothing.csv"]) == 2
    assert "there is no such file" in capsys.readouterr().err


def test_a_set_that_comes_with_a_package_is_told(capsys: Output) -> None:
    Path("wine.yaml").write_text(STUDY.replace("table, path: rows.csv, target: outcome", "wine"))
    assert main(["data", "wine.yaml"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "data wine: 178 rows (106 train, 36 validation, 36 test)",
        "  inputs: 13 numbers a row, 0.009 MB in memory",
        "  classes: class_0 59 (33.1%), class_1 71 (39.9%), class_2 48 (27.0%)",
    ]


def test_check_run_and_report_say_it(home: Home, capsys: Output) -> None:
    assert main(["check", "study.yaml", "--home", str(home.path), "--json"]) == 0
    written = capsys.readouterr()
    assert told(written.err) == LINES
    assert last_line(written.out)["data"][0]["shape"] == [7]
    assert main(["run", "study.yaml", "--home", str(home.path), "--workers", "1"]) == 0
    assert told(capsys.readouterr().err) == LINES
    assert results.load_results(home, "own").data[0].rows["train"] == 30
    for kind in ("md", "html"):
        assert main(["report", "own", "--home", str(home.path), "--format", kind]) == 0
    written_files: dict[str, Any] = {path.suffix: path for path in Path().glob("*own*.*")}
    page = written_files[".html"].read_text()
    assert "<h2>Data</h2>" in page and "price: numbers, &#39;$10&#39; is read as 10" in page
    assert len(told(written_files[".md"].read_text())) == len(LINES)


def test_what_is_left_out_of_a_folder_of_images_is_told_once(home: Home, capsys: Output) -> None:
    for name in ("cat", "dog"):
        Path("photos", name).mkdir(parents=True)
        Path("photos", name, "notes.txt").write_text("none")
        for number in range(8):
            Image.new("RGB", (8, 8), (number, 0, 0)).save(f"photos/{name}/{number}.png")
    study = Path("study.yaml")
    study.write_text(
        STUDY.replace("table, path: rows.csv, target: outcome", "images, path: photos")
    )
    said = "2 of 18 files are not read: 2 .txt"
    for command in ("data photos", "data study.yaml", "check study.yaml", "run study.yaml"):
        options = ["--home", str(home.path), "--workers", "1"] if "run" in command else []
        assert main([*command.split(), *options]) == 0
        out, error = capsys.readouterr()
        assert (out + error).count(said) == 1


def test_what_would_steer_a_terminal_is_spelled_out(capsys: Output) -> None:
    frame = pd.read_csv("rows.csv").rename(columns={"price": "pr\x1b[2Jice"})
    frame.to_csv("rows.csv", index=False)
    assert main(["data", "rows.csv", "--target", "outcome"]) == 0
    found = capsys.readouterr().out
    assert "\x1b" not in found and "numbers: 1 (pr\\x1b[2Jice)" in found
