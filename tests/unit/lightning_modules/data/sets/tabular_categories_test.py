"""Categories of a table that were detected in the main file are the same in every other file."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from lightning_modules.data.table import DATASETS, load_data
from lightning_modules.errors import DataError

ROW = DATASETS["table"]
ZIPS = ["007", "A1", "012", "B2"] * 5
MAIN = pd.DataFrame({"zip": ZIPS, "outcome": ["01", "x"] * 10})
PLAIN = pd.DataFrame({"zip": ["007", "012"], "outcome": ["01", "01"]})
ONE_HOT = [[1, 0, 0, 0], [0, 1, 0, 0]]  # of 007, 012, A1, B2


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are named from the current folder."""
    monkeypatch.chdir(tmp_path)


def splits(**given: Any) -> Any:
    return load_data("table", path="main.csv", target="outcome", **given).splits


def new(path: str) -> Any:
    given = {**ROW.defaults(), "path": "main.csv", "target": "outcome"}
    assert ROW.read_new is not None
    return ROW.read_new(path, splits().preparation, **given)[0].tolist()


def test_new_rows_whose_texts_look_like_numbers_stay_texts() -> None:
    MAIN.to_csv("main.csv", index=False)
    PLAIN.to_csv("new.csv", index=False)
    assert new("new.csv") == ONE_HOT
    PLAIN.to_parquet("new.parquet")
    assert new("new.parquet") == ONE_HOT


@pytest.mark.parametrize("part", ["validation", "test"])
def test_a_part_with_a_file_of_its_own_has_the_texts_of_the_main_file(part: str) -> None:
    MAIN.to_csv("main.csv", index=False)
    PLAIN.to_csv("own.csv", index=False)
    found = getattr(splits(**{f"{part}_path": "own.csv"}), part)
    assert found[0].tolist() == ONE_HOT
    assert found[1].tolist() == [0, 0]


def test_numbers_of_parquet_that_lost_their_zeros_are_refused() -> None:
    MAIN.to_csv("main.csv", index=False)
    pd.DataFrame({"zip": [7, 12]}).to_parquet("new.parquet")
    with pytest.raises(DataError) as caught:
        new("new.parquet")
    assert str(caught.value) == (
        "new.parquet: column zip holds numbers, and 12 may be the '012' of the training part; "
        "save the column as texts"
    )
    pd.DataFrame({"zip": [99]}).to_parquet("new.parquet")
    assert new("new.parquet") == [[0, 0, 0, 0]]  # a value that the training does not have
