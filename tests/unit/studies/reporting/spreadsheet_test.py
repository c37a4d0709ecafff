"""No text of a CSV file is a formula to a spreadsheet; numbers and other texts stay."""

import csv
import io
from pathlib import Path

import pandas as pd
import pytest

from studies.models.predict import write
from studies.reporting.spreadsheet import csv_text

DANGEROUS = [
    "=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(1)", "\t=1", "\r=1", "\n=1", "＝1+1",
    " =1+1", "\u00a0 @A", "\ufeff=1+1", "\u200b\u2060=1+1", "\u00ad+1+1", "\0=1+1", "\u3164-1+1",
    "\ufe0f=1", "﹢1+1", "＋1+1", "－1+1", "﹣1+1", "＠A", "﹫A", "﹦1", "\u22121+1",
]  # fmt: skip
HARMLESS = ["a=b", "-1.5", "+3", "-inf", "", "'=1", "1e-3", " a", "\ufeff", "_=1", "é", "x -1"]


@pytest.mark.parametrize("text", DANGEROUS)
def test_a_text_that_begins_like_a_formula_gets_an_apostrophe(text: str) -> None:
    table = pd.DataFrame({text: [text, "b"], "number": [-1.5, 2.0]})
    rows = list(csv.reader(io.StringIO(csv_text(table), newline="")))
    assert rows == [[f"'{text}", "number"], [f"'{text}", "-1.5"], ["b", "2.0"]]


def test_a_carriage_return_within_a_text_begins_no_row() -> None:
    text = csv_text(pd.DataFrame({"a": ["b\r=1+1"], "number": [1]}))
    assert list(csv.reader(io.StringIO(text, newline=""))) == [["a", "number"], ["b\r=1+1", "1"]]


@pytest.mark.parametrize("text", ["a;=1+1", "x\t=1+1", "x|=1+1", 'b";=1+1', 'b"\t=1+1', "c,d;=1"])
@pytest.mark.parametrize("where", ["cell", "name"])
def test_a_text_is_one_cell_whatever_separates_them(text: str, where: str) -> None:
    column = {"a": [text, "b"]} if where == "cell" else {text: ["a", "b"]}
    written = csv_text(pd.DataFrame({**column, "number": [1, 2]}))
    spelled = text.replace('"', '""')
    assert f'"{spelled}",' in written
    for separator in (",", ";", "\t", "|"):
        cells = [
            cell for row in csv.reader(io.StringIO(written), delimiter=separator) for cell in row
        ]
        assert not any(cell.lstrip().startswith("=") for cell in cells)


@pytest.mark.parametrize("text", HARMLESS)
def test_numbers_and_other_texts_stay(text: str) -> None:
    rows = list(csv.reader(io.StringIO(csv_text(pd.DataFrame({"a": [text, "x"]})))))
    assert rows[1] == [text]


@pytest.mark.parametrize("kind", ["object", "category", "string"])
def test_classes_of_predictions_are_no_formula_in_csv_and_themselves_in_parquet(
    kind: str, tmp_path: Path
) -> None:
    table = pd.DataFrame(
        {"prediction": pd.Series(["=1+1", "b"]).astype(kind), "p(=1+1)": [0.9, 0.1], "=1+1": [1, 2]}
    )
    write(table, tmp_path / "found.csv")
    assert (tmp_path / "found.csv").read_text().splitlines()[:2] == [
        "prediction,p(=1+1),'=1+1",
        "'=1+1,0.9,1",
    ]
    write(table, tmp_path / "found.parquet")
    raw = pd.read_parquet(tmp_path / "found.parquet")
    assert list(raw["prediction"]) == ["=1+1", "b"] and "=1+1" in raw.columns
