"""Excel, JSON, Arrow, SQLite and ARFF files, and files that are no tables."""

import bz2
import gzip
import json
import pickle
import sqlite3
import zipfile
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import feather, ipc

from lightning_modules.data.columns.cells import origin_of, row_of
from lightning_modules.data.readers.tables.form import FileForm
from lightning_modules.data.readers.tables.read import read_frame
from lightning_modules.errors import DataError

TABLE = {"age": [3.0, None, 5.5], "ward": ["a", "b", None], "day": [date(2024, 1, 2)] * 3}
FRAME = pd.DataFrame({"age": [3.0, None, 5.5], "ward": ["a", "b", None]})


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are named from the current folder."""
    monkeypatch.chdir(tmp_path)


def read(name: str, **given: Any) -> pd.DataFrame:
    return read_frame(name, form=FileForm.of(given))


def table(frame: pd.DataFrame) -> dict[str, Any]:
    return {
        str(name): [None if pd.isna(value) else value for value in frame[name]] for name in frame
    }


def notices(frame: pd.DataFrame) -> str:
    return "\n".join(origin_of(frame).notices)


def refusal(name: str, **given: Any) -> str:
    with pytest.raises(DataError) as caught:
        read(name, **given)
    return str(caught.value)


def write_book(sheets: Mapping[str, Sequence[Sequence[Any]]], name: str = "a.xlsx") -> None:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(list(row))
    book.save(name)


def test_excel_is_read_with_its_types_titles_and_rows() -> None:
    rows = [["Patients"], [], ["age", " ward", "day", "zip"], ["[a]", None, None, None],
            [3, "a ", datetime(2024, 1, 2), "007"], [], [None, "b", datetime(2024, 1, 3), "012"],
            [5.5, None, None, "1"]]  # fmt: skip
    write_book({"first": rows, "second": [["x"], [1]]})
    frame = read("a.xlsx")
    assert table(frame)["age"] == [3, None, 5.5]
    assert table(frame)["ward"] == ["a", "b", None]
    assert table(frame)["zip"] == ["007", "012", "1"]
    assert str(frame["day"].dtype).startswith("datetime64")
    assert row_of(frame["age"], 1) == "line 7"
    assert "sheet 'first' is read; the others are second, and sheet decides" in notices(frame)
    assert "line 4 ('[a]') says units" in notices(frame)
    assert table(read("a.xlsx", sheet="second")) == {"x": [1]}
    assert refusal("a.xlsx", sheet="secnd") == (
        "a.xlsx: there is no sheet 'secnd'; did you mean second?"
    )


def test_excel_cells_of_several_kinds_are_texts() -> None:
    write_book({"a": [["x", "y"], [1, "n.d."], [2.5, 2], ["-", 3.0]]})
    assert table(read("a.xlsx")) == {"x": ["1", "2.5", "-"], "y": ["n.d.", "2", "3"]}


def test_excel_files_that_are_broken_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    write_book({"a": [["x", "y"], [1, 2]]}, "whole.xlsx")
    Path("a.xlsx").write_bytes(Path("whole.xlsx").read_bytes()[:900])
    assert refusal("a.xlsx").startswith("a.xlsx: is no whole Excel file (")
    monkeypatch.setitem(__import__("sys").modules, "openpyxl", None)
    assert refusal("whole.xlsx") == (
        "whole.xlsx: needs the package openpyxl; pip install 'fairtune[excel]', or save the sheet "
        "as CSV"
    )


def test_json_is_read_in_all_of_its_forms() -> None:
    records = [{"age": 3, "ward": "a"}, {"age": None, "ward": "b"}, {"age": 5.5}]
    columns = {"age": [3, None, 5.5], "ward": ["a", "b", None]}
    Path("a.json").write_text(json.dumps(records))
    Path("b.json").write_text(json.dumps(columns))
    Path("c.jsonl").write_text("\n\n".join(map(json.dumps, records)))
    Path("d.json").write_text("\n".join(map(json.dumps, records)))
    Path("e.ndjson.gz").write_bytes(gzip.compress(Path("c.jsonl").read_bytes()))
    FRAME.to_json("f.json")
    for name in ("a.json", "b.json", "c.jsonl", "d.json", "e.ndjson.gz", "f.json"):
        assert table(read(name)) == columns, name


def test_all_lines_that_are_no_records_are_named() -> None:
    Path("a.jsonl").write_text('{"a": 1}\n{"a": \n\n[1]\n{"a": 2}')
    assert refusal("a.jsonl").startswith("a.jsonl: 2 lines hold no JSON record (line 2, 4); write")
    Path("a.json").write_text('[{"a": 1},\n {"a": }]')
    assert refusal("a.json") == "a.json: line 2: is no JSON (Expecting value)"
    Path("a.json").write_text('{"rows": [{"a": 1}], "version": 2}')
    assert refusal("a.json").startswith("a.json: is no list of records; it holds rows; write the")
    Path("a.json").write_text("[" * 100_000)
    assert refusal("a.json") == "a.json: is too deep; write a list of records"


def test_lists_in_json_are_named_where_they_are_used() -> None:
    Path("a.jsonl").write_text('{"a": [1], "b": 2}\n{"a": [2], "b": 3}')
    assert list(read("a.jsonl")["b"]) == [2, 3]


def test_arrow_and_feather_are_read() -> None:
    held = pa.Table.from_pandas(FRAME)
    feather.write_feather(FRAME, "a.feather")
    feather.write_feather(FRAME, "b.feather", compression="zstd")
    with ipc.new_stream("c.arrow", held.schema) as opened:
        opened.write_table(held)
    for name in ("a.feather", "b.feather", "c.arrow"):
        assert table(read(name)) == {"age": [3, None, 5.5], "ward": ["a", "b", None]}, name
    Path("d.arrow").write_bytes(Path("a.feather").read_bytes()[:200])
    assert refusal("d.arrow").startswith("d.arrow: is no whole Arrow file: ")


@pytest.fixture
def database() -> sqlite3.Connection:
    """A database with a table, to be closed."""
    opened = sqlite3.connect("a.sqlite")
    opened.execute('CREATE TABLE "the patients" (age REAL, ward TEXT, twice AS (age * 2))')
    opened.executemany(
        'INSERT INTO "the patients" VALUES (?, ?)', [(3, "a"), (None, "b"), (5.5, None)]
    )
    return opened


def closed(opened: sqlite3.Connection, script: str = "") -> None:
    opened.executescript(script)
    opened.commit()
    opened.close()


def test_a_database_is_read_and_nothing_in_it_is_run(database: sqlite3.Connection) -> None:
    closed(database)
    before = sorted(Path().iterdir()), Path("a.sqlite").read_bytes()
    frame = read("a.sqlite")
    assert table(frame) == {"age": [3, None, 5.5], "ward": ["a", "b", None]}
    assert notices(frame) == (
        "table 'the patients' is read\ncolumn twice is computed and is not read"
    )
    assert (sorted(Path().iterdir()), Path("a.sqlite").read_bytes()) == before


def test_tables_are_chosen_and_views_are_named(database: sqlite3.Connection) -> None:
    closed(database, "CREATE TABLE b (x); CREATE VIEW v AS SELECT 1; INSERT INTO b VALUES (1), (2)")
    assert refusal("a.sqlite") == (
        "a.sqlite: has 2 tables (the patients, b); write table with one of them"
    )
    assert table(read("a.sqlite", table="b")) == {"x": [1, 2]}
    assert "a.sqlite: v is a view, which is a program and is not run; copy it" in refusal(
        "a.sqlite", table="v"
    )
    assert "there is no table 'c'; it has the patients, b" in refusal("a.sqlite", table="c")


def test_a_database_that_is_being_written_is_named(database: sqlite3.Connection) -> None:
    database.commit()
    database.execute("PRAGMA journal_mode = WAL")
    database.execute('DELETE FROM "the patients"')
    database.commit()
    assert refusal("a.sqlite").startswith("a.sqlite: is being written by another program; close it")
    database.close()
    Path("b.db").write_bytes(Path("a.sqlite").read_bytes()[:100] + b"\xff" * 5000)
    assert refusal("b.db").startswith("b.db: is no whole SQLite database (")


ARFF = """% made by hand
@RELATION 'the patients'
@attribute 'the age' NUMERIC
@attribute ward {a, 'b c', "d,e"}
@attribute note string
@attribute day DATE "yyyy-MM-dd HH:mm"
@data
3, a, 'it\\'s so', "2024-01-02 10:00"
% in between
?, 'b c', ?, ?

