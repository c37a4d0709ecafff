"""From a study to predictions and to a registered model, through the command line."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import fmean, median
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lightning_modules.data.table import load_data
from studies import results
from studies.analysis import choose, recommended
from studies.cli import main
from studies.home import Home
from studies.mirrors.mlflow.client import MlflowClient
from studies.models.promote import promote
from studies.records import Record
from tests.conftest import MakeHome

Output = pytest.CaptureFixture[str]

FLOWERS = """
study: flowers
data: {name: iris, batch_size: 32}
model: {name: mlp, hidden: [4]}
optimizer:
  - {name: sgd, lr: {min: 1e-2, max: 1.0, log: true}}
  - {name: adam, lr: {min: 1e-2, max: 1e-1, log: true}}
trainer: {epochs: 4}
search: {method: random, trials: 1}
compare: {factor: optimizer, claim: configurations}
confirm: {top: 1, seeds: 5}
"""
PATIENTS = """
study: patients
data: {name: diabetes, standardize: false}
model: {name: mlp, hidden: [4]}
optimizer: {name: adam, lr: {min: 1e-2, max: 1e-1, log: true}}
trainer: {epochs: 2}
search: {method: random, trials: 2}
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, make_home: MakeHome) -> Home:
    """A home with a study that was confirmed and one that was not."""
    folder = tmp_path_factory.mktemp("predict")
    home = make_home(folder / "home")
    for text in (FLOWERS, PATIENTS):
        (folder / "study.yaml").write_text(text)
        argv = ["run", str(folder / "study.yaml"), "--home", str(home.path), "--workers", "1"]
        assert main([*argv, "--quiet"]) == 0
    return home


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    assert not (tmp_path / "mlflow.db").exists()  # MLflow makes one where it is left alone


def of(home: Home, *argv: str) -> int:
    return main([*argv, "--home", str(home.path)])


