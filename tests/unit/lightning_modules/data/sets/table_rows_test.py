"""Columns that name rows: what they may be, and that nothing learns from them."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

from lightning_modules.data.table import DATASETS, load_data
from lightning_modules.errors import DataError, UserError

ROW = DATASETS["table"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    pd.DataFrame(
        {
            "who": [f"{number // 2:02}" for number in range(40)],
            "day": [f"2024-01-{number % 28 + 1:02}" for number in range(40)],
            "x": [number % 7 for number in range(40)],
            "y": ["a", "b"] * 20,
        }
    ).to_csv("rows.csv", index=False)


def load(**given: Any) -> Any:
    return load_data("table", path="rows.csv", target="y", **given).splits


@pytest.mark.parametrize("names", ["who", ["who"], ["who", "day"]])
def test_a_column_that_names_rows_is_no_input(names: Any) -> None:
    drop = [name for name in ("who", "day") if name not in names]
    found = load(id=names, drop=drop)
    assert found.train[0].shape[1] == 1
    assert torch.equal(found.train[0], load(drop=["who", "day"]).train[0])
    assert found.hash == load(drop=["who", "day"]).hash
    assert [f"{(row - 1) // 2:02}" for row in found.names["row"]] == found.names["who"]


def test_what_divides_rows_may_name_them_too() -> None:
    grouped = load(id="who", group="who", drop=["day"])
    assert len(set(grouped.names["who"])) == len(grouped.names["who"]) / 2
    timed = load(id=["who", "day"], time="day")
    assert set(timed.names["day"]) == {f"2024-01-{day}" for day in range(21, 29)}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"id": "y"}, "rows.csv: column y is named twice, by data.target and data.id; keep one"),
        (
            {"id": ["x"], "categorical": ["x"]},
            "rows.csv: column x is named twice, by data.id and data.categorical; keep one",
        ),
        (
            {"id": "whom"},
            "rows.csv: there is no column 'whom', which data.id names; did you mean who?",
        ),
    ],
)
def test_what_cannot_name_rows_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(DataError) as caught:
        load(**given)
    assert str(caught.value) == said


@pytest.mark.parametrize("wrong", [3, "", [3], {"who": 1}])
def test_names_of_columns_are_texts(wrong: Any) -> None:
    with pytest.raises(UserError, match="id: must be the name of a column, or a list of names, go"):
        load(id=wrong)


def test_rows_of_a_network_without_a_known_range_are_never_outside() -> None:
    pd.DataFrame({"x": [1, 1000, None]}).to_csv("new.csv", index=False)
    assert ROW.doubts is not None
    given = {**ROW.defaults(), "path": "rows.csv", "target": "y"}
    preparation = load(drop=["who", "day"]).preparation
    assert ROW.doubts("new.csv", preparation, None, **given).words == (
        "in 3 rows: 1 missing value (x 1); 1 number far outside the training range (x 1)"
    )
    for column in preparation["numbers"]:
        del column["low"], column["high"]
    assert ROW.doubts("new.csv", preparation, None, **given).words == (
        "in 3 rows: 1 missing value (x 1)"
    )


def test_doubts_read_cells_as_the_training_did() -> None:
    """Dates, numbers written as texts and words for missing; a rare category shares a level."""
    towns = [f"t{number}" if number < 250 else "often" for number in range(600)]
    days = pd.date_range("2023-01-01", periods=600).strftime("%d/%m/%Y")
    pd.DataFrame(
        {
            "price": [f"1.{number:03},5 €" for number in range(600)],
            "day": days,
            "town": towns,
            "kind": ["NA", "b", "c"] * 200,
            "y": ["a", "b"] * 300,
        }
    ).to_csv("rows.csv", index=False)
    pd.DataFrame(
        {
            "price": ["1.200,0 €", "9.000,0 €", "?", "x"],
            "day": ["01/02/2023", "01/02/2033", "-", "01/02/2023"],
            "town": ["often", "never seen", "t1", "often"],
            "kind": ["NA", "b", "d", "x"],
        }
    ).to_csv("new.csv", index=False)
    assert ROW.doubts is not None
    given = {**ROW.defaults(), "path": "rows.csv", "target": "y", "missing": ["x"]}
    found = load(missing=["x"])
    doubts = ROW.doubts("new.csv", found.preparation, None, **given)
    assert doubts.missing == {"price": 2, "day": 1, "kind": 1}
    assert doubts.outside == {"price": 1, "day": 1}
    assert doubts.unknown == {"kind": 1}
    assert ROW.doubts(None, found.preparation, found.names["row"], **given).words == ""


def test_a_column_without_a_name_that_counts_the_rows_is_left_out_aloud(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    lines = [f"{row},{row % 7},{'ab'[row % 2]}" for row in range(1, 41)]
    Path("rows.csv").write_text("\n".join([",x,y", *lines]))
    row = DATASETS["table"]
    assert row.check is not None
    summary = row.check(**{**row.defaults(), "path": "~/rows.csv", "target": "y"})
    assert [column.name for column in summary.columns] == ["x"]
    assert "column Unnamed: 0 has no name and counts the rows; it is left out" in summary.notices
