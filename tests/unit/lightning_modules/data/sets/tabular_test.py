"""Tables of one's own: what rows become, and what is said of files that cannot be used."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from lightning_modules.data.sets import tabular as table_module
from lightning_modules.data.table import DATASETS, load_data
from lightning_modules.errors import DataError
from lightning_modules.networks.input_embedding import build_input_embedding

ROW = DATASETS["table"]
SAID = ["train"] * 4 + ["validation"] * 3 + ["test"] * 3
PATIENTS = pd.DataFrame(
    {
        "age": [20.0, 30.0, None, 70.0, 10.0, None, 30.0, 1.0, 2.0, 3.0],
        "ward": [1, 2, 1, 2, 3, 1, 2, 1, 2, 3],
        "smoker": [True, False, True, False] * 2 + [True, True],
        "grade": ["a", "b", None, "a", "c", "b", None, "a", "b", "c"],
        "part": SAID,
        "outcome": ["well", "ill"] * 5,
    }
)
GIVEN: dict[str, Any] = {"path": "patients.csv", "target": "outcome", "split_column": "part"}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Files are named from the current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(rows: pd.DataFrame = PATIENTS, name: str = "patients.csv") -> None:
    if name.endswith(".parquet"):
        rows.to_parquet(name, index=False)
    else:
        rows.to_csv(name, index=False)


def check(**given: Any) -> int:
    assert ROW.check is not None
    found: Any = ROW.check(**{**ROW.defaults(), **GIVEN, **given})
    outputs: int = found.outputs
    return outputs


def inputs(part: str = "train", **given: Any) -> list[list[float]]:
    found: list[list[float]] = getattr(load_data("table", **GIVEN, **given).splits, part)[
        0
    ].tolist()
    return found


def refusal(**given: Any) -> str:
    with pytest.raises(DataError) as caught:
        check(**given)
    return str(caught.value)


# What rows become


def test_numbers_are_imputed_and_scaled_by_the_training_part_alone() -> None:
    write(PATIENTS[["age", "part", "outcome"]])
    filled = np.array([20, 30, 30, 70.0])  # the median of 20, 30, 70 is 30
    scaled = (filled - filled.mean()) / filled.std()
    np.testing.assert_allclose(inputs(), np.stack([scaled, [0, 0, 1, 0]], 1), rtol=1e-6)
    mean = [[20, 0], [30, 0], [40, 1], [70, 0]]
    assert inputs(impute="mean", standardize=False) == mean
    assert inputs("validation", impute="mean", standardize=False) == [[10, 0], [40, 1], [30, 0]]


def test_categories_become_columns_and_unseen_ones_are_zero() -> None:
    write(PATIENTS[["smoker", "grade", "part", "outcome"]])
    data = load_data("table", **GIVEN)
    seen = [["False", "True"], ["", "a", "b"]]
    assert [c["values"] for c in data.splits.preparation["categories"]] == seen
    assert inputs() == [[0, 1, 0, 1, 0], [1, 0, 0, 0, 1], [0, 1, 1, 0, 0], [1, 0, 0, 1, 0]]
    assert inputs("validation")[0] == [0, 1, 0, 0, 0]  # grade c


def test_integers_are_numbers_unless_they_are_listed() -> None:
    write(PATIENTS[["ward", "part", "outcome"]])
    assert inputs(standardize=False) == [[1], [2], [1], [2]]
    assert inputs(categorical=["ward"]) == [[1, 0], [0, 1], [1, 0], [0, 1]]


def test_embedded_categories_stand_last_and_an_unseen_one_adds_nothing() -> None:
    write(PATIENTS[["grade", "age", "part", "outcome"]])
    splits = load_data("table", **GIVEN, categories="embedding", embedding_size=2).splits
    assert splits.input_embedding == {"kind": "categories", "sizes": [4], "width": 2}
    assert splits.train[0][:, -1].tolist() == [2, 3, 1, 2]
    assert splits.validation[0][:, -1].tolist() == [0, 3, 1]
    embedding = build_input_embedding(splits.input_embedding)
    assert embedding.shape((3,)) == (4,)
    embedded = embedding(splits.validation[0])
    assert embedded[0, 2:].tolist() == [0, 0] and (embedded[1, 2:] != 0).all()
    default = load_data("table", **GIVEN, categories="embedding").splits.input_embedding
    assert default is not None and default["width"] == 8


def test_classes_are_sorted_by_number_where_they_are_numbers_and_named() -> None:
    write()
    splits = load_data("table", **GIVEN).splits
    assert (splits.classes, splits.outputs) == (("ill", "well"), 2)
    assert splits.train[1].tolist() == [1, 0, 1, 0]
    write(PATIENTS.assign(outcome=[10, 9.0] * 5))
    assert load_data("table", **GIVEN).splits.classes == ("9", "10")


def test_values_of_a_regression_stay_in_their_units() -> None:
    write(PATIENTS.assign(outcome=np.arange(10) * 1.5))
    splits = load_data("table", **GIVEN, task="regression").splits
    assert (splits.classes, splits.outputs) == ((), 1)
    assert splits.train[1].dtype == torch.float32
    assert splits.train[1].tolist() == [[0], [1.5], [3], [4.5]]
    assert check(task="regression") == 1


@pytest.mark.parametrize("name", ["patients.parquet", "patients.csv.gz", "patients.tsv"])
def test_other_files_give_what_a_csv_gives(name: str) -> None:
    write()
    wanted = load_data("table", **GIVEN, categorical=["ward"]).splits
    if name.endswith(".tsv"):
        PATIENTS.to_csv(name, index=False, sep="\t", encoding="utf-8-sig")
    else:
        write(PATIENTS, name)
    found = load_data("table", **{**GIVEN, "path": name}, categorical=["ward"]).splits
    assert (found.hash, found.preparation) == (wanted.hash, wanted.preparation)


def test_parts_may_have_files_of_their_own() -> None:
    rows = PATIENTS.drop(columns="part")
    for part, chosen in (("train", slice(4)), ("validation", slice(4, 7)), ("test", slice(7, 10))):
        write(rows[chosen], f"{part}.csv")
    write()
    wanted = load_data("table", **GIVEN).splits
    own = {"path": "train.csv", "target": "outcome", "validation_path": "validation.csv"}
    assert load_data("table", **own, test_path="test.csv").splits.hash == wanted.hash
    write(rows[:7], "train.csv")
    two = load_data(
        "table", path="train.csv", target="outcome", test_path="test.csv", validation=0.4
    ).splits
    assert [len(part[1]) for part in (two.train, two.validation, two.test)] == [4, 3, 3]


def test_rows_are_divided_by_groups_or_by_time() -> None:
    rows = PATIENTS.assign(part=[f"2024-{month:02}-01" for month in (9, *range(1, 9), 10)])
    write(rows)
    when = load_data(
        "table", path="patients.csv", target="outcome", time="part", drop=["smoker", "grade"],
        standardize=False,
    )  # fmt: skip
    assert when.splits.test[0][:, 1].tolist() == [1, 3]  # the wards of September and October
    write(PATIENTS.assign(part=list("aabbccddee")))
    whole = load_data("table", path="patients.csv", target="outcome", group="part").splits
    assert [len(part[1]) for part in (whole.train, whole.validation, whole.test)] == [6, 2, 2]


def test_new_rows_are_prepared_as_those_of_the_training() -> None:
    assert ROW.read_new is not None
    parameters = {**ROW.defaults(), **GIVEN, "categorical": ["ward"]}
    write()
    splits = load_data("table", **GIVEN, categorical=["ward"]).splits
    preparation = json.loads(json.dumps(splits.preparation))
    new = PATIENTS.drop(columns=["outcome", "part"]).assign(extra=1)[::-1]
    write(new, "new.csv")
    (found,) = ROW.read_new(Path("new.csv"), preparation, **parameters)
    assert torch.equal(found.flip(0)[4:7], splits.validation[0])
    write(new.drop(columns="age").rename(columns={"ward": "Ward"}), "new.csv")
    with pytest.raises(DataError) as caught:
        ROW.read_new("new.csv", preparation, **parameters)
    assert str(caught.value) == (
        "new.csv: there is no column 'age'; it has Ward, smoker, grade, extra\n"
        "new.csv: there is no column 'ward'; did you mean Ward?"
    )


def test_a_file_is_read_once_until_it_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    write()
    read: list[str] = []
    prepare = table_module.prepare
    monkeypatch.setattr(
        table_module, "prepare", lambda chosen: read.append(chosen.path) or prepare(chosen)
    )
    for size in (None, 2, 3):
        assert load_data("table", **GIVEN, categories="embedding", embedding_size=size).splits
    assert len(read) == 1
    before = load_data("table", **GIVEN).splits.hash
    write(PATIENTS.assign(age=1.0))
    os.utime("patients.csv", ns=(1, 1))
    assert load_data("table", **GIVEN).splits.hash != before


# What is said of files that cannot be used


def changed(**columns: Any) -> pd.DataFrame:
    return PATIENTS.assign(**columns)


MANY = pd.DataFrame({"x": np.arange(60.0), "name": [f"n{i}" for i in range(60)], "outcome": 0})
BAD_ROWS: dict[str, tuple[pd.DataFrame, dict[str, Any], str]] = {
    "no target": (
        PATIENTS,
        {"target": "outcom"},
        "there is no column 'outcom', which data.target names; did you mean outcome?",
    ),
    "no such column to drop": (
        PATIENTS,
        {"drop": ["agee"]},
        "there is no column 'agee', which data.drop names; did you mean age?",
    ),
    "target missing": (
        changed(outcome=["well", None, "ill", None, *["well", "ill"] * 3]),
        {},
        "column outcome, line 3: is missing (2 rows in all); fill it in, or write missing_targets: "
        "drop, which leaves such rows out",
    ),
    "group missing": (
        changed(part=["a", None, *"bbccddee"]),
        {"split_column": None, "group": "part"},
        "column part, line 3: is missing; fill it in or remove the row",
    ),
    "a class with one row": (
        changed(outcome=["well"] * 9 + ["odd"]),
        {},
        "column outcome has a class with one row, 'odd' in line 11; a class needs a row in every "
        "part; add rows, or write rare_classes: drop, which leaves it out",
    ),
    "one class": (
        changed(outcome="well"),
        {},
        "column outcome says 'well' in every row; there is nothing to learn; name another target",
    ),
    "a class that is never trained": (
        changed(outcome=["well", "ill"] * 2 + ["odd", "ill"] * 3),
        {},
        "class 'odd' is in the validation part, but has no row in the training part; divide the "
        "rows otherwise or leave the class out",
    ),
    "infinity": (
        changed(age=[1.0] * 6 + [np.inf] + [1.0] * 3),
        {},
        "column age, line 8: 'inf' is no finite number; correct it or leave it empty",
    ),
    "text among numbers": (
        changed(age=["20", "30", "n.d.", *"4567", None, None, "?"]),
        {},
        "column age is mostly numbers, but line 4 says 'n.d.'; clean it, write missing: ['n.d.'] "
        "where it means missing, or list the column in categorical",
    ),
    "a number that the training part never has": (
        changed(age=[None] * 4 + [1.0] * 6),
        {},
        "column age has no value in the training part; leave it out with drop",
    ),
    "values in place of classes": (
        MANY.assign(outcome=MANY["x"] * 1.5),
        {"split_column": None, "drop": ["name"]},
        "column outcome has 60 different values; write task: regression",
    ),
    "texts in place of values": (
        PATIENTS,
        {"task": "regression"},
        "column outcome, line 2: 'well' is no finite number (and line 3, line 4, line 5, line 6 "
        "and 5 more), and a regression predicts those; correct it, or write task: classification",
    ),
    "a constant": (
        changed(outcome=2.5),
        {"task": "regression"},
        "column outcome is 2.5 in every row; there is nothing to learn; name another target",
    ),
    "names of rows": (
        MANY.assign(outcome=["a", "b"] * 30),
        {"split_column": None},
        "column name has 60 different texts in 60 rows, which name rows and teach nothing; leave "
        "it out with drop, or list it in categorical",
    ),
    "row numbers": (
        PATIENTS.rename(columns={"age": ""}),
        {},
        "column 1 has no name, as the row numbers that some programs write; name it, or leave it "
        "out with drop: ['Unnamed: 0']",
    ),
    "nothing to learn from": (
        PATIENTS[["part", "outcome"]],
        {},
        "no column is left to learn from; drop fewer",
    ),
    "an empty part": (
        changed(part=["train"] * 8 + ["test"] * 2),
        {},
        "the validation part would be empty (10 rows in all); change the shares or name a part "
        "for more rows",
    ),
    "two roles": (
        PATIENTS,
        {"drop": ["outcome"]},
        "column outcome is named twice, by data.target and data.drop; keep one",
    ),
    "nothing to embed": (
        PATIENTS[["age", "part", "outcome"]],
        {"categories": "embedding"},
        "there are no categories to embed; write categories: one_hot, or list columns of numbers "
        "in categorical",
    ),
    "no rows": (PATIENTS[:0], {}, "has no rows; write the data below its header"),
    "a time that is none": (
        changed(part=["2024-01-01", "1.2.2024", *["2024-03-01"] * 8]),
        {"split_column": None, "time": "part"},
        "column part, line 3: '1.2.2024' is neither a number nor a date such as 2024-03-31; write "
        "it so",
    ),
}


@pytest.mark.parametrize("what", BAD_ROWS)
def test_rows_that_cannot_be_used_are_named(what: str) -> None:
    rows, given, message = BAD_ROWS[what]
    write(rows)
    assert refusal(**given) == f"patients.csv: {message}"


BAD_FILES: dict[str, tuple[bytes | None, str]] = {
    "empty": (b"", "is empty; write the data into it or name another file"),
    "binary": (
        bytes(range(256)),
        "is no CSV file (it has zero bytes); save the table as CSV in UTF-8, or as Parquet with "
        "the ending .parquet",
    ),
    "Cyrillic": (
        "age,outcome\n3,\u0436\u0438\u0437\u043d\u044c\n".encode("cp1251"),
        "is no text in UTF-8 (line 2, byte 0xe6), and its encoding is not clear; write encoding: "
        "cp1252, or the name of another, such as cp1250, cp1251, mac_roman, gbk or shift_jis",
    ),
    "two names": (
        b"age,age,outcome\n1,2,a\n",
        "column age stands more than once in its header; rename or remove one",
    ),
    "a longer line": (
        b"age,outcome\n1,a\n2,b,c\n",
        "is no CSV file: line 3 has 3 fields, and its header 2; correct that line, or list it in "
        "skip_lines",
    ),
    "longer lines": (
        b"age,outcome\n1,a,x\n2,b,c\n",
        "its rows have more fields than its header; give every column a name",
    ),
}


@pytest.mark.parametrize("what", BAD_FILES)
def test_files_that_are_no_tables_are_named(what: str) -> None:
    content, message = BAD_FILES[what]
    Path("patients.csv").write_bytes(content or b"")
    assert refusal() == f"patients.csv: {message}"


def test_a_missing_file_a_folder_and_a_broken_parquet_file_are_named(folder: Path) -> None:
    assert refusal(path="nowhere/patients.csv") == (
        f"nowhere/patients.csv: there is no such file; relative paths start from {folder}"
    )
    write()
    assert refusal(path="patient.csv") == (
        "patient.csv: there is no such file; did you mean patients.csv?"
    )
    assert refusal(path=".") == ".: is a folder; name a file in it"
    write(PATIENTS, "whole.parquet")
    Path("half.parquet").write_bytes(Path("whole.parquet").read_bytes()[:200])
    assert refusal(path="half.parquet").startswith("half.parquet: is no whole Parquet file: ")
    write(PATIENTS[["age", "part", "outcome"]], "test.csv")
    assert refusal(split_column=None, drop=["part"], test_path="test.csv") == (
        "test.csv: there is no column 'ward'; it has age, part, outcome\n"
        "test.csv: there is no column 'smoker'; it has age, part, outcome\n"
        "test.csv: there is no column 'grade'; it has age, part, outcome"
    )


def test_parameters_that_would_mean_nothing_are_refused() -> None:
    write()
    assert refusal(embedding_size=4) == (
        "data.embedding_size does not go with categories: one_hot; write categories: embedding"
    )
    for name in ("test_path", "split_column"):
        said = f"data.test and data.{name} do not go together; keep one"
        assert refusal(**{"split_column": None, name: "patients.csv"}, test=0.3) == said
    assert "data.split_seed and data.time" in refusal(split_column=None, time="part", split_seed=1)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (pd.to_timedelta(range(10), "h"), "column age holds durations; leave it out with drop"),
        ([[1, 2]] * 10, "column age holds ndarrays; leave it out with drop"),
    ],
)
def test_columns_of_parquet_files_that_are_no_numbers_or_texts_are_named(
    values: Any, message: str
) -> None:
    write(changed(age=values), "patients.parquet")
    assert refusal(path="patients.parquet").startswith(f"patients.parquet: {message}")