def flowers() -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Rows of iris as they are in the world, and their classes."""
    from sklearn.datasets import load_iris

    inputs, targets = load_iris(return_X_y=True)
    return inputs, targets


# --- which network it is -------------------------------------------------------------------------


def test_the_confirmed_run_with_the_median_value_stands_for_the_study(home: Home) -> None:
    found = results.load_results(home, "flowers")
    chosen = choose(found)
    assert recommended(found) is not None
    runs = found.winner(recommended(found).trial.arm)[1]
    values = [run.value for run in runs if run.value is not None]
    assert len(values) == 5 and fmean(values) == recommended(found).value
    assert chosen.trial.phase == "confirm" and chosen.trial.value == median(values)
    assert chosen.words == (
        f"{chosen.trial.key}, seed {chosen.trial.seed}, "
        "the median of 5 fresh seeds of the best configuration"
    )


def test_one_checkpoint_of_every_confirmed_configuration_is_kept(home: Home) -> None:
    files = (home.study("flowers") / "checkpoints").glob("*-confirm-*.pt")
    found = results.load_results(home, "flowers")
    kept = {path.stem for path in files}
    assert choose(found).trial.key in kept
    for arm in ("sgd", "adam"):
        runs = found.winner(arm)[1]
        (key,) = [run.key for run in runs if run.key in kept]
        value = next(run.value for run in runs if run.key == key)
        assert value == median(run.value for run in runs if run.value is not None)


# --- predict -------------------------------------------------------------------------------------


def test_new_rows_get_the_classes_and_probabilities_of_the_network(
    home: Home, folder: Path, capsys: Output
) -> None:
    inputs, _ = flowers()
    pd.DataFrame(inputs, columns=list("abcd")).to_csv(folder / "new.csv", index=False)
    assert of(home, "predict", "flowers", "new.csv") == 0
    said = capsys.readouterr().out
    chosen = choose(results.load_results(home, "flowers"))
    assert said.startswith(f"predicted by {chosen.words}\n")
    assert said.endswith("wrote 150 rows to flowers-predictions.csv\n")
    table = pd.read_csv(folder / "flowers-predictions.csv")
    names = ["setosa", "versicolor", "virginica"]
    columns = [f"probability_{name}" for name in names]
    assert list(table.columns) == ["row", "prediction", *columns]
    assert table["row"].tolist() == list(range(1, 151))
    shares = table[columns].to_numpy()
    np.testing.assert_allclose(shares.sum(axis=1), 1.0, rtol=1e-5)
    assert table["prediction"].tolist() == [names[i] for i in shares.argmax(axis=1)]

    import torch

    from lightning_modules.training.building import restore

    splits = load_data("iris").splits  # the rows of the test part, prepared by the data set itself
    module = restore(home.checkpoint("flowers", chosen.trial.key))
    with torch.inference_mode():
        expected = module.predict(splits.test[0]).numpy()
    for row in expected:
        assert np.isclose(shares, row, rtol=1e-5).all(axis=1).any()


@pytest.mark.parametrize("name", ["new.npy", "new.npz", "no-header.csv"])
def test_arrays_and_files_without_a_header_give_the_same(
    name: str, home: Home, folder: Path, capsys: Output
) -> None:
    inputs, _ = flowers()
    pd.DataFrame(inputs, columns=list("abcd")).to_csv(folder / "new.csv", index=False)
    np.save(folder / "new.npy", inputs)
    np.savez(folder / "new.npz", x=inputs)
    np.savetxt(folder / "no-header.csv", inputs, delimiter=",")
    for file in ("new.csv", name):
        assert of(home, "predict", "flowers", file, "--output", "-") == 0
    printed = capsys.readouterr().out
    half = len(printed) // 2
    assert printed[:half] == printed[half:] and printed.startswith("row,prediction,")


def test_the_test_part_has_the_metrics_that_were_recorded(home: Home, capsys: Output) -> None:
    argv = ("predict", "flowers", "--test", "--output", "test.parquet", "--json")
    assert of(home, *argv) == 0
    told = json.loads(capsys.readouterr().out)
    trial = choose(results.load_results(home, "flowers")).trial
    assert (told["trial"], told["seed"], told["confirmed"]) == (trial.key, trial.seed, True)
    assert (told["repeat"], told["split"], told["caveat"]) == (1, trial.split_seed, "")
    assert told["rows"] == 30 and told["output"].endswith("/test.parquet")
    assert told["metrics"] == pytest.approx({k: trial.test[k] for k in told["metrics"]})
    table = pd.read_parquet("test.parquet")
    right = (table["prediction"] == table["target"]).mean()
    assert right == pytest.approx(told["metrics"]["test/accuracy"])


def test_a_regression_gives_values_in_units_of_the_data_and_says_that_nothing_was_confirmed(
    home: Home, capsys: Output
) -> None:
    assert of(home, "predict", "patients", "--test") == 0
    assert "the best trial of the search, not confirmed on fresh seeds\n" in capsys.readouterr().out
    table = pd.read_csv("patients-predictions.csv")
    assert list(table.columns) == ["row", "prediction", "target"]
    targets = load_data("diabetes", standardize=False).splits.test[-1][:, 0]
    np.testing.assert_allclose(table["target"], targets)
    assert 100 < table["prediction"].mean() < 200  # the progression is 152 on average


def test_another_trial_can_be_asked_for(home: Home, capsys: Output) -> None:
    assert of(home, "predict", "flowers", "--test", "--trial", "adam-0000", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["trial"], told["confirmed"]) == ("adam-0000", False)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["flowers"], "name either a file with new rows or --test"),
        (["flowers", "a.csv", "--test"], "name either a file with new rows or --test"),
        (["flowers", "gone.csv"], "gone.csv: there is no such file or folder"),
        (["flowers", "few.csv"], "few.csv: has 3 columns in a row, 4 are expected"),
        (["flowers", "text.csv"], "text.csv: row 2, column b: 'x' is no number; every column must"),
        (["flowers", "gap.npy"], "gap.npy: row 2 holds a value that is missing or infinite"),
        (["flowers", "a.txt"], "a.txt: new rows of this data set are read from .csv, .npy or .npz"),
        (["flowers", "y.npz"], "y.npz: must hold an array called x; it holds y"),
        (["flowers", "ragged.csv"], "ragged.csv: row 2 has 3 columns, the others have 4"),
        (["flowers", "empty.csv"], "empty.csv: has no rows"),
        (["flowers", "bad.npy"], "bad.npy: is no array of numbers: "),
        (["flowres", "few.csv"], "there is no study 'flowres'; did you mean flowers?"),
        (
            ["flowers", "--test", "--trial", "adam-000"],
            "there is no trial 'adam-000'; did you mean",
        ),
        (["flowers", "--test", "--output", "few.csv"], "few.csv exists already; --force replaces"),
        (["flowers", "--test", "--output", "-", "--json"], "both need standard output"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(
    argv: list[str], message: str, home: Home, folder: Path, capsys: Output
) -> None:
    files = {
        "few.csv": "a,b,c\n1,2,3\n",
        "text.csv": "a,b,c,d\n1,2,3,4\n1,x,3,4\n",
        "ragged.csv": "1,2,3,4\n1,2,3\n",
        "empty.csv": "",
        "a.txt": "1",
        "a.csv": "1,2,3,4\n",
        "bad.npy": "not an array",
    }
    for name, text in files.items():
        (folder / name).write_text(text)
    np.save("gap.npy", [[1, 2, 3, 4], [1, 2, np.nan, 4]])
    np.savez("y.npz", y=np.zeros(4))
    before = {path: path.read_bytes() for path in folder.iterdir()}
    assert of(home, "predict", *argv) == 2
    assert message in capsys.readouterr().err
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_a_checkpoint_that_left_the_home_is_taken_from_mlflow_and_missed_where_that_is_gone_too(
    home: Home, folder: Path, capsys: Output
) -> None:
    assert of(home, "predict", "flowers", "--test") == 0
    expected = (folder / "flowers-predictions.csv").read_text()
    moved = folder / "checkpoints"
    shutil.move(home.study("flowers") / "checkpoints", moved)
    try:
        assert of(home, "predict", "flowers", "--test", "--force") == 0
        assert (folder / "flowers-predictions.csv").read_text() == expected
        argv = ["predict", "flowers", "--test", "--trial", "sgd-confirm-0000", "--force"]
        kept = {path.stem for path in moved.glob("*.pt")}
        gone = next(
            trial.key
            for trial in results.load_results(home, "flowers").trials
            if trial.phase == "confirm" and trial.key not in kept
        )
        argv[4] = gone
        assert of(home, *argv) == 4
        assert f"the checkpoint of {gone} is not there, nor in MLflow" in capsys.readouterr().err
    finally:
        shutil.move(moved, home.study("flowers") / "checkpoints")


def test_a_study_without_a_completed_trial_exits_3(home: Home, capsys: Output) -> None:
    with Record.writing(home, "nothing") as record:
        text = FLOWERS.replace("study: flowers", "study: nothing")
        record.note({"study": "nothing", "study_file": text})
    for command in (["predict", "nothing", "--test"], ["promote", "nothing"]):
        assert of(home, *command) == 3
        assert "nothing: no trial has completed yet" in capsys.readouterr().err


# --- promote -------------------------------------------------------------------------------------


def copied(home: Home, path: Path) -> str:
    """The URI of a copy of the MLflow database: another process may close it as it likes."""
    source, target = sqlite3.connect(home.path / "mlflow.db"), sqlite3.connect(path)
    source.backup(target)
    source.close()
    target.close()
    return f"sqlite:///{path}"


ASK = """
import json, sys
import mlflow.pyfunc
import numpy as np
model = mlflow.pyfunc.load_model(sys.argv[1])
rows = np.load(sys.argv[2])
print(json.dumps([model.predict(rows).tolist(), model.metadata.signature is not None,
                  model.input_example is not None]))
