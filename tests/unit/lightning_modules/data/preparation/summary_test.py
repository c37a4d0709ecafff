"""What is told of data: counts against pandas, and what looks odd about it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import datasets

from lightning_modules.data.preparation.summary import DataSummary, summary_lines
from lightning_modules.data.table import DATASETS

ROWS = 60
NUMBERS = np.random.default_rng(0).normal(size=ROWS).round(6)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are named from the current folder."""
    monkeypatch.chdir(tmp_path)


def table(frame: pd.DataFrame, **given: Any) -> DataSummary:
    frame.to_csv("rows.csv", index=False)
    row = DATASETS["table"]
    assert row.check is not None
    found = row.check(**{**row.defaults(), "path": "rows.csv", "target": "y", **given})
    assert isinstance(found, DataSummary)
    return found


def rows(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame({"x": NUMBERS, "y": ["a", "b", "b"] * 20, **columns})


def tumours() -> pd.DataFrame:
    """Real tumours, with holes, a constant, a category and a date."""
    frame = datasets.load_breast_cancer(as_frame=True).data.iloc[:, :4].copy()
    frame.iloc[::7, 0] = np.nan
    frame["ward"] = np.array(["north", "south", "east"])[np.arange(len(frame)) % 3]
    frame.loc[frame.index[::11], "ward"] = None
    frame["device"] = 7
    frame["day"] = pd.date_range("2024-01-01", periods=len(frame)).strftime("%Y-%m-%d")
    frame["y"] = datasets.load_breast_cancer().target
    return frame


def test_parts_columns_and_classes_are_counted_as_pandas_counts_them() -> None:
    frame = tumours()
    part = np.array(["train", "validation", "test"])[np.arange(len(frame)) % 5 % 3]
    found = table(frame.assign(part=part), split_column="part")
    assert found.rows == frame.groupby(part).size().to_dict()
    counted = frame.groupby([frame["y"].astype(str), part]).size().unstack()
    assert found.classes == {
        name: counted.loc[name, ["train", "validation", "test"]].tolist() for name in ("0", "1")
    }
    inputs = frame.drop(columns="y")
    assert {c.name: c.missing for c in found.columns} == inputs.isna().sum().to_dict()
    assert {c.name: c.levels for c in found.columns} == inputs.nunique().to_dict()
    assert [c.name for c in found.columns if c.constant] == ["device"]
    kinds = {c.name: c.kind for c in found.columns}
    assert kinds == {**dict.fromkeys(inputs, "numbers"), "ward": "category", "day": "dates"}
    assert list(found.shape) == [5 + 4 + 1 + 4]  # numbers, of the date, an indicator, wards
    assert summary_lines(found) == [
        "data rows.csv: 569 rows (228 train, 227 validation, 114 test)",
        "  inputs: 14 numbers a row, 0.032 MB in memory",
        "  numbers: 5 (mean radius, mean texture, mean perimeter, mean area, device)",
        "  categories: 1 (ward: 3 levels)",
        "  dates: 1 (day)",
        "  missing: mean radius 82, ward 52",
        "  constant: device",
        "  classes: 0 212 (37.3%), 1 357 (62.7%)",
        "  column day: dates, read as 2024-12-31",
    ]
    noted = json.loads(json.dumps(found.as_values()))
    assert summary_lines(DataSummary.of(noted)) == summary_lines(found)


@pytest.mark.parametrize(
    "column", [np.arange(ROWS) + 1000, [f"patient {row * 7}" for row in range(ROWS)]]
)
def test_identifiers_are_named(column: Any) -> None:
    found = table(rows(who=column), categorical=["who"])
    assert [c.kind for c in found.columns] == ["numbers", "id"]
    assert found.warnings == (
        "column who has another value in every row, as an identifier has, and teaches nothing; "
        "leave it out with id: [who]",
    )
    named = table(rows(who=column), id="who")
    assert [(c.name, c.kind, c.levels) for c in named.columns] == [
        ("who", "id", ROWS),
        ("x", "numbers", ROWS),
    ]
    assert named.warnings == () and list(named.shape) == [1]


@pytest.mark.parametrize(
    "column",
    [
        ["north", "south", "south"] * 20,
        [1, 2, 2] * 20,
        [f"{kind}{row % 4}" for row, kind in enumerate("nss" * 20)],
        np.where(np.array(["a", "b", "b"] * 20) == "a", -3, 3) + NUMBERS / 10,
    ],
)
def test_a_column_that_determines_the_target_is_named(column: Any) -> None:
    (warning,) = table(rows(known=column)).warnings
    assert warning.startswith("column known determines y in every row, as what is known only after")


def test_a_column_that_goes_with_the_target_in_some_rows_is_not_named() -> None:
    wards = ["north", "south", "south"] * 19 + ["south", "north", "south"]
    assert table(rows(known=wards)).warnings == ()


def test_values_that_follow_from_a_column_are_named() -> None:
    frame = rows(known=[1, 2, 3] * 20).assign(y=[1.5, 2.5, 3.5] * 20)
    (warning,) = table(frame, task="regression").warnings
    assert warning.startswith("column known determines y ")
    frame = rows(known=NUMBERS[::-1]).assign(y=3 - 2 * NUMBERS[::-1])
    (warning,) = table(frame, task="regression").warnings
    assert warning.startswith("column known determines y ")


def test_equal_rows_of_few_possible_ones_are_no_copies() -> None:
    """Sex, age and class of the Titanic's passengers: rows alike have other fates."""
    frame = rows(x=[0, 1, 1] * 20, ward=["a", "b"] * 30).assign(y=["a", "a", "b", "b", "b"] * 12)
    assert table(frame).warnings == ()
    always = frame.assign(y=["a", "b", "b"] * 20)
    assert any(said.startswith("12 of 12 rows of the test part") for said in table(always).warnings)


def test_rows_that_stand_in_two_parts_are_counted() -> None:
    part = ["train"] * 40 + ["validation"] * 10 + ["test"] * 10
    frame = rows(part=part)
    assert table(frame, split_column="part").warnings == ()
    frame.loc[50:54, "x"] = frame.loc[0:4, "x"].to_numpy() + 1e-6
    frame["y"] = ["a", "b"] * 30
    (warning,) = table(frame, split_column="part").warnings
    assert warning.startswith(
        "5 of 10 rows of the test part stand in the training part too, so that"
    )


def test_classes_that_differ_in_case_or_spaces_are_named() -> None:
    (warning,) = table(rows(y=["Well done", "ill", "welldone"] * 20)).warnings
    assert warning == (
        "the classes 'Well done' (20 rows) and 'welldone' (20 rows) differ in case or spaces "
        "alone; write them alike where they are one"
    )


def test_what_was_recognized_is_said() -> None:
    frame = rows(
        price=["$45", "NA", "$7"] * 20, colour=["red", "none", "blue"] * 20, y=["b", "NA", "a"] * 20
    )
    assert list(table(frame, drop=["x"]).notices) == [
        "column price: numbers, '$45' is read as 45",
        "column price: 'NA' (20 rows) is read as missing",
        "column colour: 'none' (20 rows) is a value like others; where it means missing, write "
        "missing: ['none']",
        "column y: 'NA' (20 rows) is a class like others; where it means missing, write missing: "
        "['NA']",
    ]


@pytest.mark.parametrize("texts", [["5 kg", "5 g"], ["13:00", "14:30"], ["10-20", "20-30"]])
def test_texts_that_begin_like_numbers_and_are_categories_are_named(texts: list[str]) -> None:
    assert table(rows(size=texts * 30)).notices == (
        f"column size: texts such as {texts[0]!r} are neither numbers of one unit nor dates of one "
        "form; they are categories",
    )


def test_rare_levels_are_counted() -> None:
    often = [f"c{number:03}" for number in range(300)] + ["c000", "c001"] * 100
    frame = pd.DataFrame({"x": often, "y": np.arange(len(often)) % 2})
    found = table(frame, categorical=["x"], drop=[])
    notice = next(notice for notice in found.notices if "levels" in notice)
    train = found.rows["train"]
    assert notice.startswith("column x: ") and notice.endswith("embedding keeps all")
    levels, rare, shared = (int(each) for each in _numbers_of(notice))
    assert levels - rare == 99 and rare <= shared < train


def _numbers_of(text: str) -> list[str]:
    return [word.strip("(,") for word in text.split() if word.strip("(,").isdigit()]


def test_arrays_and_texts_are_told_too() -> None:
    x = np.random.default_rng(0).normal(size=(40, 5))
    np.savez("data.npz", x=x, y=np.arange(40) % 2)
    row = DATASETS["arrays"]
    assert row.check is not None
    found: Any = row.check(**{**row.defaults(), "path": "data.npz"})
    assert (found.rows, found.shape) == ({"train": 24, "validation": 8, "test": 8}, (5,))
    assert found.classes == {"0": [12, 4, 4], "1": [12, 4, 4]}
    frame = pd.DataFrame({"said": ["good day", "bad day", "null"] * 12, "y": ["a", "b", "a"] * 12})
    frame.to_csv("texts.csv", index=False)
    row = DATASETS["text"]
    assert row.check is not None
    given = {"path": "texts.csv", "text": "said", "target": "y", "min_count": 1}
    found = row.check(**{**row.defaults(), **given})
    assert [(c.name, c.kind, c.levels) for c in found.columns] == [("said", "text", 3)]
    assert sum(found.rows.values()) == 36
