"""Texts are divided, and the steps of series ordered, by dates of any form."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from lightning_modules.data.table import load_data
from tests.support.data_sets import refusal


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are named from the current folder."""
    monkeypatch.chdir(tmp_path)


def series(days: list[str]) -> dict[str, Any]:
    """Twelve series of two steps at these days."""
    steps = [
        {"series": f"s{number}", "time": day, "a": place, "target": "xy"[number % 2]}
        for number in range(12)
        for place, day in enumerate(days)
    ]
    pd.DataFrame(steps).to_csv("steps.csv", index=False)
    return {"path": "steps.csv", "standardize": False}


def test_steps_are_ordered_by_days_as_they_are_written() -> None:
    given = series(["13/02/2024", "14/01/2024"])
    assert load_data("sequences", **given).splits.train[0][0].tolist() == [[1], [0]]
    given = series(["03/02/2024", "04/01/2024"])
    assert "may be 2024-02-03 or 2024-03-02; write dates: {time: '%d/%m/%Y'}" in refusal(
        "sequences", **given
    )
    for form, order in (("%d/%m/%Y", [[1], [0]]), ("%m/%d/%Y", [[0], [1]])):
        found = load_data("sequences", **given, dates={"time": form}).splits
        assert found.train[0][0].tolist() == order


def test_texts_are_divided_by_days_as_they_are_written() -> None:
    days = [f"{day:02}/01/2024" for day in range(10, 0, -1)]
    said = [f"word{number}" for number in range(10)]
    frame = pd.DataFrame({"said": said, "day": days, "mood": ["good", "bad"] * 5})
    frame.to_csv("texts.csv", index=False)
    given: dict[str, Any] = {
        "path": "texts.csv", "text": "said", "target": "mood", "time": "day", "min_count": 1,
    }  # fmt: skip
    assert "write dates: {day: '%d/%m/%Y'} or" in refusal("text", **given)
    found = load_data("text", **given, dates={"day": "%d/%m/%Y"}).splits
    first = found.preparation["words"]
    assert {"word9", "word4"} <= {*first} and "word0" not in first
    assert "there is no column 'dya', which data.dates names; did you mean day?" in refusal(
        "text", **given, dates={"dya": "%d/%m/%Y"}
    )