5.5,"d,e", plain text ,'2024-01-03 11:30'
"""


def test_arff_is_read_with_the_types_of_its_attributes() -> None:
    Path("a.arff").write_text(ARFF)
    frame = read("a.arff")
    assert table(frame)["the age"] == [3, None, 5.5]
    assert table(frame)["ward"] == ["a", "b c", "d,e"]
    assert isinstance(frame["ward"].dtype, pd.CategoricalDtype)
    assert table(frame)["note"] == ["it's so", None, "plain text"]
    assert frame["day"].iloc[2] == pd.Timestamp(2024, 1, 3, 11, 30)
    assert [row_of(frame["note"], place) for place in range(3)] == ["line 8", "line 10", "line 12"]


def test_all_mistakes_of_an_arff_file_are_named() -> None:
    head = "@relation x\n@attribute a numeric\n@attribute b {x, y}\n"
    Path("a.arff").write_text(f"{head}@data\n1,x\n2\n3,y,z\n")
    assert refusal("a.arff") == (
        "a.arff: line 6: has 1 values, and there are 2 attributes\n"
        "a.arff: line 7: has 3 values, and there are 2 attributes"
    )
    Path("a.arff").write_text(f"{head}@data\n1,x\nmuch,x\n2,z\n")
    assert refusal("a.arff") == (
        "a.arff: line 6: attribute a: 'much' is not a number\n"
        "a.arff: line 7: attribute b: 'z' is not among x, y"
    )
    Path("a.arff").write_text(head)
    assert refusal("a.arff") == "a.arff: has no line @data; write it above the rows"
    Path("a.arff").write_text(f"{head}@data\n{{0 5}}\n")
    assert "line 5: is a sparse row" in refusal("a.arff")


def packed(members: Mapping[str, bytes]) -> bytes:
    with zipfile.ZipFile("packed", "w") as opened:
        for name, content in members.items():
            opened.writestr(name, content)
    return Path("packed").read_bytes()


OTHERS: dict[str, tuple[str, Any, str]] = {
    "an Excel file": ("a.csv", lambda: packed({"xl/workbook.xml": b""}), "is an Excel file, and"),
    "a ZIP archive": ("a.csv", lambda: packed({"a.csv": b"x"}), "is a ZIP archive, and its name"),
    "a Word document": ("a.csv", lambda: packed({"word/document.xml": b""}), "is a Word document"),
    "a sheet of LibreOffice": ("a.csv", lambda: packed({"content.xml": b""}), "is an OpenDocument"),
    "arrays": ("a.csv", lambda: packed({"x.npy": b""}), "is an array of numpy's; write data: {na"),
    "old Excel": ("a.xls", lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "is an old Excel file"),
    "text as Excel": ("a.xls", lambda: b"a\tb\n1\t2\n", "holds text, though its name is that of"),
    "a page": ("a.csv", lambda: b"\n<!DOCTYPE html><html>", "is an HTML page, as servers answer"),
    "a page as Excel": ("a.xls", lambda: b"<html><table>", "is an HTML page"),
    "XML": ("a.csv", lambda: b"\xef\xbb\xbf<?xml version='1.0'?><a/>", "is an XML file; save"),
    "a pickle": ("a.csv", lambda: pickle.dumps([1]), "is a pickle of Python's, which may run"),
    "a pickle by name": ("a.pkl", lambda: b"(lp0\n\x00.", "is a pickle of Python's"),
    "Git LFS": ("a.csv", lambda: b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n",
                "is a pointer of Git LFS, not the file; run: git lfs pull"),
    "R": ("a.rds", lambda: gzip.compress(b"X\n\0\0\0"), "is a file of R's; write the table with"),
    "MATLAB": ("a.mat", lambda: b"MATLAB 5.0 MAT-file, Platform", "is a file of MATLAB's; write"),
    "SPSS": ("a.sav", lambda: b"$FL2@(#) IBM", "is a file of SPSS's; export the table as CSV"),
    "Stata": ("a.csv", lambda: b"<stata_dta><header>", "is a file of Stata's; write it with"),
    "HDF5": ("a.csv", lambda: b"\x89HDF\r\n\x1a\n", "is an HDF5 file"),
    "a picture": ("a.csv", lambda: b"\x89PNG\r\n", "is a picture; name a table, or write data: {"),
    "Parquet": ("a.csv", lambda: b"PAR1\0\0", "is a Parquet file, and its name does not say so; "),
    "Arrow": ("a.csv", lambda: b"ARROW1\0\0", "rename it so that it ends in .feather"),
    "SQLite": ("a.csv", lambda: b"SQLite format 3\0", "rename it so that it ends in .sqlite"),
    "gzip": ("a.csv", lambda: gzip.compress(b"a"), "is packed with gzip, and its name does not"),
    "bzip2": ("a.tsv", lambda: bz2.compress(b"a"), "rename it so that it ends in .csv.bz2"),
    "unknown": ("a.csv", lambda: bytes(range(256)), "is no CSV file (it has zero bytes); save"),
}  # fmt: skip


@pytest.mark.parametrize("what", OTHERS)
def test_files_that_are_something_else_are_named_for_what_they_are(what: str) -> None:
    name, content, said = OTHERS[what]
    Path(name).write_bytes(content())
    assert refusal(name).startswith(f"{name}: ") and said in refusal(name)
    assert "\n" not in refusal(name)


def test_columns_of_nothing_are_numbers_that_are_missing() -> None:
    write_book({"a": [["x", "y"], [None, 1], [None, 2]]})
    assert np.isnan(read("a.xlsx")["x"]).all()
