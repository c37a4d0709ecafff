"""What a served network is given: arrays of prepared rows, or raw rows with names."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lightning_modules.configuration import Configuration
from lightning_modules.data.table import DATASETS, load_data
from lightning_modules.errors import DataError
from lightning_modules.serving import ServedRows, read_checkpoint, restore
from lightning_modules.training.train import train

MLP = {"name": "mlp", "hidden": [2]}
PEOPLE = {"name": "table", "path": "people.csv", "target": "outcome", "id": "person"}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def people(count: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(
        {
            "person": [f"{number:03}" for number in range(count)],
            "age": rng.normal(50, 9, count),
            "site": rng.choice(["a", "b", "7"], count),
            "outcome": rng.choice(["ill", "well"], count),
        }
    )
    rows.loc[::9, "age"] = np.nan
    rows.to_csv("people.csv", index=False)
    return rows


def served(data: Any, model: Any = MLP) -> ServedRows:
    """The rows of a network that has learned for an epoch."""
    tree = {"data": data, "model": model, "trainer": {"epochs": 1, "accelerator": "cpu"}}
    train(Configuration.resolve(tree), 0, checkpoint=Path("best.pt"))
    return ServedRows.of(read_checkpoint(Path("best.pt")), restore(Path("best.pt")))


def prepared(data: dict[str, Any], file: str, rows: ServedRows) -> Any:
    """Rows of a file as `predict` prepares them."""
    row = DATASETS[data["name"]]
    assert row.read_new is not None
    parameters = {**row.defaults(), **data}
    del parameters["name"]
    return row.read_new(Path(file), rows.preparation, **parameters)[0].numpy()


@pytest.mark.parametrize("categories", ["one_hot", "embedding"])
def test_raw_rows_become_what_a_file_of_them_becomes(categories: str) -> None:
    raw, data = people(), {**PEOPLE, "categories": categories}
    rows = served(data)
    wanted = prepared(data, "people.csv", rows)
    known = raw[["site", "age"]]
    for given in (raw, known, known.to_dict("list"), known.to_dict("records")):
        assert np.array_equal(rows.inputs(given)[0].numpy(), wanted)
    typed = known.astype({"site": "category", "age": "float32"})
    np.testing.assert_allclose(rows.inputs(typed)[0].numpy(), wanted, rtol=1e-5, atol=1e-6)
    mixed = known.assign(site=[7 if site == "7" else site for site in known["site"]])
    assert np.array_equal(rows.inputs(mixed)[0].numpy(), wanted)
    for given in (wanted, wanted.astype(np.float64), pd.DataFrame(wanted), wanted.tolist()):
        (found,) = rows.inputs(given)
        assert found.numpy().dtype == np.float32 and np.array_equal(found.numpy(), wanted)


def test_raw_rows_of_a_known_set_are_standardized() -> None:
    from sklearn.datasets import load_iris

    rows = served("iris")
    raw = load_iris(as_frame=True).data
    tested = raw.iloc[[number - 1 for number in load_data("iris").splits.names["row"]]]
    np.testing.assert_allclose(
        rows.inputs(tested)[0].numpy(), load_data("iris").splits.test[0].numpy(), rtol=1e-6
    )


def test_integers_are_numbers_too() -> None:
    (found,) = served("iris").inputs(np.array([[1, 2, 3, 4]]))
    assert found.tolist() == [[1.0, 2.0, 3.0, 4.0]]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda raw: raw[["site"]],
            "the rows: there is no column 'age'; it has site",
        ),
        (
            lambda raw: raw.assign(age="old")[["age", "site"]],
            "the rows: column age, row 1: 'old' is no finite number (and row 2, row 3, row 4, "
            "row 5 and 55 more); correct it or leave it empty",
        ),
        (
            lambda raw: raw[["age", "site"]].to_numpy(),
            "the rows: an array holds prepared numbers, and this one object; send raw rows as a "
            "DataFrame with the columns age, site",
        ),
        (
            lambda raw: np.zeros((2, 2)),
            "the rows: have the shape (2, 2), and the network takes rows × 5; give it such, or raw "
            "rows as a DataFrame with the columns age, site",
        ),
        (
            lambda raw: np.array([[0.0] * 5, [0, 0, np.nan, 0, 0]]),
            "the rows: row 2 holds a value that is missing or infinite; fill it in, or send raw "
            "rows as a DataFrame with the columns age, site",
        ),
        (
            lambda raw: np.full((1, 5), 1e300),
            "the rows: row 1 holds a value that is missing or infinite; fill it in, or send raw "
            "rows as a DataFrame with the columns age, site",
        ),
    ],
)
def test_what_cannot_be_answered_is_said(change: Any, said: str) -> None:
    raw = people()
    rows = served(PEOPLE)
    with pytest.raises(DataError) as caught:
        rows.inputs(change(raw))
    assert str(caught.value) == said


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            pd.DataFrame({"a": [1.0], "b": [2.0]}),
            "the rows: has 2 columns in a row, 4 are expected",
        ),
        (
            pd.DataFrame([[1.0, 2.0, None, 4.0]], columns=list("abcd")),
            "the rows: row 1 holds a value that is missing or infinite",
        ),
        (
            pd.DataFrame([["x", 2.0, 3.0, 4.0]], columns=list("abcd")),
            "the rows: hold what is no number (could not convert string to float: 'x'); correct "
            "them",
        ),
    ],
)
def test_raw_rows_of_a_known_set_that_cannot_be_used_are_refused(
    given: pd.DataFrame, said: str
) -> None:
    rows = served("iris")
    with pytest.raises(DataError) as caught:
        rows.inputs(given)
    assert str(caught.value) == said


def test_images_are_given_as_arrays() -> None:
    rows = ServedRows(
        Configuration.resolve({"data": {"name": "images", "path": "x"}, "model": "cnn"}),
        {}, (3, 4, 4), padded=False,
    )  # fmt: skip
    assert rows.inputs(np.zeros((2, 3, 4, 4)))[0].shape == (2, 3, 4, 4)
    with pytest.raises(DataError, match="the network of images is given arrays of prepared inputs"):
        rows.inputs(pd.DataFrame({"file": ["a.png"]}))