"""


def test_the_registered_model_answers_in_another_process_as_predict_does(
    home: Home, folder: Path, capsys: Output
) -> None:
    assert of(home, "promote", "flowers", "--name", "irises", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    trial = choose(results.load_results(home, "flowers")).trial
    assert (told["trial"], told["version"], told["new"]) == (trial.key, "1", True)
    assert told["uri"] == "models:/irises@champion"

    np.save("prepared.npy", load_data("iris").splits.test[0].numpy())
    asked = subprocess.run(
        [sys.executable, "-c", ASK, told["uri"], "prepared.npy"],
        capture_output=True, text=True, check=True,
        env={**os.environ, "MLFLOW_TRACKING_URI": copied(home, folder / "copy.db")},
    )  # fmt: skip
    answers, signed, exemplified = json.loads(asked.stdout.splitlines()[-1])
    assert signed and exemplified
    assert of(home, "predict", "flowers", "--test") == 0
    table = pd.read_csv("flowers-predictions.csv")
    shares = table.filter(like="probability_").to_numpy()
    np.testing.assert_allclose(answers, shares, rtol=1e-5)


def test_a_version_carries_what_is_known_of_it_and_is_not_made_twice(
    home: Home, capsys: Output
) -> None:
    found = results.load_results(home, "flowers")
    trial = choose(found).trial
    assert of(home, "promote", "flowers") == 0
    assert of(home, "promote", "flowers", "--alias", "best") == 0
    assert "flowers: already version 1, best: " in capsys.readouterr().out
    client = MlflowClient(home.mlflow_uri)
    assert len(client.search_model_versions("name = 'flowers'")) == 1
    version = client.get_model_version_by_alias("flowers", "champion")
    assert client.get_model_version_by_alias("flowers", "best").version == version.version
    assert version.run_id == trial.run_id
    assert version.tags["fairtune.data_hash"] == load_data("iris").splits.hash
    expected = {
        "study": "flowers", "arm": trial.arm, "trial": trial.key, "seed": str(trial.seed),
        "config_hash": trial.config_hash, "dataset": f"iris@{trial.data_hash}",
    }  # fmt: skip
    assert {key: version.tags[f"fairtune.{key}"] for key in expected} == expected
    assert version.tags["fairtune.confirmed"].startswith("test/accuracy ")
    assert version.tags["fairtune.confirmed"].endswith(
        ": the mean of 5 fresh seeds on one split, with the sampling error of a test part of 30 "
        "rows"
    )
    assert version.tags["fairtune.claim"] == "configurations"
    assert (version.tags["fairtune.repeat"], version.tags["fairtune.split"]) == ("1", "0")
    assert version.tags["fairtune.verdict"].startswith("no verdict is possible with 5 seeds: 6")


def test_what_was_not_confirmed_is_promoted_with_a_note(home: Home, capsys: Output) -> None:
    assert of(home, "promote", "patients") == 0
    said = capsys.readouterr().out
    assert "expect: not confirmed\nverdict: not confirmed\n" in said


def test_a_trial_that_became_the_best_later_is_the_next_version(home: Home) -> None:
    found = results.load_results(home, "patients")
    best, other = found.ranking
    kept = [
        replace(each, value=None if each.key == best.key else each.value) for each in (best, other)
    ]
    first = promote(found, "later")
    second = promote(replace(found, trials=kept), "later")
    assert (first.version, second.version) == ("1", "2")
    assert (first.chosen.trial.key, second.chosen.trial.key) == (best.key, other.key)
    assert promote(found, "later").version == "1"


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--name", "a/b"], "MLflow does not take it: Invalid model name 'a/b'"),
        (["--alias", "v1"], "MLflow does not take it: Version alias name 'v1' is reserved"),
    ],
)
def test_names_that_mlflow_refuses_exit_2(
    argv: list[str], message: str, home: Home, capsys: Output
) -> None:
    assert of(home, "promote", "patients", *argv) == 2
    assert message in capsys.readouterr().err


def test_a_trial_without_a_run_points_to_sync(home: Home) -> None:
    from lightning_modules.errors import StorageError

    found = results.load_results(home, "patients")
    lost = replace(found, trials=[replace(each, run_id=None) for each in found.trials])
    with pytest.raises(StorageError, match=r"`fairtune sync patients .*` delivers what it lacks"):
        promote(lost)
