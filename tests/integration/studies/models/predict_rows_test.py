"""Predictions know their rows: numbers and names of the file, and what in them is doubtful."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from lightning_modules.errors import DataError
from studies.cli import main
from studies.home import Home
from tests.support.lives import without_processes

Output = pytest.CaptureFixture[str]
STUDY = """
study: own
data: {data}
model: {model}
trainer: {{epochs: 2, accelerator: cpu}}
optimizer: {{name: adam, lr: {{min: 0.01, max: 0.1, log: true}}}}
search: {{method: random, trials: 1}}
"""
PEOPLE = "{name: table, path: people.csv, target: outcome, id: [person, visit]}"


@pytest.fixture(autouse=True)
def folder(own_folder: Path) -> Path:
    """Files are named from the current folder."""
    return own_folder


def of(home: Home, *argv: str) -> int:
    return main([*argv, "--home", str(home.path)])


def run(home: Home, data: str, model: str = "{name: mlp, hidden: [4]}") -> None:
    Path("study.yaml").write_text(STUDY.format(data=data, model=model))
    with without_processes():
        assert of(home, "run", "study.yaml", "--workers", "1", "--quiet") == 0


def predicted(home: Home, *argv: str, **read: Any) -> pd.DataFrame:
    assert of(home, "predict", "own", *argv, "--force") == 0
    return pd.read_csv("own-predictions.csv", **read)


def people(count: int = 80) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(
        {
            "person": [f"{number:03}" for number in rng.permutation(count)],
            "age": rng.normal(50, 9, count).round(1),
            "site": rng.choice(["a", "b"], count),
            "visit": np.arange(count) * 7,
        }
    )
    rows["outcome"] = rng.choice(["ill", "well"], count)
    rows.to_csv("people.csv", index=False)
    return rows


def joined(found: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """The lines of the file that the predictions name by number."""
    return rows.iloc[found["row"].to_numpy() - 1].reset_index(drop=True)


def test_rows_of_the_test_part_are_numbered_and_named_as_in_the_file(home: Home) -> None:
    rows = people()
    run(home, PEOPLE)
    found = predicted(home, "--test", dtype={"person": str})
    theirs = joined(found, rows)
    assert len(found) == 16 and found["row"].tolist() != list(range(1, 17))
    for column, name in (("target", "outcome"), ("person", "person"), ("visit", "visit")):
        assert found[column].tolist() == theirs[name].tolist()
    assert list(found)[:4] == ["row", "person", "visit", "prediction"]


def test_a_part_with_a_file_of_its_own_has_the_rows_of_that(home: Home) -> None:
    rows = people()
    rows[60:].iloc[::-1].to_csv("later.csv", index=False)
    run(home, PEOPLE.replace("}", ", test_path: later.csv}"))
    found = predicted(home, "--test", dtype={"person": str})
    assert found["row"].tolist() == list(range(1, 21))
    assert found["person"].tolist() == rows["person"][60:].tolist()[::-1]
    assert found["target"].tolist() == rows["outcome"][60:].tolist()[::-1]


def test_what_names_the_rows_is_carried_and_teaches_nothing(home: Home) -> None:
    rows = people()
    run(home, PEOPLE)
    known = predicted(home, "people.csv", dtype={"person": str})
    assert known["row"].tolist() == list(range(1, 81))
    assert known["person"].tolist() == rows["person"].tolist()
    others = rows.assign(person=rows["person"].iloc[::-1].to_numpy(), visit=0)
    others.to_csv("new.csv", index=False)
    answers = ["probability_ill", "probability_well"]
    assert predicted(home, "new.csv")[answers].equals(known[answers])
    rows[["site", "age"]].to_csv("new.csv", index=False)
    bare = predicted(home, "new.csv")
    assert list(bare) == ["row", "prediction", *answers] and bare[answers].equals(known[answers])


def test_a_name_that_an_answer_has_too_is_told_apart(home: Home) -> None:
    rows = people().rename(columns={"person": "prediction"})
    rows.to_csv("people.csv", index=False)
    run(home, PEOPLE.replace("[person, visit]", "prediction"))
    found = predicted(home, "--test", dtype={"id_prediction": str})
    assert found["id_prediction"].tolist() == joined(found, rows)["prediction"].tolist()
    assert set(found["prediction"]) <= {"ill", "well"}


def test_what_the_network_never_learned_from_is_counted(home: Home, capsys: Output) -> None:
    rows = people()
    run(home, PEOPLE)
    capsys.readouterr()
    predicted(home, "people.csv")
    assert "note:" not in capsys.readouterr().out
    rows.loc[:1, "site"] = "c"
    rows.loc[2, "site"] = None
    rows.loc[3:5, "age"] = np.nan
    rows.loc[6, "age"] = 200
    rows.loc[7, "age"] = 85  # older than all, though not by far
    rows.to_csv("new.csv", index=False)
    predicted(home, "new.csv", "--json")
    output = capsys.readouterr()
    assert (
        "note: in 80 rows: 2 unknown categories (site 2); 4 missing values (age 3, site 1); "
        "1 number far outside the training range (age 1)\n"
    ) in output.err
    assert json.loads(output.out.splitlines()[-1])["doubts"] == {
        "rows": 80, "unknown": {"site": 2}, "missing": {"site": 1, "age": 3},
        "outside": {"age": 1}, "skipped": {},
    }  # fmt: skip


def test_holes_of_the_test_part_are_counted_too(home: Home, capsys: Output) -> None:
    rows = people()
    rows["age"] = rows["age"].where(rows.index % 4 > 0)
    rows.to_csv("people.csv", index=False)
    run(home, PEOPLE)
    capsys.readouterr()
    found = predicted(home, "--test")
    holes = joined(found, rows)["age"].isna().sum()
    assert holes > 0
    assert f"note: in 16 rows: {holes} missing values (age {holes})" in capsys.readouterr().out


def test_files_of_images_are_named_and_those_not_read_are_counted(
    home: Home, capsys: Output
) -> None:
    rng = np.random.default_rng(0)
    for name, level in (("dark", 40), ("light", 180)):
        Path("photos", name).mkdir(parents=True)
        for at in range(10):
            pixels = (level + rng.integers(0, 60, (8, 8))).astype(np.uint8)
            Image.fromarray(pixels).save(Path("photos", name, f"{at}.png"))
    run(home, "{name: images, path: photos, size: 8, color: gray}")
    found = predicted(home, "--test")
    assert found["file"].str.partition("/")[0].tolist() == found["target"].tolist()
    known = predicted(home, "photos").set_index("file")
    for _, line in found.iterrows():
        told = known.loc[line["file"], "probability_dark"]
        assert line["probability_dark"] == pytest.approx(told, rel=1e-4)
    Path("photos", "dark", "x.heic").write_text("x")
    capsys.readouterr()
    predicted(home, "photos")
    said = "note: in 20 rows: 1 file that is not read (.heic 1)"
    assert said in capsys.readouterr().out


@pytest.mark.parametrize("form", ["table", "archive"])
def test_series_of_the_test_part_are_those_of_the_file(form: str, home: Home) -> None:
    rng = np.random.default_rng(0)
    kinds = rng.choice(["a", "b"], 50)
    names = [f"s{number:02}" for number in rng.permutation(50)]
    values = rng.normal(size=(50, 4, 1))
    if form == "archive":
        np.savez("series.npz", x=values, y=kinds)
        run(home, "{name: sequences, path: series.npz}", "{name: gru, hidden_size: 2}")
        found = predicted(home, "--test")
    else:
        lines = [
            {"series": name, "time": step, "x": values[at, step, 0], "target": kinds[at]}
            for at, name in enumerate(names)
            for step in range(4)
        ]
        pd.DataFrame(lines).to_csv("series.csv", index=False)
        run(home, "{name: sequences, path: series.csv}", "{name: gru, hidden_size: 2}")
        found = predicted(home, "--test")
        assert found["series"].tolist() == [names[row - 1] for row in found["row"]]
    assert found["target"].tolist() == [kinds[row - 1] for row in found["row"]]
    assert found["row"].tolist() != list(range(1, 11))


def test_rows_of_arrays_texts_and_known_sets_are_those_of_the_file(home: Home) -> None:
    from sklearn.datasets import load_iris

    rng = np.random.default_rng(0)
    kinds = rng.choice(["good", "bad"], 60)
    np.savez("rows.npz", x=rng.normal(size=(60, 3)), y=kinds)
    texts = pd.DataFrame({"text": [f"some words {kind}" for kind in kinds], "kind": kinds})
    texts.to_csv("texts.csv", index=False)
    iris = load_iris()
    cases = (
        ("{name: arrays, path: rows.npz}", "{name: mlp, hidden: [2]}", kinds),
        ("{name: text, path: texts.csv, text: text, target: kind}", "{name: gru, hidden_size: 2}",
         kinds),
        ("iris", "{name: mlp, hidden: [2]}", iris.target_names[iris.target]),
    )  # fmt: skip
    for number, (data, model, right) in enumerate(cases):
        text = STUDY.format(data=data, model=model).replace("own", f"own{number}")
        Path("study.yaml").write_text(text)
        with without_processes():
            assert of(home, "run", "study.yaml", "--workers", "1", "--quiet") == 0
        assert of(home, "predict", f"own{number}", "--test", "--output", "a.csv", "--force") == 0
        found = pd.read_csv("a.csv")
        assert found["target"].tolist() == [right[row - 1] for row in found["row"]]
        assert found["row"].tolist() != list(range(1, len(found) + 1))


def test_of_known_sets_what_is_far_outside_is_counted(home: Home, capsys: Output) -> None:
    run(home, "iris")
    np.save("new.npy", [[5.0, 3.0, 4.0, 1.0], [500.0, 3.0, 4.0, -100.0]])
    capsys.readouterr()
    predicted(home, "new.npy")
    assert (
        "note: in 2 rows: 2 numbers far outside the training range (column 1 1, column 4 1)"
    ) in capsys.readouterr().out


def test_a_promoted_model_takes_raw_rows_and_prepared_ones(home: Home, capsys: Output) -> None:
    import mlflow.pyfunc

    from lightning_modules.data.table import load_data
    from studies.mirrors.mlflow.client import MlflowClient

    rows = people()
    run(home, PEOPLE)
    found = predicted(home, "--test")
    shares = found[["probability_ill", "probability_well"]]
    assert of(home, "sync") == 0
    capsys.readouterr()
    assert of(home, "promote", "own", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    client = MlflowClient(home.mlflow_uri)
    model = mlflow.pyfunc.load_model(client.get_model_version("own", told["version"]).source)
    raw = joined(found, rows)[["site", "age"]]
    prepared = load_data(
        "table", path="people.csv", target="outcome", id=["person", "visit"]
    ).splits.test[0]
    for given in (raw, prepared.numpy(), prepared.double().numpy()):
        np.testing.assert_allclose(model.predict(given), shares, rtol=1e-4, atol=1e-6)
    with pytest.raises(DataError, match="the rows: there is no column 'age'"):
        model.predict(raw[["site"]])
    with pytest.raises(DataError, match="row 1 holds a value that is missing"):
        model.predict(prepared.double().numpy() * np.nan)
