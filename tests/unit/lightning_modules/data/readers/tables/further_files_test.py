"""Files beside the main one, which are read in the form that is said of that one."""

from pathlib import Path

import pytest
from openpyxl import Workbook

from lightning_modules.data.columns.cells import origin_of
from lightning_modules.data.readers.tables.form import FileForm
from lightning_modules.data.readers.tables.read import read_frame
from lightning_modules.errors import DataError

ROWS = ["the title", "a,b", "kg,m", "1,2", "3,4", "5,6", "7,8"]
FORM = FileForm.of({"skip_lines": [1, 3, 6]})


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are named from the current folder."""
    monkeypatch.chdir(tmp_path)


def test_lines_that_are_listed_of_the_main_file_are_left_out_of_another_only_above_its_rows() -> (
    None
):
    Path("new.csv").write_text("\n".join(ROWS))

    main = read_frame("new.csv", form=FORM.read_as("new.csv", "new.csv"))
    other = read_frame("new.csv", form=FORM.read_as("new.csv", "main.csv"))

    assert main["a"].tolist() == [1, 3, 7]
    assert other["a"].tolist() == [1, 3, 5, 7]
    assert origin_of(other).line_of is not None
    assert [origin_of(other).line_of(row) for row in range(4)] == [4, 5, 6, 7]  # type: ignore[misc]


def test_without_a_header_too() -> None:
    Path("new.csv").write_text("\n".join(["the title", *ROWS[3:]]))
    form = FileForm.of({"skip_lines": [1, 4], "header": False})

    assert read_frame("new.csv", form=form)["1"].tolist() == [1, 3, 7]
    assert read_frame("new.csv", form=form.read_as("new.csv", "a"))["1"].tolist() == [1, 3, 5, 7]


def test_rows_of_another_sheet_are_kept_too() -> None:
    book = Workbook()
    for row in ROWS:
        book.active.append([int(cell) if cell.isdigit() else cell for cell in row.split(",")])
    book.save("new.xlsx")

    assert read_frame("new.xlsx", form=FORM)["a"].tolist() == [1, 3, 7]
    other = read_frame("new.xlsx", form=FORM.read_as("new.xlsx", "main.xlsx"))
    assert other["a"].tolist() == [1, 3, 5, 7]


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_text_in_utf_8_is_read_so_whatever_single_bytes_are_named(mark: bytes) -> None:
    Path("new.csv").write_bytes(mark + "name,b\nZoë,1\nBo,2\n".encode())

    frame = read_frame("new.csv", form=FileForm.of({"encoding": "cp1251"}))

    assert frame["name"].tolist() == ["Zoë", "Bo"]
    assert "the text is UTF-8 and is read so, not as cp1251" in origin_of(frame).notices


def test_a_text_in_another_encoding_is_read_as_it_is_named() -> None:
    Path("new.csv").write_bytes("name,b\nЗоя,1\nБо,2\n".encode("cp1251"))

    frame = read_frame("new.csv", form=FileForm.of({"encoding": "cp1251"}))

    assert frame["name"].tolist() == ["Зоя", "Бо"]


def test_empty_columns_and_rows_at_the_end_of_a_spreadsheet_are_left_out() -> None:
    Path("new.csv").write_text("a;b;;\n1;2;;\n;;;\n3;;;\n;;;\n;;;\n")

    frame = read_frame("new.csv")

    assert list(frame) == ["a", "b"]
    assert frame["a"].fillna(0).tolist() == [1, 0, 3]
    said = "from line 5 on there are separators alone, which are not read"
    assert said in origin_of(frame).notices


@pytest.mark.parametrize("name", ["new.csv", "new.tsv"])
def test_a_quote_that_is_not_closed_is_named_by_its_line(name: str) -> None:
    Path(name).write_text('a\tb\n1\tx\n2\t"y\n3\tz\n4\tz\n')

    with pytest.raises(
        DataError, match=f"^{name}: is no CSV file: line 3 opens a quote that no line"
    ):
        read_frame(name)


def test_half_of_a_character_in_json_is_named() -> None:
    Path("new.json").write_text('[{"a": "\\ud800", "b": 1}]')

    with pytest.raises(DataError, match="half of a character; correct the text"):
        read_frame("new.json")


@pytest.mark.parametrize(
    "text", ['{"data": [{"a": 1}]}', '{"columns": ["a", "b"], "data": [[1, 2], [3, 4]]}']
)
def test_json_that_holds_records_elsewhere_is_no_table(text: str) -> None:
    Path("new.json").write_text(text)

    with pytest.raises(DataError, match=r"is no list of records; it holds .*data; write the list"):
        read_frame("new.json")


def test_sheets_beside_one_without_rows_are_named() -> None:
    book = Workbook()
    book.active.append(["About this file"])
    book.create_sheet("Rows").append(["a"])
    book.save("new.xlsx")

    with pytest.raises(
        DataError, match="no rows below a header; sheet 'Sheet' is read; the others"
    ):
        read_frame("new.xlsx")
