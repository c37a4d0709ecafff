"""Files of one's own, from the file to the verdict, by the command that people use."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn import datasets

from lightning_modules.data.table import DATASETS
from lightning_modules.training.building import restore
from studies import results
from studies.cli import main
from studies.home import Home
from tests.support.accounts import last_line, set_options

Output = pytest.CaptureFixture[str]
STUDY = """
study: own
data: {name: table, path: patients.csv, target: outcome, batch_size: 32, categorical: [site],
       categories: {values: [one_hot, embedding]}}
model: {name: mlp, hidden: [8]}
optimizer: {name: adam, lr: 0.01}
trainer: {epochs: 3, accelerator: cpu}
search: {method: random, trials: 1}
compare: {factor: data.categories, claim: configurations}
confirm: {top: 1, seeds: 2}
"""


def patients() -> pd.DataFrame:
    """Real tumours, with categories and with numbers that are missing."""
    found = datasets.load_breast_cancer(as_frame=True)
    rows = found.data.iloc[:, :8].copy()
    rows.iloc[::7, 0] = np.nan
    rows["size"] = pd.cut(rows["mean area"], 3, labels=["small", "medium", "large"]).astype(str)
    rows.loc[rows.index[::11], "size"] = np.nan
    rows["site"] = np.arange(len(rows)) % 4
    rows["screened"] = rows.index % 2 == 0
    rows["outcome"] = found.target.map({0: "malignant", 1: "benign"})
    return rows


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Files are named from the current folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "study.yaml").write_text(STUDY)
    return tmp_path


def run(home: Path, *changes: str) -> int:
    options = ["--home", str(home), "--workers", "1", "--quiet", "--json"]
    return main(["run", "study.yaml", *options, *set_options(*changes)])


def verdict(home: Home, capsys: Output) -> Any:
    assert main(["compare", "own", "--home", str(home.path), "--json"]) == 0
    (pair,) = last_line(capsys.readouterr().out)["pairs"]
    assert pair["seeds"] == 2
    return pair["verdict"]


def best_checkpoint(home: Home) -> tuple[torch.nn.Module, dict[str, Any]]:
    path = next((home.study("own") / "checkpoints").glob("*.pt"))
    return restore(path), torch.load(path, weights_only=True)


def test_a_csv_from_the_file_to_the_verdict_and_to_new_rows(home: Home, capsys: Output) -> None:
    rows = patients()
    rows.to_csv("patients.csv", index=False)
    assert run(home.path) == 0
    summary = last_line(capsys.readouterr().out)
    assert summary["trials"] == {"completed": 2 + 4}
    assert summary["best"]["value"] > 0.85
    assert verdict(home, capsys) == "none"  # two seeds allow no other
    module, content = best_checkpoint(home)
    assert content["classes"] == ["benign", "malignant"]
    given = content["configuration"]["data"]
    parameters = {name: value for name, value in given.items() if name != "name"}
    read_new = DATASETS["table"].read_new
    assert read_new is not None
    rows.drop(columns="outcome").to_csv("new.csv", index=False)
    (inputs,) = read_new(Path("new.csv"), content["preparation"], **parameters)
    with torch.inference_mode():
        answers = module.predict(inputs)  # type: ignore[operator]
    named = np.array(content["classes"])[answers.argmax(1).numpy()]
    assert (named == rows["outcome"]).mean() > 0.85

    # A finished study trains nothing; more trials on another file are refused
    assert run(home.path) == 0
    before = len(results.load_results(home, "own").trials)
    rows.assign(site=0).to_csv("patients.csv", index=False)
    capsys.readouterr()
    assert run(home.path) == 0
    capsys.readouterr()
    assert run(home.path, "confirm.seeds=3") == 2
    said = capsys.readouterr().err
    assert said.startswith("fairtune: patients.csv: has changed since study own began (it had ")
    assert "Put the old file back, or give the study another name\n" in said
    assert len(results.load_results(home, "own").trials) == before
    rows.to_csv("patients.csv", index=False)
    assert run(home.path, "confirm.seeds=3") == 0
    assert len(results.load_results(home, "own").trials) == before + 2
    size = Path("patients.csv").stat().st_size
    noted = results.load_results(home, "own").files
    assert noted["patients.csv"].startswith(f"{size:,} bytes, SHA-256")


def test_a_regression_on_a_parquet_file_from_the_file_to_the_verdict(
    home: Home, capsys: Output
) -> None:
    frame = datasets.load_diabetes(as_frame=True).frame
    frame["sex"] = np.where(frame["sex"] > 0, "a", "b")
    frame["part"] = ["train", "train", "train", "val", "test", "train"] * 73 + ["train"] * 4
    frame.to_parquet("patients.parquet", index=False)
    text = STUDY.replace("patients.csv, target: outcome", "patients.parquet, target: target")
    text = text.replace("categorical: [site]", "task: regression, split_column: part")
    Path("study.yaml").write_text(text)
    assert run(home.path) == 0
    best = last_line(capsys.readouterr().out)["best"]
    assert best["metric"] == "val/rmse" and 40 < best["value"] < 80
    assert verdict(home, capsys) == "none"


def test_arrays_from_the_file_to_the_verdict(home: Home, capsys: Output) -> None:
    found = datasets.load_digits()
    names = np.array(["zero", "one", "two", "three", "four"])
    few = found.target < 5
    np.savez("digits.npz", x=found.images[few], y=names[found.target[few]])
    Path("study.yaml").write_text(
        """
study: own
data: {name: arrays, path: digits.npz, kind: image, standardize: {values: [true, false]}}
model: {name: cnn, channels: [4]}
optimizer: {name: adam, lr: 0.01}
trainer: {epochs: 2, accelerator: cpu}
search: {method: random, trials: 1}
compare: {factor: data.standardize, claim: configurations}
confirm: {top: 1, seeds: 2}
"""
    )
    assert run(home.path) == 0
    assert last_line(capsys.readouterr().out)["best"]["value"] > 0.8
    assert verdict(home, capsys) == "none"
    assert best_checkpoint(home)[1]["classes"] == sorted(names)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            ["data.path=nowhere.csv"],
            "nowhere.csv: there is no such file; relative paths start from",
        ),
        (["data.target=outcom"], "patients.csv: there is no column 'outcom', which data.target"),
        (
            ["data.task=regression"],
            "patients.csv: column outcome, line 2: 'malignant' is no finite",
        ),
        (
            ["data.target=site", "data.categorical=[]", "loss=binary_cross_entropy"],
            "loss: binary_cross_entropy needs two classes, but table has 4; write cross_entropy",
        ),
    ],
)
def test_a_file_that_cannot_be_used_ends_the_command_before_anything_is_written(
    folder: Path, capsys: Output, changes: list[str], message: str
) -> None:
    patients().to_csv("patients.csv", index=False)
    for command in (run, check):
        assert command(folder / "home", *changes) == 2
        said = capsys.readouterr()
        assert said.err.startswith(f"fairtune: {message}") and said.err.count("\n") == 1
        assert said.out == ""
    assert not (folder / "home").exists()


def check(home: Path, *changes: str) -> int:
    return main(["check", "study.yaml", "--workers", "1", "--json", *set_options(*changes)])
